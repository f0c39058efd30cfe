"""Cursors: each is of one list of one workspace, and of no other."""

from typing import Any

import pytest

import make
import streaming
from calls import Site
from getbill.kit.http import paging
from installation import Installation
from make import Company

BASE = "/external-api/v1"
LISTS = ["debts", "debts?sort=amount", "debts?sort=-amount", "debtors", "events"]


def page(name: str, cursor: str | None = None) -> str:
    path = f"{BASE}/{name}{'&' if '?' in name else '?'}limit=1"
    parameter = "after" if name == "events" else "cursor"
    return path if cursor is None else f"{path}&{parameter}={cursor}"


async def cursors(installation: Installation, site: Site) -> dict[str, str]:
    """The first cursor of each list of a workspace with two debts."""
    for name in ("Jean Dupont", "Marie Martin"):
        new = {"debtor": {"name": name}, "amount": 10, "reference": name}
        assert (await site.post(f"{BASE}/debts", new)).status == 201
    while await streaming.sequence(installation.database):
        pass
    pages: dict[str, Any] = {name: (await site.get(page(name))).json() for name in LISTS}
    return {
        name: item.get("next_cursor") or item["pagination"]["next_cursor"] for name, item in pages.items()
    }


async def test_a_cursor_is_good_for_its_own_list_of_its_own_workspace_only(
    installation: Installation, client: Site, sandbox: Site
) -> None:
    other_company = await make.company(installation.database, installation.vault)
    other = client.with_token(other_company.key)
    own, foreign = await cursors(installation, sandbox), await cursors(installation, other)

    for name in LISTS:
        accepted = [
            (origin, of)
            for origin, value in (("own", own), ("foreign", foreign))
            for of, cursor in value.items()
            if (await sandbox.get(page(name, cursor))).status == 200
        ]
        assert accepted == [("own", name)], name


@pytest.mark.parametrize("name", [*LISTS, "todos", "followups", "imports"])
async def test_a_cursor_without_its_mark_is_refused(sandbox: Site, company: Company, name: str) -> None:
    forged = [
        paging.write_cursor(sort, [1_700_000_000_000_000, "0" * 32])
        for sort in ("-date", "-created_at", "amount")
    ]

    for cursor in [*forged, f"{forged[0]}.AAAAAAAAAAAAAAAA", ".", "x.y", "\u00e9.\u00e9"]:
        answer = await sandbox.get(page(name, cursor))
        assert (answer.status, answer.json()["type"]) == (400, "/problems/bad-request"), cursor

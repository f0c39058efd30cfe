"""Links to letters: good for an hour, for whoever holds them, and for nothing else."""

import io
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

import pypdf

from calls import Site
from collecting import LYON, ContactWorkspace
from getbill import companies
from getbill.followups import download_links
from getbill.kit import clock, ids


async def letter_of(workspace: ContactWorkspace) -> dict[str, Any]:
    """Let a scenario run up to its letter and return that followup."""
    await workspace.engine.set_clock("2026-01-05 09:00")
    await workspace.engine.debt(LYON)
    await workspace.engine.run_until("2026-01-25 09:00")
    (letter,) = (await workspace.get("/followups?channel=letter")).json()["data"]
    return letter


def path_of(letter: dict[str, Any]) -> str:
    return "/media/" + letter["pdf_url"].rpartition("/")[2]


async def test_a_letter_is_read_as_it_was_printed_without_a_credential(
    workspace: ContactWorkspace, site: Site
) -> None:
    database, snapshot = workspace.engine.database, await workspace.engine.snapshot()
    lines = ["1 rue du Four", "34000 MONTPELLIER"]
    await companies.set_letterhead(database, snapshot.company.id, lines, "RCS Montpellier 123 456 789")
    letter = await letter_of(workspace)

    answered = await site.get(path_of(letter))

    expires_in = datetime.fromisoformat(letter["media_urls_expire_at"]) - clock.wall()
    assert timedelta(minutes=59) < expires_in <= timedelta(hours=1)
    assert answered.status == 200
    assert answered.headers["content-type"] == "application/pdf"
    assert answered.headers["cache-control"] == "no-store"
    text = pypdf.PdfReader(io.BytesIO(answered.body)).pages[0].extract_text()
    assert all(words in text for words in ("Acme", *lines, "12 RUE DES LILAS", "RCS Montpellier 123 456 789"))
    assert (await site.get(path_of(letter))).body == answered.body


async def test_only_a_letter_has_a_link(workspace: ContactWorkspace) -> None:
    await letter_of(workspace)

    followups = (await workspace.get("/followups")).json()["data"]

    assert {item["channel"] for item in followups if item["pdf_url"]} == {"letter"}
    assert all(item["media_urls_expire_at"] is None for item in followups if not item["pdf_url"])


async def test_a_link_whose_hour_is_over_leads_nowhere(workspace: ContactWorkspace, site: Site) -> None:
    letter = await letter_of(workspace)
    snapshot = await workspace.engine.snapshot()
    followup_id = ids.read("followup", letter["id"])
    earlier = clock.wall() - download_links.LIFE
    report = snapshot.id.bytes + followup_id.bytes + int(earlier.timestamp()).to_bytes(8)
    token = urlsafe_b64encode(snapshot.vault.seal(report, b"followup-link")).rstrip(b"=").decode()

    answered = await site.get(f"/media/{token}")

    assert answered.status == 404
    assert (
        answered.json()["detail"]
        == "The link was valid for one hour. Read the followup again to get a new one."
    )


async def test_a_changed_link_leads_nowhere(workspace: ContactWorkspace, site: Site) -> None:
    token = path_of(await letter_of(workspace)).removeprefix("/media/")
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for place in range(0, len(raw), 7):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        answered = await site.get("/media/" + urlsafe_b64encode(changed).rstrip(b"=").decode())
        assert answered.status == 404
    assert (await site.get("/media/nonsense")).status == 404


async def test_an_erased_debts_letter_is_gone(workspace: ContactWorkspace, site: Site) -> None:
    letter = await letter_of(workspace)

    await workspace.call("DELETE", f"/debts/{letter['debt_id']}")

    assert (await site.get(path_of(letter))).status == 404

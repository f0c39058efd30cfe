"""A due date far ahead is doubted, and one ten years ahead is taken for a typing error."""

from datetime import timedelta

import pytest

from getbill.kit import clock
from imports.sender import Sender, csv, row

DAYS_AHEAD = (365, 3 * 365, 11 * 365)


@pytest.mark.parametrize("is_dry_run", [False, True])
async def test_a_due_date_far_ahead_warns_and_one_very_far_ahead_is_refused(
    sender: Sender, *, is_dry_run: bool
) -> None:
    due_dates = [clock.wall().date() + timedelta(days=days) for days in DAYS_AHEAD]
    content = csv([row(number, Échéance=f"{due:%d/%m/%Y}") for number, due in enumerate(due_dates)])

    shown = await sender.imported(content, f"?auto=true&dry_run={str(is_dry_run).lower()}")

    findings = await sender.findings(shown["id"], Accept_Language="en")
    created = shown["would_create"] if is_dry_run else shown["counts"]["created"]
    assert (created, shown["counts"]["rejected"], shown["counts"]["warnings"]) == (2, 1, 1)
    assert [(finding["line"], finding["column"], finding["outcome"]) for finding in findings] == [
        (3, "Échéance", "warned"),
        (4, "Échéance", "rejected"),
    ]
    assert [finding["message"] for finding in findings] == [
        f"The date {due_dates[1].isoformat()} is more than 2 years in the future.",
        f"The date {due_dates[2].isoformat()} is more than 10 years in the future.",
    ]

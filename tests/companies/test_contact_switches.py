"""The switches of contact: of a workspace, and of the installation above it."""

from dataclasses import replace
from decimal import Decimal

from companies.conftest import Change
from getbill import companies
from getbill.companies import ContactChanges, ContactSwitches
from installation import Installation
from make import Company


async def test_each_switch_is_set_by_itself(
    installation: Installation, company: Company, change: Change
) -> None:
    workspace_id = company.sandbox.id

    before = await companies.switches(installation.database, workspace_id)
    rehearsing = await change(companies.switch, workspace_id, ContactChanges(companies.DRY_RUN))
    later = await change(companies.switch, workspace_id, ContactChanges(grace_hours=48))
    small = ContactChanges(minimum_balance=Decimal("2.5"), writes_off_small_balances=True)
    strict = await change(companies.switch, workspace_id, small)

    assert before == ContactSwitches("on", 2, Decimal(1), writes_off_small_balances=False, stopped_at=None)
    assert rehearsing == replace(before, contact="dry_run")
    assert later == replace(rehearsing, grace_hours=48)
    assert strict == replace(later, minimum_balance=Decimal("2.5"), writes_off_small_balances=True)
    assert await companies.switches(installation.database, workspace_id) == strict
    assert (await companies.switches(installation.database, company.live.id)).contact == "on"


async def test_the_stop_of_the_installation_overrides_and_does_not_change_the_workspaces(
    installation: Installation, company: Company, change: Change
) -> None:
    database, vault, workspace_id = installation.database, installation.vault, company.sandbox.id
    await change(companies.switch, workspace_id, ContactChanges(companies.DRY_RUN))

    await change(companies.stop_all)
    first = await companies.switches(database, workspace_id)
    await change(companies.stop_all)
    again = await companies.switches(database, workspace_id)
    stopped = await companies.workspace(database, vault, workspace_id)
    await change(companies.resume_all)
    resumed = await companies.workspace(database, vault, workspace_id)

    assert first.contact == "dry_run"
    assert first.stopped_at is not None
    # The second stop does not hide since when nobody is contacted.
    assert again == first
    assert (stopped.contact, resumed.contact) == ("stopped", "dry_run")
    assert (await companies.switches(database, workspace_id)).stopped_at is None

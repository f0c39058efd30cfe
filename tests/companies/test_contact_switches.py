"""The switches of contact: of a workspace, and of the installation above it."""

from companies.conftest import Change
from getbill import companies
from getbill.companies import ContactSwitches
from installation import Installation
from make import Company


async def test_each_switch_is_set_by_itself(
    installation: Installation, company: Company, change: Change
) -> None:
    workspace_id = company.sandbox.id

    before = await companies.switches(installation.database, workspace_id)
    rehearsing = await change(companies.switch, workspace_id, companies.DRY_RUN, None)
    later = await change(companies.switch, workspace_id, None, 48)

    assert before == ContactSwitches("on", 2, None)
    assert rehearsing == ContactSwitches("dry_run", 2, None)
    assert later == ContactSwitches("dry_run", 48, None)
    assert await companies.switches(installation.database, workspace_id) == later
    assert (await companies.switches(installation.database, company.live.id)).contact == "on"


async def test_the_stop_of_the_installation_overrides_and_does_not_change_the_workspaces(
    installation: Installation, company: Company, change: Change
) -> None:
    database, vault, workspace_id = installation.database, installation.vault, company.sandbox.id
    await change(companies.switch, workspace_id, companies.DRY_RUN, None)

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

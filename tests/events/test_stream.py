import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import streaming
from getbill import events
from getbill.companies import Workspace
from getbill.kit import clock
from getbill.kit.database.transactions import Database


async def commit(database: Database, workspace: Workspace, *facts: tuple[Any, str]) -> None:
    async with database.transaction(workspace.now()) as tx:
        for subject, kind in facts:
            events.record(tx, kind, subject)


async def sequence_all(database: Database, batch: int = 1000) -> int:
    total = 0
    while sequence := await streaming.sequence(database, batch):
        total += sequence
    return total


async def places(database: Database, workspace: Workspace) -> list[tuple[int, UUID, int]]:
    result = await all_of(database, workspace.id)
    return [(event.position, event.debt_id, event.sequence) for event in result]


async def all_of(
    database: Database, workspace_id: UUID, after: int = 0, **fields: Any
) -> list[events.StreamEvent]:
    stream = await events.stream(database, workspace_id)
    request = events.EventQuery(after, stream.position, 10_000, **fields)
    return (await events.read(database, workspace_id, request)).events


async def test_committed_events_get_gap_free_positions(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    first, second = await new_subject(), await new_subject()
    await commit(database, workspace, (first, "debt.created"), (second, "debt.created"))
    await commit(database, workspace, (first, "debt.updated"))

    await sequence_all(database)

    result = await places(database, workspace)
    assert [position for position, _, _ in result] == [1, 2, 3]
    assert result[2] == (3, first.id, 2)


async def test_events_of_a_rolled_back_change_leave_no_gap(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    subject = await new_subject()
    with suppress(RuntimeError):
        async with database.transaction(workspace.now()) as tx:
            events.record(tx, "debt.created", subject)
            raise RuntimeError
    await commit(database, workspace, (subject, "debt.created"))

    await sequence_all(database)

    assert await places(database, workspace) == [(1, subject.id, 1)]


async def test_a_debts_positions_follow_its_sequence_where_clocks_disagree(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    subject, other = await new_subject(), await new_subject()
    await commit(database, workspace, (subject, "debt.created"), (subject, "debt.updated"))
    await commit(database, workspace, (other, "debt.created"))
    await commit(database, workspace, (subject, "debt.resolved"))
    behind = clock.wall() - timedelta(hours=1)
    await database.pool.execute(
        "UPDATE events SET recorded_at = $3 WHERE workspace_id = $1 AND debt_id = $2 AND sequence = 3",
        workspace.id,
        subject.id,
        behind,
    )

    # One at a time, so that the event whose clock is behind is the first the sequencer meets.
    await sequence_all(database, batch=1)

    result = await places(database, workspace)
    assert [place for place, _, _ in result] == [1, 2, 3, 4]
    assert [sequence for _, debt_id, sequence in result if debt_id == subject.id] == [1, 2, 3]


async def test_workspaces_have_streams_of_their_own(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    mine = await new_subject()
    theirs = await new_subject()
    live = await database.pool.fetchval(
        "SELECT workspace_id FROM workspaces WHERE company_id = $1 AND kind = 'live'", workspace.company.id
    )
    theirs.workspace_id = live
    await commit(database, workspace, (mine, "debt.created"), (theirs, "debt.created"))

    await sequence_all(database)

    assert await places(database, workspace) == [(1, mine.id, 1)]
    assert [event.position for event in await all_of(database, live)] == [1]


async def test_sequencers_at_once_give_every_position_once(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    subjects = [await new_subject() for _ in range(20)]
    for subject in subjects:
        await commit(database, workspace, (subject, "debt.created"), (subject, "debt.updated"))

    while True:
        sequences = await asyncio.gather(*(streaming.sequence(database, 7) for _ in range(4)))
        if not any(sequences) and not await streaming.sequence(database):
            break

    result = await places(database, workspace)
    assert [position for position, _, _ in result] == list(range(1, 41))
    for subject in subjects:
        assert [sequence for _, debt_id, sequence in result if debt_id == subject.id] == [1, 2]


async def test_the_stream_is_read_by_place_kind_and_debt(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    first, second = await new_subject(), await new_subject()
    await commit(database, workspace, (first, "debt.created"), (first, "debt.resolved"))
    await commit(database, workspace, (second, "debt.created"))
    await sequence_all(database)

    after_one = await all_of(database, workspace.id, 1)
    created = await all_of(database, workspace.id, kinds=["debt.created"])
    of_second = await all_of(database, workspace.id, debt_id=second.id)

    assert [event.position for event in after_one] == [2, 3]
    assert [event.position for event in created] == [1, 3]
    assert [event.position for event in of_second] == [3]
    data = events.read_data(
        of_second[0].sealed, second.key, workspace.id, of_second[0].event_id, of_second[0].debt_id
    )
    assert data == second.event_data()


async def test_a_stretch_is_taken_once_and_again_when_its_reactions_failed(
    database: Database, workspace: Workspace, new_subject: Any
) -> None:
    subject = await new_subject()
    await sequence_all(database)
    async with database.transaction(clock.wall()) as tx:
        # What other tests have left comes first.
        while await events.claim_for_fan_out(tx, workspace.id, 1000):
            pass
    await commit(database, workspace, *[(subject, "debt.updated")] * 5)
    await sequence_all(database)
    mine = []

    async def take(*, fails: bool) -> None:
        async with database.transaction(clock.wall()) as tx:
            stretch = await events.claim_for_fan_out(tx, workspace.id, 3)
            mine.append([(stretch.after, stretch.until)] if stretch else [])
            if fails:
                raise RuntimeError

    with suppress(RuntimeError):
        await take(fails=True)
    for _ in range(3):
        await take(fails=False)

    assert mine == [[(0, 3)], [(0, 3)], [(3, 5)], []]

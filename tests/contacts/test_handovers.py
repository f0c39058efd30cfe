"""The journal of hand-overs: after a worker's death only what was on the wire is in doubt."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collecting import ACCEPTED, Provider, WorkspaceEngine, live_engine
from getbill import debts
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Capabilities, Fate, Outgoing, SendOutcome, failed, unknown
from getbill.contacts import HandoverJournal
from getbill.contacts.handovers import HandoverNotJournaled
from getbill.contacts.model import Contact
from getbill.contacts.recovery import dead_journals
from getbill.contacts.sending import deliver
from getbill.contacts.sending.context import PreparedSend
from getbill.contacts.sending.prepare import prepare_sends
from getbill.debtors import Identity
from getbill.kit import clock
from getbill.kit.database.transactions import Database
from kit.test_slot_file import full_disk
from testbed.contact_chaos.journals import spoil

OURS = "installation-1"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def a_contact() -> Contact:
    return Contact(
        workspace_id=uuid4(),
        debt_id=uuid4(),
        run=1,
        step="wave_1_email",
        attempt=1,
        channel="email",
        state="sending",
        due_at=NOW,
        is_live=True,
        contact_epoch=0,
        created_at=NOW,
        fence=1,
        followup_id=uuid4(),
    )


def begun(journal: HandoverJournal, count: int = 1) -> list[Contact]:
    batch = [a_contact() for _ in range(count)]
    journal.begin(batch)
    assert all(contact.handover_id for contact in batch)
    return batch


def known(folder: Path) -> dict[Any, tuple[str, SendOutcome | None]]:
    """Return what the next worker knows: progress and outcome of each hand-over by its id."""
    handovers = HandoverJournal(folder, OURS).known_handovers()
    return {key: (str(handover.progress), handover.outcome) for key, handover in handovers.items()}


def test_what_a_dead_worker_had_begun_never_left(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    (contact,) = begun(journal)
    alive = known(tmp_path)

    journal.close()

    assert alive == {}
    assert known(tmp_path) == {contact.handover_id: ("begun", None)}


def test_what_was_handed_over_without_an_answer_is_in_doubt(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    lost, silent = begun(journal, 2)
    journal.hand_over(lost.handover_id)
    journal.hand_over(silent.handover_id)
    journal.answer(silent.handover_id, unknown("it did not answer"))
    journal.close()

    assert known(tmp_path) == {}


OUTCOMES = st.builds(
    SendOutcome,
    st.sampled_from([fate for fate in Fate if fate != Fate.UNKNOWN]),
    st.none() | st.text(max_size=200),
    st.none() | st.just("completed_successfully"),
    st.booleans(),
    st.none() | st.integers(0, 2**31 - 1),
    st.booleans(),
)


@given(OUTCOMES)
def test_an_answer_is_known_as_it_came_also_while_the_worker_lives(
    tmp_path_factory: pytest.TempPathFactory, outcome: SendOutcome
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = HandoverJournal(folder, OURS)
    (contact,) = begun(journal)
    journal.hand_over(contact.handover_id)

    journal.answer(contact.handover_id, outcome)

    journaled = known(folder).get(contact.handover_id)
    journal.close()
    # A reference that does not fit leaves it in doubt.
    assert journaled is not None or len(outcome.ref or "") > 100
    if journaled is not None:
        assert journaled == (
            "answered",
            replace(outcome, reason=outcome.reason or "the provider answered before the worker died"),
        )


def test_the_words_of_a_provider_are_not_written_down(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    (contact,) = begun(journal)

    journal.answer(contact.handover_id, failed("550 no mailbox jean.dupont@example.com", permanent=True))
    journal.close()

    ((_, outcome),) = known(tmp_path).values()
    assert outcome == failed("the provider answered before the worker died", permanent=True)
    assert all(b"dupont" not in path.read_bytes() for path in tmp_path.iterdir())


def test_what_a_failed_transaction_was_to_commit_is_known_never_to_leave(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    withdrawn, handed = begun(journal, 2)
    journal.hand_over(handed.handover_id)

    journal.withdraw([withdrawn, handed, a_contact()])

    assert known(tmp_path) == {withdrawn.handover_id: ("withdrawn", None)}
    journal.close()
    assert known(tmp_path) == {withdrawn.handover_id: ("withdrawn", None)}


def test_slots_are_used_again_long_after_their_end(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    first = begun(journal, 700)
    for contact in first:
        journal.answer(contact.handover_id, ACCEPTED)
    (path,) = tmp_path.iterdir()
    size = path.stat().st_size

    again = begun(journal, 100)
    journal.close()

    handovers = known(tmp_path)
    assert path.stat().st_size == size
    assert {handovers[contact.handover_id][0] for contact in again} == {"begun"}
    assert [contact.handover_id in handovers for contact in first] == [False] * 100 + [True] * 600


def test_a_full_disk_begins_nothing_and_the_contact_counts_as_unknown_to_the_journal(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    (contact,) = [a_contact()]

    with full_disk():
        journal.begin([contact])
        journal.hand_over(contact.handover_id)
        journal.answer(contact.handover_id, ACCEPTED)

    assert contact.handover_id is None
    assert begun(journal)
    journal.close()


def test_a_disk_that_fills_up_before_the_hand_over_leaves_everything_in_doubt(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    contact, other = begun(journal, 2)

    with full_disk():
        journal.hand_over(contact.handover_id)
    after = begun(journal)
    journal.hand_over(other.handover_id)
    journal.answer(other.handover_id, ACCEPTED)
    journal.close()

    assert known(tmp_path) == {after[0].handover_id: ("begun", None)}


def test_a_disk_that_fills_up_after_the_hand_over_leaves_it_in_doubt(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    (contact,) = begun(journal)
    journal.hand_over(contact.handover_id)

    with full_disk():
        journal.answer(contact.handover_id, ACCEPTED)
    journal.close()

    assert known(tmp_path) == {}


def test_a_closed_journal_lets_nothing_leave(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, OURS)
    (contact,) = begun(journal)
    journal.close()

    with pytest.raises(HandoverNotJournaled):
        journal.hand_over(contact.handover_id)
    journal.begin([contact])

    assert contact.handover_id is None


def test_a_foreign_journal_says_nothing(tmp_path: Path) -> None:
    journal = HandoverJournal(tmp_path, "installation-2")
    begun(journal)
    journal.close()

    assert known(tmp_path) == {}


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_however_a_journal_is_spoiled_what_left_is_never_taken_for_unsent(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random, count: int
) -> None:
    """Of two workers, at any moment: each journal is cut, deleted, copied over the other, or swapped with it."""
    folder = tmp_path_factory.mktemp("journals")
    journals = [HandoverJournal(folder, OURS) for _ in range(2)]
    left, answered = set(), set()
    for journal in journals:
        for contact in begun(journal, count):
            if chance.random() < 0.6:
                journal.hand_over(contact.handover_id)
                left.add(contact.handover_id)
                if chance.random() < 0.5:
                    journal.answer(contact.handover_id, ACCEPTED)
                    answered.add(contact.handover_id)
            if chance.random() < 0.1:
                spoil(folder, chance)
    for journal in journals:
        journal.close()
    spoil(folder, chance)

    for handover_id, (progress, _) in known(folder).items():
        assert (progress == "answered") == (handover_id in answered)
        assert (progress == "begun") == (handover_id not in left)


# With a database: what the next worker does.


@pytest.fixture(autouse=True)
async def nothing_is_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Leave nothing that a worker of another test would find lost, or due."""
    yield
    if "database" in request.fixturenames:
        database: Database = request.getfixturevalue("database")
        await database.pool.execute(
            "UPDATE contacts SET state = 'stopped', lease_until = NULL"
            " WHERE is_live AND state IN ('planned', 'claimed', 'sending')"
        )


@dataclass
class Worker:
    """A worker of a workspace with a journal, which may die."""

    workspace: WorkspaceEngine
    provider: Provider
    folder: Path

    @classmethod
    async def start(
        cls, database: Database, folder: Path, assurance: Assurance = Assurance.NEITHER
    ) -> "Worker":
        provider = Provider(Channel.EMAIL, assurance)
        workspace = await live_engine(database, provider)
        await workspace.debt()
        worker = cls(workspace, provider, folder)
        worker.come_back()
        return worker

    @property
    def journal(self) -> HandoverJournal:
        assert self.workspace.context.handovers is not None
        return self.workspace.context.handovers

    def come_back(self, installation: str = OURS) -> None:
        """Start another worker in its place."""
        self.workspace.context = replace(
            self.workspace.context, handovers=HandoverJournal(self.folder, installation)
        )

    def die(self) -> None:
        self.journal.close()
        self.come_back()

    async def prepare(self) -> PreparedSend:
        """Commit the due contact as `sending`."""
        claim = await self.workspace.claim((0, 99))
        (prepared,) = await prepare_sends(self.workspace.context, await self.workspace.snapshot(), claim)
        return prepared

    async def recover(self, *, is_expired: bool = True) -> None:
        if is_expired:
            await self.workspace.database.pool.execute(
                "UPDATE contacts SET lease_until = $2 WHERE workspace_id = $1 AND lease_until IS NOT NULL",
                self.workspace.id,
                clock.wall() - timedelta(seconds=1),
            )
        await self.workspace.recover()

    async def state(self) -> str:
        state: str = await self.workspace.database.pool.fetchval(
            "SELECT state FROM contacts WHERE workspace_id = $1 ORDER BY due_at, attempt LIMIT 1",
            self.workspace.id,
        )
        return state

    async def questions(self) -> int:
        count: int = await self.workspace.database.pool.fetchval(
            "SELECT count(*) FROM todos WHERE workspace_id = $1 AND decided_at IS NULL", self.workspace.id
        )
        return count


@pytest.fixture
async def worker(database: Database, tmp_path: Path) -> Worker:
    return await Worker.start(database, tmp_path)


async def test_a_message_that_had_not_left_is_sent_by_the_next_worker_at_once(worker: Worker) -> None:
    await worker.prepare()
    worker.die()

    # Its lease would last for minutes.
    await worker.recover(is_expired=False)
    planned = await worker.state()
    await worker.workspace.send_due_live()
    await worker.workspace.recover()
    # After a death first those that no worker died with, then the others.
    await worker.workspace.send_due_live()

    assert planned == "planned"
    assert await worker.state() == "accepted"
    assert len(worker.provider.taken) == 1
    assert await worker.questions() == 0


async def test_an_answer_that_was_not_stored_is_settled_by_the_next_worker(worker: Worker) -> None:
    await deliver.send_prepared([await worker.prepare()])
    worker.die()

    await worker.recover(is_expired=False)

    assert await worker.state() == "accepted"
    assert len(worker.provider.taken) == 1
    assert await worker.questions() == 0


async def test_a_refusal_that_was_not_stored_is_settled_by_the_next_worker(worker: Worker) -> None:
    worker.provider.outcome = failed("550 no such mailbox", permanent=True, dead_address=True)
    await deliver.send_prepared([await worker.prepare()])
    worker.die()

    await worker.recover(is_expired=False)

    assert await worker.state() == "failed"
    assert await worker.workspace.database.pool.fetchval(
        "SELECT count(*) FROM suppressions WHERE workspace_id = $1", worker.workspace.id
    )


async def test_what_a_recovering_worker_left_is_found_when_its_own_lease_ends(worker: Worker) -> None:
    await worker.prepare()
    worker.die()
    # The index names the end of the dead worker's lease alone, which is later.
    await worker.workspace.postpone()

    await dead_journals.claim_known(worker.workspace.context, clock.wall() + timedelta(seconds=1))

    assert await worker.workspace.missing_from_index() == []


def test_journals_that_wait_are_examined_before_those_that_were_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.contacts.handovers._EXAMINED_EVERY_SECONDS", 0.0)
    for _ in range(3):
        journal = HandoverJournal(tmp_path, OURS)
        begun(journal)
        journal.close()
    journal = HandoverJournal(tmp_path, OURS)

    first, second = journal.dead_journals(2), journal.dead_journals(2)

    assert [found.was_examined for found in first] == [False, False]
    assert [found.was_examined for found in second] == [False, True]


async def test_a_message_that_was_on_the_wire_is_unknown_when_its_lease_ends(worker: Worker) -> None:
    prepared = await worker.prepare()
    worker.journal.hand_over(prepared.contact.handover_id)
    worker.die()

    await worker.recover(is_expired=False)
    before = await worker.state()
    await worker.recover()

    assert (before, await worker.state()) == ("sending", "unknown")
    assert worker.provider.taken == []
    assert await worker.questions() == 1


async def test_a_live_workers_message_is_in_doubt_as_before(worker: Worker) -> None:
    await worker.prepare()
    slow = worker.journal
    worker.come_back()

    await worker.recover()

    assert await worker.state() == "unknown"
    slow.close()


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign", "copied"])
async def test_without_the_journal_a_message_is_in_doubt(worker: Worker, damage: str) -> None:
    await worker.prepare()
    worker.die()
    (path,) = worker.folder.iterdir()
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            with path.open("r+b") as file:
                file.truncate(path.stat().st_size - 1)
        case "foreign":
            worker.come_back("installation-2")
        case "copied":
            shutil.move(shutil.copy2(path, path.with_suffix(".copy")), path)

    await worker.recover(is_expired=False)
    before = await worker.state()
    await worker.recover()

    assert (before, await worker.state()) == ("sending", "unknown")
    assert worker.provider.taken == []


async def test_an_old_hand_over_of_the_same_contact_says_nothing_of_the_next(worker: Worker) -> None:
    """The same fence, as after a restore of the database: the journals are told apart."""
    first = await worker.prepare()
    worker.die()
    await worker.workspace.database.pool.execute(
        "UPDATE contacts SET state = 'planned', fence = 0, lease_until = NULL, handover_id = NULL"
        " WHERE workspace_id = $1",
        worker.workspace.id,
    )
    again = await worker.prepare()
    assert again.contact.fence == first.contact.fence
    worker.journal.hand_over(again.contact.handover_id)
    worker.die()

    await worker.recover()
    await worker.recover()

    assert await worker.state() == "unknown"
    assert worker.provider.taken == []


async def test_a_contact_whose_journal_could_not_be_written_is_sent_and_in_doubt_after_a_crash(
    database: Database, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made here")
    worker = await Worker.start(database, blocked / "journals")

    prepared = await worker.prepare()
    await deliver.send_prepared([prepared])
    worker.die()
    await worker.recover()

    assert prepared.contact.handover_id is None
    assert len(worker.provider.taken) == 1
    assert await worker.state() == "unknown"


async def test_a_rolled_back_transaction_leaves_the_contact_to_be_sent(worker: Worker) -> None:
    claim = await worker.workspace.claim()
    with broken_commit(worker.workspace.database), pytest.raises(ConnectionError):
        await prepare_sends(worker.workspace.context, await worker.workspace.snapshot(), claim)

    assert [str(handover.progress) for handover in worker.journal.known_handovers().values()] == ["withdrawn"]
    assert await worker.state() == "claimed"


@contextmanager
def broken_commit(database: Database) -> Iterator[None]:
    """Let transactions fail at their very end."""
    before_commit = database.before_commit

    async def fail(tx: Any) -> None:
        await before_commit(tx)
        raise ConnectionError

    database.before_commit = fail
    try:
        yield
    finally:
        database.before_commit = before_commit


async def test_what_was_committed_before_the_database_was_lost_is_sent_later(worker: Worker) -> None:
    """Of two contacts the second fails: alone for another reason, once the first was committed as `sending`."""
    pool = worker.workspace.database.pool
    second = await worker.workspace.debt(Identity(name="Marie Martin", email="marie@example.com"))
    await pool.execute(BROKEN_TWICE.format(debt_id=second.id))
    try:
        await worker.workspace.send_due_live()
    finally:
        await pool.execute("DROP TRIGGER broken ON contacts; DROP FUNCTION break_twice; DROP SEQUENCE breaks")
    interrupted = await worker.state()

    await worker.recover()

    assert interrupted == "sending"
    assert await worker.state() == "planned"
    assert worker.provider.taken == []
    assert await worker.questions() == 0


# First a fault of the contact, then one of the database.
BROKEN_TWICE = """
CREATE SEQUENCE breaks;
CREATE FUNCTION break_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('breaks') = 1 THEN RAISE EXCEPTION 'broken'; END IF;
    RAISE EXCEPTION 'lost' USING ERRCODE = '40001';
END $$;
CREATE TRIGGER broken BEFORE UPDATE ON contacts
    FOR EACH ROW WHEN (OLD.debt_id = '{debt_id}' AND NEW.state = 'sending') EXECUTE FUNCTION break_twice()
"""


async def test_a_message_that_kills_every_worker_is_not_sent_for_ever(worker: Worker) -> None:
    for _ in range(worker.workspace.context.settings.crashes_max):
        await worker.prepare()
        worker.die()
        await worker.recover(is_expired=False)
        if await worker.state() != "planned":
            break

    assert await worker.state() == "unknown"
    assert worker.provider.taken == []
    assert await worker.questions() == 1


async def test_a_debt_paid_meanwhile_stops_what_had_not_left(worker: Worker) -> None:
    prepared = await worker.prepare()
    await worker.workspace.change(prepared.contact.debt_id, debts.enter_money, "payment", -234_000)
    worker.die()

    await worker.recover(is_expired=False)

    assert await worker.state() == "stopped"
    assert worker.provider.taken == []


async def test_a_provider_with_keys_is_asked_once_more_only_for_what_left(
    database: Database, tmp_path: Path
) -> None:
    worker = await Worker.start(database, tmp_path, Assurance.IDEMPOTENCY_KEY)
    prepared = await worker.prepare()
    worker.journal.hand_over(prepared.contact.handover_id)
    worker.die()

    await worker.recover()

    assert len(worker.provider.taken) == 1
    assert await worker.state() == "accepted"
    assert (await worker.workspace.first(prepared.contact.debt_id))["handover_id"] is None


async def test_the_journal_of_a_dead_worker_goes_when_nothing_refers_to_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getbill.contacts.handovers._EXAMINED_EVERY_SECONDS", 0.0)
    prepared = await worker.prepare()
    worker.journal.hand_over(prepared.contact.handover_id)
    worker.die()

    await worker.recover(is_expired=False)
    await worker.recover(is_expired=False)
    kept = len(list(worker.folder.iterdir()))
    await worker.recover()
    await worker.recover()

    assert (kept, list(worker.folder.iterdir())) == (1, [])


async def test_a_live_message_in_doubt_whose_provider_can_be_asked_is_no_question_yet(
    database: Database, tmp_path: Path
) -> None:
    worker = await Worker.start(database, tmp_path, Assurance.LOOK_UP)
    worker.provider.outcome = unknown("it did not answer")
    await worker.workspace.send_due_live()
    before = await worker.state()
    worker.provider.known[worker.provider.taken[0].key] = ACCEPTED

    await worker.recover()

    assert (before, await worker.state()) == ("sending", "accepted")
    assert await worker.questions() == 0


@dataclass
class Announcing(Provider):
    """A provider that says when a message leaves, and never gets so far."""

    leaves: bool = True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.assurance, self.gives_receipt, announces_handover=True)

    async def send(self, message: Outgoing) -> SendOutcome:
        if self.leaves:
            message.before_handover()
        raise TimeoutError


@pytest.mark.parametrize(("leaves", "state"), [(True, "unknown"), (False, "failed")])
async def test_a_message_that_waited_in_vain_for_a_connection_is_not_in_doubt(
    database: Database, tmp_path: Path, leaves: bool, state: str
) -> None:
    provider = Announcing(Channel.EMAIL, leaves=leaves)
    workspace = await live_engine(database, provider)
    debt = await workspace.debt()
    workspace.context = replace(workspace.context, handovers=HandoverJournal(tmp_path, OURS))

    await workspace.send_due_live()

    assert (await workspace.first(debt.id))["state"] == state


@dataclass
class Suspended(Provider):
    """A provider to which the machine of the first message loses its time before it has a connection."""

    suspended: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(Assurance.LOOK_UP, self.gives_receipt, announces_handover=True)

    async def send(self, message: Outgoing) -> SendOutcome:
        if not self.suspended.is_set():
            self.suspended.set()
            await self.resumed.wait()
        message.before_handover()
        return await super().send(message)


async def test_a_machine_that_was_suspended_before_the_hand_over_sends_nothing_that_another_sent(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Suspended(Channel.EMAIL)
    workspace = await live_engine(database, provider)
    await workspace.debt()
    worker = Worker(workspace, provider, tmp_path / "one machine")
    worker.come_back()
    sending = asyncio.create_task(deliver.send_prepared([await worker.prepare()]))
    await provider.suspended.wait()

    other = Worker(workspace, provider, tmp_path / "another machine")
    other.come_back()
    await other.recover()
    planned = await other.state()
    await deliver.send_prepared([await other.prepare()])
    now = clock.wall() + timedelta(hours=1)
    monkeypatch.setattr(clock, "wall", lambda: now)
    provider.resumed.set()
    (result,) = await sending

    assert planned == "planned"
    assert len(provider.taken) == 1
    assert result.outcome == failed("the worker exceeded the time to send it", permanent=False)

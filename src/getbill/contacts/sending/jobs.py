"""What the worker does with contacts: carry out what is due, a bounded share of each workspace at a time."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import groupby
from uuid import UUID

import structlog

from getbill import companies, debts, quarantine
from getbill.channels import Channel
from getbill.companies import Workspace
from getbill.contacts import failures, ledger
from getbill.contacts.model import Contact
from getbill.contacts.sending import settle
from getbill.contacts.sending.context import Carried, Departing, Desk, others_go_on
from getbill.contacts.sending.send import depart, depart_inside
from getbill.kit import clock
from getbill.kit.database import LOST

_log = structlog.get_logger(__name__)

KeepGoing = Callable[[], bool]


async def send_due(desk: Desk, keep_going: KeepGoing) -> int:
    """Carry out the live contacts that are due, a bounded share of each workspace; return how many were taken."""
    left_alone = await quarantine.workspaces(desk.database)

    async def in_lanes(lanes: int, most: int, crashes: ledger.Crashes) -> int:
        rounds = _Rounds(desk, _claiming(desk, left_alone, most, crashes), keep_going)
        return await abreast([lambda: _work_off(rounds)] * lanes)

    done = await in_lanes(desk.pace.abreast, desk.pace.batch, ledger.UNSUSPECTED)
    for most, crashes in ledger.SUSPECTS:
        done += await in_lanes(1, most, crashes)
    return done


def _claiming(
    desk: Desk, left_alone: Sequence[UUID], most: int, crashes: ledger.Crashes
) -> Callable[[], Awaitable[list[Contact]]]:
    taken: Counter[UUID] = Counter()

    async def claim() -> list[Contact]:
        lease = clock.wall() + timedelta(seconds=desk.pace.claim_seconds)
        sated = [workspace_id for workspace_id, count in taken.items() if count >= desk.pace.share]
        sated += left_alone
        claimed = await ledger.claim_live(desk.database, clock.wall(), most, lease, sated, crashes)
        taken.update(contact.workspace_id for contact in claimed)
        return claimed

    return claim


async def _work_off(rounds: "_Rounds") -> int:
    done = 0
    while found := await rounds.next():
        workspace, contacts = found
        async with others_go_on(rounds.desk.database, workspace.id):
            await _carry(rounds.desk, workspace, contacts, rounds.keep_going)
        done += len(contacts)
    return done


async def send_due_in(desk: Desk, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Carry out some of a sandbox's contacts that are due at its own instant; return how many were taken."""
    if not desk.is_careful and all(_answers_inside(desk, channel) for channel in Channel):
        try:
            return await depart_inside(desk, workspace)
        except Exception as error:
            if quarantine.is_passing(error):
                raise
            # One of them fails: they are claimed and decided on in parts.
            _log.warning("contacts_decided_apart", workspace=str(workspace.id), error=type(error).__name__)
    return await _claim_and_carry(desk, workspace, keep_going, desk.pace.batch, ledger.UNSUSPECTED)


async def send_suspects_in(desk: Desk, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Carry out a sandbox's due contacts that were in the hands of workers that died; return how many were taken."""
    done = 0
    for most, crashes in ledger.SUSPECTS:
        while keep_going() and (
            carried := await _claim_and_carry(desk, workspace, keep_going, most, crashes)
        ):
            done += carried
    return done


async def _claim_and_carry(
    desk: Desk, workspace: Workspace, keep_going: KeepGoing, most: int, crashes: ledger.Crashes
) -> int:
    lease = clock.wall() + timedelta(seconds=desk.pace.sandbox_claim_seconds)
    now = workspace.now()
    claimed = await ledger.claim_in(desk.database, workspace.id, now, most, lease, crashes)
    claimed.sort(key=lambda contact: contact.due_at)
    return sum([await _carry(desk, workspace, some, keep_going) for some in _in_rounds(desk, claimed)])


@dataclass(slots=True)
class _Rounds:
    """What is due, claimed a batch at a time: nobody waits for the end of one batch before the next is begun."""

    desk: Desk
    claim: Callable[[], Awaitable[list[Contact]]]
    keep_going: KeepGoing
    ready: deque[tuple[Workspace, list[Contact]]] = field(default_factory=deque)
    is_dry: bool = False
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def next(self) -> tuple[Workspace, list[Contact]] | None:
        """Return the next round; None when nothing is due any more, or whoever asks is to stop."""
        async with self.claiming:
            while not self.ready and not self.is_dry and self.keep_going():
                await self._fill()
            return self.ready.popleft() if self.ready else None

    async def _fill(self) -> None:
        claimed = await self.claim()
        self.is_dry = not claimed
        claimed.sort(key=lambda contact: (contact.workspace_id, contact.due_at))
        for workspace_id, group in groupby(claimed, lambda contact: contact.workspace_id):
            async with others_go_on(self.desk.database, workspace_id):
                workspace = await companies.workspace(self.desk.database, self.desk.vault, workspace_id)
                self.ready.extend((workspace, some) for some in _in_rounds(self.desk, list(group)))


async def _carry(desk: Desk, workspace: Workspace, contacts: Sequence[Contact], keep_going: KeepGoing) -> int:
    if workspace.contact == companies.STOPPED or not keep_going():
        # Stopped since they were claimed: by somebody, or with this worker.
        await ledger.release(desk.database, contacts)
        return 0
    try:
        departing = await _depart(desk, workspace, contacts)
    except Exception:
        # It will pass, and says nothing of them: their claim is not to look like that of a worker that died.
        with suppress(*LOST):
            await ledger.release(desk.database, contacts)
        raise
    await _settle(desk, workspace, await settle.hand_over(departing))
    return len(contacts)


async def _depart(desk: Desk, workspace: Workspace, contacts: Sequence[Contact]) -> list[Departing]:
    """Decide on contacts; one that fails is set aside, and the others leave."""
    departing: list[Departing] = []

    async def decide(some: Sequence[Contact]) -> None:
        before = failures.standing(some)
        try:
            departing.extend(await depart(desk, workspace, some))
        except BaseException:
            failures.stand(some, before)
            raise

    async def put_aside(contact: Contact, error: Exception) -> None:
        await failures.put_aside(desk.database, workspace, contact, error)

    await quarantine.isolated(contacts, decide, put_aside)
    return departing


async def _settle(desk: Desk, workspace: Workspace, carried: Sequence[Carried]) -> None:
    """Write down what providers said; of one that cannot be written recovery finds out, when its lease ends."""

    async def write(some: Sequence[Carried]) -> None:
        contacts = [one.contact for one in some]
        before = failures.standing(contacts)
        try:
            await settle.settle_contacts(
                desk, workspace, some if len(some) == len(carried) else _unread(some)
            )
        except BaseException:
            failures.stand(contacts, before)
            raise

    async def leave(one: Carried, error: Exception) -> None:
        _log.error("contact_not_settled", debt=str(one.contact.debt_id), exc_info=error)

    await quarantine.isolated(carried, write, leave)


def _unread(carried: Sequence[Carried]) -> list[Carried]:
    """Return what providers said, with debts and histories to be read again: a lost try has changed them."""
    return [replace(one, debt=None, past=None) for one in carried]


def _answers_inside(desk: Desk, channel: Channel) -> bool:
    sender = desk.senders.of(channel, is_live=False)
    return sender is None or sender.capabilities.answers_inside


async def abreast(lanes: Sequence[Callable[[], Awaitable[int]]]) -> int:
    """Run some lanes at the same time and return their sum: while the database writes for one, another one decides.

    What one has begun is not cut off because another failed; then the first failure is raised.
    """
    running = [asyncio.ensure_future(lane()) for lane in lanes]
    if running:
        await asyncio.wait(running)
    return sum(one.result() for one in running)


def _in_rounds(desk: Desk, contacts: Sequence[Contact]) -> list[list[Contact]]:
    """Return contacts in rounds, in their order: of each channel no more in one than its provider is handed at once."""
    rounds: list[list[Contact]] = []
    before: Counter[str] = Counter()
    for contact in contacts:
        place = before[contact.channel] // _at_once(desk, contact)
        before[contact.channel] += 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(contact)
    return rounds


def _at_once(desk: Desk, contact: Contact) -> int:
    if contact.step == debts.END:
        return desk.pace.batch
    sender = desk.senders.of(contact.channel_kind, is_live=contact.is_live)
    return sender.capabilities.at_once if sender else desk.pace.batch

"""What the worker does with contacts: carry out what is due, and put right what a dead worker left."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from uuid import UUID

import asyncpg
import structlog

from getbill import companies, debts, followups
from getbill.channels import Channel
from getbill.channels.senders import Assurance, Outcome, Outgoing, Sender, Writer, unknown
from getbill.companies import Workspace
from getbill.followups import Followup
from getbill.kit import clock, ids
from getbill.kit.errors import NotFound
from getbill.timelines import arrival, ledger
from getbill.timelines.departure import depart
from getbill.timelines.desk import Carried, Departing, Desk
from getbill.timelines.model import Contact

_log = structlog.get_logger(__name__)

KeepGoing = Callable[[], bool]


@contextmanager
def others_go_on(workspace_id: UUID) -> Iterator[None]:
    """Let what is wrong with one workspace keep no other one waiting; a lost database concerns them all."""
    try:
        yield
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        raise
    except Exception as error:  # noqa: BLE001 - its contacts come back when their lease ends
        _log.error(
            "workspace_failed", workspace=str(workspace_id), error=type(error).__name__, exc_info=error
        )


async def send_due(desk: Desk, keep_going: KeepGoing) -> int:
    """Carry out the live contacts that are due, a bounded share of each workspace; return how many were taken."""
    taken: Counter[UUID] = Counter()
    while keep_going():
        lease = clock.wall() + timedelta(seconds=desk.pace.claim_seconds)
        sated = [workspace_id for workspace_id, count in taken.items() if count >= desk.pace.share]
        claimed = await ledger.claim_live(desk.database, clock.wall(), desk.pace.batch, lease, sated)
        if not claimed:
            break
        claimed.sort(key=lambda contact: (contact.workspace_id, contact.due_at))
        for workspace_id, group in groupby(claimed, lambda contact: contact.workspace_id):
            contacts = list(group)
            taken[workspace_id] += len(contacts)
            with others_go_on(workspace_id):
                workspace = await companies.workspace(desk.database, desk.vault, workspace_id)
                await _carry(desk, workspace, contacts, keep_going)
    return taken.total()


async def send_due_in(desk: Desk, workspace: Workspace, keep_going: KeepGoing) -> int:
    """Carry out some of a sandbox's contacts that are due at its own instant; return how many were taken."""
    lease = clock.wall() + timedelta(seconds=desk.pace.sandbox_claim_seconds)
    now = workspace.now()
    claimed = await ledger.claim_in(desk.database, workspace.id, now, desk.pace.batch, lease)
    claimed.sort(key=lambda contact: contact.due_at)
    return await _carry(desk, workspace, claimed, keep_going)


async def _carry(desk: Desk, workspace: Workspace, contacts: Sequence[Contact], keep_going: KeepGoing) -> int:
    if workspace.contact == companies.STOPPED:
        # Stopped since they were claimed.
        await ledger.release(desk.database, contacts)
        return 0
    size = _at_once(desk, contacts)
    rounds = iter([contacts[start : start + size] for start in range(0, len(contacts), size)])

    async def lane() -> int:
        done = 0
        for some in rounds:
            if keep_going():
                departing = await depart(desk, workspace, some)
                await arrival.settle(desk, workspace, await arrival.hand_over(departing))
                done += len(some)
            else:
                await ledger.release(desk.database, some)
        return done

    return await abreast([lane] * min(desk.pace.abreast, -(-len(contacts) // size)))


async def abreast(lanes: Sequence[Callable[[], Awaitable[int]]]) -> int:
    """Run some lanes at the same time and return their sum: while the database writes for one, another one decides.

    What one has begun is not cut off because another failed; then the first failure is raised.
    """
    running = [asyncio.ensure_future(lane()) for lane in lanes]
    await asyncio.wait(running)
    return sum(one.result() for one in running)


def _at_once(desk: Desk, contacts: Sequence[Contact]) -> int:
    found = [
        sender.capabilities.at_once
        for contact in contacts
        if contact.step != debts.END
        and (sender := desk.senders.of(contact.channel_kind, is_live=contact.is_live))
    ]
    return min(found, default=desk.pace.batch)


async def recover(desk: Desk) -> int:
    """Put right what dead workers left: plan again what they had only claimed, find out what they were sending.

    A provider that can be asked, or takes a key twice, is; what nobody can find out is unknown from then on.
    """
    pace = desk.pace
    given_back = await ledger.give_back(desk.database, clock.wall(), pace.batch)
    lease = clock.wall() + timedelta(seconds=pace.recovery_seconds)
    lost = await ledger.take_over(desk.database, clock.wall(), pace.batch, lease)
    lost.sort(key=lambda contact: contact.workspace_id)
    for workspace_id, group in groupby(lost, lambda contact: contact.workspace_id):
        with others_go_on(workspace_id):
            workspace = await companies.workspace(desk.database, desk.vault, workspace_id)
            await _find_out(desk, workspace, list(group))
    return given_back + len(lost)


async def _find_out(desk: Desk, workspace: Workspace, lost: Sequence[Contact]) -> None:
    ids_of = [contact.followup_id for contact in lost if contact.followup_id]
    begun = await followups.find_many(desk.database, workspace, ids_of)
    carried: list[Carried] = []
    for contact in lost:
        followup = begun.get(contact.followup_id) if contact.followup_id else None
        sender = desk.senders.of(contact.channel_kind, is_live=contact.is_live)
        gives_receipt = sender is not None and sender.capabilities.gives_receipt
        outcome = await _fate_of(desk, workspace, contact, followup, sender)
        if outcome is not None:
            carried.append(Carried(contact, followup, outcome, gives_receipt))
    await arrival.settle(desk, workspace, carried)


async def _fate_of(
    desk: Desk, workspace: Workspace, contact: Contact, followup: Followup | None, sender: Sender | None
) -> Outcome | None:
    """Return what became of a message; None when its provider never saw it and it was planned again."""
    if sender is None or sender.name != contact.provider or followup is None:
        return unknown("the worker died while it was sent")
    message = _message(followup, workspace, contact)
    match sender.capabilities.assurance:
        case Assurance.NEITHER:
            return unknown("the worker died while it was sent")
        case Assurance.LOOK_UP:
            found = await sender.look_up(message)
            if found is None:
                await arrival.take_back(desk, workspace, contact, followup)
            return found
        case Assurance.IDEMPOTENCY_KEY:
            if not await _may_go(desk, workspace, contact):
                return unknown("the worker died while it was sent, and the debt has changed since")
            departing = Departing(contact, message, followup, sender)
            return (await arrival.hand_over([departing]))[0].outcome


async def _may_go(desk: Desk, workspace: Workspace, contact: Contact) -> bool:
    try:
        debt = await debts.find(desk.database, workspace, contact.debt_id)
    except NotFound:
        return False
    return debt.is_contactable and debt.contact_epoch == contact.contact_epoch


def _message(followup: Followup, workspace: Workspace, contact: Contact) -> Outgoing:
    content, company = followup.content, workspace.company
    return Outgoing(
        key=ids.show("followup", followup.id),
        channel=Channel(followup.channel),
        address=content.address or "",
        writer=Writer(company.name, company.email),
        subject=content.subject or "",
        text=content.text or "",
        html=content.html,
        language=content.language or company.language,
        workspace=ids.show("workspace", workspace.id),
        template=content.template,
        template_version=content.template_version or 0,
        letterhead=tuple(content.letterhead or ()),
        imprint=content.imprint,
        written_at=contact.sent_at if followup.channel == Channel.LETTER else None,
    )

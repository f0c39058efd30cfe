"""Update, split and merge of debtors.

All debts of the people concerned are locked first, in id order, then the people. A debt that moves to another
person keeps its key, contacts and followups; its planned contacts are void and planned anew for that person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from getbill import debtors
from getbill.access import Actor
from getbill.companies import Workspace
from getbill.debtors import Debtor, HistoryEntry, Identity
from getbill.debts.model import Debt
from getbill.debts.people.announcements import announce_fields
from getbill.debts.person_locks import lock_of_debtors, lock_rest
from getbill.kit import ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import Conflict, FieldError, NotFound, Problem, one_field, refusal
from getbill.kit.messages import Message, message


class DebtorMergedMeanwhile(Conflict):
    """The debtor was merged into another; that one has their debts."""

    code = "debtor-merged"
    title = message("The debtor was merged into another one")
    way_out = "Use the debtor in `id`, who has the debts now."


class DebtsAlreadySplit(Conflict):
    """Some debts were split off from the debtor before."""

    code = "debts-already-split"
    title = message("The debts no longer belong to this debtor")
    way_out = "Read the debts in `debts`: each names its debtor."


@dataclass(frozen=True, slots=True)
class PersonHeld:
    """A locked debtor with all their debts, locked as well."""

    debtor: Debtor
    debts: Mapping[UUID, Debt]


async def hold_person(tx: Transaction, workspace: Workspace, debtor_id: UUID) -> PersonHeld:
    """Lock a debtor with all their debts; raise NotFound, or DebtorMergedMeanwhile."""
    return (await _hold_people(tx, workspace, [debtor_id]))[debtor_id]


async def _hold_people(
    tx: Transaction, workspace: Workspace, debtor_ids: Iterable[UUID]
) -> dict[UUID, PersonHeld]:
    await lock_of_debtors(tx, workspace, debtor_ids)
    people = {}
    for debtor_id in sorted(debtor_ids):
        debtor = await _lock_debtor(tx, workspace, debtor_id)
        debts = await lock_rest(tx, workspace, debtor_id)
        for debt in debts.values():
            debt.debtor = debtor
        people[debtor_id] = PersonHeld(debtor, debts)
    return people


async def _lock_debtor(tx: Transaction, workspace: Workspace, debtor_id: UUID) -> Debtor:
    try:
        return await debtors.lock(tx, workspace, debtor_id)
    except NotFound:
        survivor_id = await debtors.merged_into(tx, workspace.id, debtor_id)
        if survivor_id is None:
            raise
        raise DebtorMergedMeanwhile(
            _merged_sentence(debtor_id, survivor_id), extra={"id": ids.show("debtor", survivor_id)}
        ) from None


class DebtorMerged(Problem):
    """The debtor was merged into another one."""

    status = 410
    code = "debtor-gone"
    title = message("The debtor was merged into another one")
    way_out = "Use the debtor in `id`, who has the debts now."


async def refuse_merged(database: Database, workspace_id: UUID, debtor_id: UUID) -> None:
    """Raise DebtorMerged for a debtor who was merged into one who exists."""
    survivor_id = await debtors.merged_into(database, workspace_id, debtor_id)
    if survivor_id is not None:
        raise DebtorMerged(
            _merged_sentence(debtor_id, survivor_id), extra={"id": ids.show("debtor", survivor_id)}
        )


def _merged_sentence(debtor_id: UUID, survivor_id: UUID) -> Message:
    return message(
        "The debtor {debtor} was merged into {survivor}.",
        debtor=ids.show("debtor", debtor_id),
        survivor=ids.show("debtor", survivor_id),
    )


async def change_person(
    tx: Transaction, workspace: Workspace, person: PersonHeld, changes: dict[str, Any], actor: Actor
) -> None:
    """Replace fields of a person; an earlier address stays beside a new one."""
    identity = debtors.replaced(person.debtor.identity, changes, "api")
    await debtors.update(tx, workspace, person.debtor, identity, actor)


async def merge_people(
    tx: Transaction, workspace: Workspace, debtor_id: UUID, other_id: UUID, actor: Actor
) -> PersonHeld:
    """Move all debts of another debtor to this one, who keeps what is known and learns the rest."""
    if debtor_id == other_id:
        raise one_field(
            "/debtor_id",
            "same-debtor",
            message("A debtor cannot be merged with themselves. Name another one."),
        )
    people = await _hold_people(tx, workspace, {debtor_id, other_id})
    person, other = people[debtor_id], people[other_id]
    survivor, absorbed_identity = person.debtor, other.debtor.identity
    identity = debtors.learned(survivor.identity, absorbed_identity, "api")
    await debtors.update(tx, workspace, survivor, identity, actor)
    await debtors.assign_matches(tx, workspace, survivor, [other_id])
    await debtors.erase(tx, workspace.id, other_id, merged_into=debtor_id)
    _move_debts(tx, other.debts.values(), survivor, absorbed_identity)
    entry = HistoryEntry("merged", tx.now, actor, other_id, debt_ids=tuple(other.debts))
    debtors.add_history(tx, workspace.id, debtor_id, entry)
    return PersonHeld(survivor, {**person.debts, **other.debts})


async def split_person(
    tx: Transaction,
    workspace: Workspace,
    person: PersonHeld,
    request: tuple[Sequence[UUID], Identity],
    actor: Actor,
) -> PersonHeld:
    """Move some debts of a debtor to a new one with an identity of their own, and return that one."""
    debt_ids, identity = request
    await _refuse_debts(tx, workspace, person, debt_ids)
    remaining, before = person.debtor, person.debtor.identity
    hasher = debtors.Hasher(workspace.lookup)
    identity_hashes = hasher.hash_identity(identity)
    new_debtor = debtors.create(tx, workspace, identity, identity_hashes, [])
    remaining_identity = debtors.without_points(before, new_debtor.identity.contact_points)
    remaining_identity = replace(
        remaining_identity,
        other_names=tuple(name for name in before.other_names if name != identity.name),
        other_references=tuple(code for code in before.other_references if code != identity.reference),
    )
    remaining_matches = hasher.hash_identity(remaining_identity).matches
    _refuse_same_person(identity, before, identity_hashes.matches, remaining_matches)
    # The new row first: the hashes refer to it.
    await tx.send()
    new_debtor.is_new = False
    earlier_matches = hasher.hash_identity(before).matches
    await debtors.update(tx, workspace, remaining, remaining_identity, actor)
    await debtors.assign_matches(tx, workspace, new_debtor, [remaining.id])
    await debtors.assign_matches(tx, workspace, remaining, [new_debtor.id])
    await debtors.drop_matches(tx, workspace, remaining, earlier_matches)
    moved_debts = {debt_id: person.debts[debt_id] for debt_id in sorted(debt_ids)}
    _move_debts(tx, moved_debts.values(), new_debtor, before)
    moved_ids = tuple(moved_debts)
    split = HistoryEntry("split", tx.now, actor, new_debtor.id, debt_ids=moved_ids)
    debtors.add_history(tx, workspace.id, remaining.id, split)
    origin = HistoryEntry("split_from", tx.now, actor, remaining.id, debt_ids=moved_ids)
    debtors.add_history(tx, workspace.id, new_debtor.id, origin)
    return PersonHeld(new_debtor, moved_debts)


def _move_debts(tx: Transaction, debts: Iterable[Debt], debtor: Debtor, before: Identity) -> None:
    fields = debtors.shown_differences(before, debtor.identity)
    for debt in debts:
        debtor_ids = {
            "from": ids.show("debtor", debt.debtor.id),
            "to": ids.show("debtor", debtor.id),
        }
        debt.debtor = debtor
        announce_fields(tx, debt, fields, {"debtor_id": debtor_ids})


async def _refuse_debts(
    tx: Transaction, workspace: Workspace, person: PersonHeld, debt_ids: Sequence[UUID]
) -> None:
    foreign_ids = [debt_id for debt_id in debt_ids if debt_id not in person.debts]
    if foreign_ids:
        earlier_ids = await debtors.split_off(tx, workspace.id, person.debtor.id, foreign_ids)
        if earlier_ids:
            raise DebtsAlreadySplit(
                message("Debts of the request were split off from this debtor before."),
                extra={"debts": [ids.show("debt", debt_id) for debt_id in sorted(earlier_ids)]},
            )
        raise refusal(
            [
                FieldError(
                    f"/debts/{position}",
                    "not-theirs",
                    message(
                        "{debt} is no debt of this debtor. Send ids of their own debts.",
                        debt=ids.show("debt", debt_id),
                    ),
                )
                for position, debt_id in enumerate(debt_ids)
                if debt_id in foreign_ids
            ]
        )
    if person.debts.keys() == set(debt_ids):
        raise one_field(
            "/debts",
            "all-debts",
            message("These are all debts of the debtor. To correct the person, use PUT /debtors/{id}."),
        )


def _refuse_same_person(
    identity: Identity, before: Identity, matches: Sequence[bytes], remaining_matches: Sequence[bytes]
) -> None:
    """Raise Invalid if a later debt of the new person would be recognised as the remaining one's."""
    if identity.reference is not None and identity.reference == before.reference:
        raise one_field(
            "/debtor/reference",
            "taken",
            message("This is the code of the debtor who stays. Send the other person's own, or none."),
        )
    if matches and set(matches) <= set(remaining_matches):
        raise one_field(
            "/debtor/name",
            "same-person",
            message("Name and addresses are those of the debtor who stays. Send those of the other person."),
        )

"""Matching of new debts to known debtors, many debts at once.

Name with e-mail address or phone number matches a person, and so does the creditor's code unless something
contradicts it. A code found on two people matches no debtor from then on: its hash stays reserved, without a
debtor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from getbill.companies import Workspace
from getbill.debtors.actions import create, learn, reassign_match, share_code
from getbill.debtors.comparison import Likeness, compare, differences, is_same_by_name
from getbill.debtors.identity_changes import added_kinds, contradictions
from getbill.debtors.model import Debtor, Identity, IdentityHashes, hash_identity
from getbill.debtors.queries import holders_of, lock
from getbill.kit.database import OptimisticConflict, Transaction
from getbill.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class IdentityDoubt:
    """A part of a debt's description that did not replace what is known of the debtor, and its fields."""

    code: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DebtorMatch:
    """The debtor of a new debt, the doubts of the match, and their identity before the debt changed it."""

    debtor: Debtor
    doubts: tuple[IdentityDoubt, ...] = ()
    previous_identity: Identity | None = None


CODE_SHARED: Final = IdentityDoubt("code-of-several")
_CODE_DIFFERS: Final = "code-differs"
_DEBTOR_DIFFERS: Final = "debtor-differs"
_ADDRESS_ADDED: Final = "address-added"


class DebtorMatcher:
    """The matcher of one transaction's new debts; each debtor is loaded and locked once.

    `holders` are the known match hashes; a shared code has the holder None. `people` are debtors read without
    a lock: lock those in `debtors` before the transaction ends. A later debt only adds to a known identity.
    """

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        holders: Mapping[bytes, UUID | None],
        *,
        people: Mapping[UUID, Debtor] | None = None,
        source: str = "api",
    ) -> None:
        self._tx = tx
        self._workspace = workspace
        self._holders = dict(holders)
        self._people = people or {}
        # The debtors met so far, by id.
        self.debtors: dict[UUID, Debtor] = {}
        self._source = source
        self._previous_identity: Identity | None = None

    async def find_or_create(self, identity: Identity, identity_hashes: IdentityHashes) -> DebtorMatch:
        """Return the debtor of a description, existing or new."""
        if self._holders.keys().isdisjoint(identity_hashes.matches):
            return DebtorMatch(self._create(identity, identity_hashes, ()))
        outdated: list[bytes] = []
        doubts: list[IdentityDoubt] = []
        self._previous_identity = None
        debtor = await self._find(identity, identity_hashes, doubts, outdated)
        debtor = debtor or self._create(identity, identity_hashes, outdated)
        return DebtorMatch(debtor, tuple(doubts), self._previous_identity)

    async def find_by_name(self, identity: Identity) -> Debtor | None:
        """Return the debtor that name and address match, whatever the code."""
        identity_without_code = replace(identity, reference=None)
        return await self._find(
            identity_without_code, hash_identity(identity_without_code, self._workspace.lookup), [], []
        )

    async def _find(
        self,
        identity: Identity,
        identity_hashes: IdentityHashes,
        doubts: list[IdentityDoubt],
        outdated: list[bytes],
    ) -> Debtor | None:
        code = identity_hashes.matches[0] if identity.reference else None
        for match in identity_hashes.matches:
            holder = self._holders.get(match)
            if holder is None:
                if match == code and self._is_shared_code(match):
                    doubts.append(CODE_SHARED)
                continue
            debtor = await self._load(holder)
            if match == code:
                if self._matches_by_code(debtor, identity, match, doubts):
                    return debtor
            elif not _has_same_name(debtor.identity, identity):
                outdated.append(match)
            elif await self._has_same_code(debtor, identity, code):
                doubts += self._learn(debtor, self._without_shared_code(identity, code))
                return debtor
        return None

    def _matches_by_code(
        self, debtor: Debtor, identity: Identity, code: bytes, doubts: list[IdentityDoubt]
    ) -> bool:
        likeness = compare(debtor.identity, identity)
        if likeness is Likeness.SAME or is_same_by_name(debtor.identity, identity):
            doubts += self._learn(debtor, identity)
            return True
        if likeness is Likeness.OTHER:
            share_code(self._tx, self._workspace, debtor, code)
            self._holders[code] = None
            doubts.append(CODE_SHARED)
        else:
            doubts.append(IdentityDoubt(_CODE_DIFFERS, tuple(differences(debtor.identity, identity))))
        return False

    def _learn(self, debtor: Debtor, identity: Identity) -> list[IdentityDoubt]:
        """Add to a recognised debtor from a later debt; return the fields not applied."""
        before, differing_fields = debtor.identity, contradictions(debtor.identity, identity)
        for match in learn(self._tx, self._workspace, debtor, identity, self._source):
            self._holders.setdefault(match, debtor.id)
        if debtor.identity != before and not debtor.is_new:
            self._previous_identity = before
        added_fields = added_kinds(before, debtor.identity)
        named_fields = {_DEBTOR_DIFFERS: differing_fields, _ADDRESS_ADDED: added_fields}
        return [IdentityDoubt(code, fields) for code, fields in named_fields.items() if fields]

    async def _has_same_code(self, debtor: Debtor, identity: Identity, code: bytes | None) -> bool:
        # Two unshared codes of one creditor are two people, whatever else they share; a shared code decides
        # nothing.
        existing_codes = debtor.identity.references
        if (
            code is None
            or not existing_codes
            or identity.reference in existing_codes
            or self._is_shared_code(code)
        ):
            return True
        existing_hashes = hash_identity(
            Identity("", other_references=existing_codes), self._workspace.lookup
        ).matches
        unread_hashes = [match for match in existing_hashes if match not in self._holders]
        if unread_hashes:
            self._holders |= await holders_of(self._tx, self._workspace.id, unread_hashes)
        return all(map(self._is_shared_code, existing_hashes))

    def _is_shared_code(self, code: bytes) -> bool:
        return code in self._holders and self._holders[code] is None

    def _without_shared_code(self, identity: Identity, code: bytes | None) -> Identity:
        return (
            replace(identity, reference=None) if code is not None and self._is_shared_code(code) else identity
        )

    def _create(
        self, identity: Identity, identity_hashes: IdentityHashes, outdated: Sequence[bytes]
    ) -> Debtor:
        free_matches = [match for match in identity_hashes.matches if match not in self._holders]
        debtor = create(self._tx, self._workspace, identity, identity_hashes, free_matches, self._source)
        for match in outdated:
            reassign_match(self._tx, self._workspace, debtor, match)
        self.debtors[debtor.id] = debtor
        self._holders.update(dict.fromkeys([*free_matches, *outdated], debtor.id))
        return debtor

    async def _load(self, debtor_id: UUID) -> Debtor:
        if debtor_id not in self.debtors and debtor_id in self._people:
            self.debtors[debtor_id] = self._people[debtor_id]
        elif debtor_id not in self.debtors:
            try:
                self.debtors[debtor_id] = await lock(self._tx, self._workspace, debtor_id)
            except NotFound:
                # Erased since the hash was looked up: the hash is free.
                raise OptimisticConflict from None
        return self.debtors[debtor_id]


def _has_same_name(existing: Identity, incoming: Identity) -> bool:
    """Return whether a debtor still has the name by which an older hash matches them."""
    return "name" not in differences(existing, incoming)

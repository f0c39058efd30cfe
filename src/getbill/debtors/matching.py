"""Recognising people from one debt to the next, for many debts at once.

Name with e-mail address or phone number recognises a person, and so does the creditor's code where nothing contradicts
it. A code that stands beside two people stands for nobody from then on: its hash stays taken, by no debtor.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from getbill.companies import Workspace
from getbill.debtors.actions import create, fill, merge, share_code, take_over
from getbill.debtors.comparison import Likeness, compare, differences, is_known_by_name
from getbill.debtors.model import Debtor, Hashes, Identity, hashes
from getbill.debtors.queries import holders_of, lock
from getbill.kit.database import PresumedWrong, Transaction
from getbill.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about a debtor that was not taken from a new debt, and in which fields."""

    code: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    """The debtor of a new debt, what was doubted on the way, and their identity before, where the debt changed it."""

    debtor: Debtor
    doubts: tuple[Doubt, ...] = ()
    before: Identity | None = None


_Learn = Callable[[Transaction, Workspace, Debtor, Identity], Awaitable[list[bytes]]]
CODE_SHARED: Final = Doubt("code-of-several")
_CODE_DIFFERS: Final = "code-differs"
_KNOWN_OTHERWISE: Final = "debtor-differs"


class Matcher:
    """Finds the debtors of one transaction's new debts, each loaded and locked once.

    `holders` are the match hashes known so far; None is the holder of a code that stands for several people. Unless
    `replaces`, a later debt adds to what is known of a person and changes none of it.
    """

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        holders: Mapping[bytes, UUID | None],
        *,
        replaces: bool = True,
    ) -> None:
        self._tx = tx
        self._workspace = workspace
        self._holders = dict(holders)
        self._loaded: dict[UUID, Debtor] = {}
        self._replaces = replaces
        self._before: Identity | None = None

    async def find_or_create(self, identity: Identity, lookup: Hashes) -> Recognised:
        """Return the debtor a description belongs to, met before or now."""
        if self._holders.keys().isdisjoint(lookup.matches):
            return Recognised(self._create(identity, lookup, ()))
        outdated: list[bytes] = []
        doubts: list[Doubt] = []
        self._before = None
        debtor = await self._find(identity, lookup, doubts, outdated)
        debtor = debtor or self._create(identity, lookup, outdated)
        return Recognised(debtor, tuple(doubts), self._before)

    async def find_named(self, identity: Identity) -> Debtor | None:
        """Return the debtor whom name and address recognise, whatever code stands beside them."""
        named = replace(identity, reference=None)
        return await self._find(named, hashes(named, self._workspace.lookup), [], [])

    async def _find(
        self, identity: Identity, lookup: Hashes, doubts: list[Doubt], outdated: list[bytes]
    ) -> Debtor | None:
        code = lookup.matches[0] if identity.reference else None
        for match in lookup.matches:
            holder = self._holders.get(match)
            if holder is None:
                if match == code and self._is_shared(match):
                    doubts.append(CODE_SHARED)
                continue
            debtor = await self._load(holder)
            if match == code:
                if await self._is_by_code(debtor, identity, match, doubts):
                    return debtor
            elif not _is_named(debtor.identity, identity):
                outdated.append(match)
            elif await self._has_same_code(debtor, identity, code):
                doubts += await self._learn(debtor, self._without_shared(identity, code))
                return debtor
        return None

    async def _is_by_code(self, debtor: Debtor, identity: Identity, code: bytes, doubts: list[Doubt]) -> bool:
        if is_known_by_name(debtor.identity, identity):
            doubts += await self._learn(debtor, identity)
            return True
        likeness = compare(debtor.identity, identity)
        if likeness is Likeness.SAME:
            await self._change(fill, debtor, identity)
            return True
        if likeness is Likeness.OTHER:
            share_code(self._tx, self._workspace, debtor, code)
            self._holders[code] = None
            doubts.append(CODE_SHARED)
        else:
            doubts.append(Doubt(_CODE_DIFFERS, tuple(differences(debtor.identity, identity))))
        return False

    async def _learn(self, debtor: Debtor, identity: Identity) -> list[Doubt]:
        """Learn from a later debt of a person whose name and address are known, and name what was not taken."""
        if self._replaces:
            await self._change(merge, debtor, identity)
            return []
        left = tuple(name for name in differences(debtor.identity, identity) if name != "name")
        await self._change(fill, debtor, identity)
        return [Doubt(_KNOWN_OTHERWISE, left)] if left else []

    async def _has_same_code(self, debtor: Debtor, identity: Identity, code: bytes | None) -> bool:
        # Two codes of the creditor's own are two people, whatever else they share; a shared one says nothing.
        known = debtor.identity.reference
        if code is None or known is None or known == identity.reference or self._is_shared(code):
            return True
        theirs = hashes(Identity("", reference=known), self._workspace.lookup).matches[0]
        if theirs not in self._holders:
            self._holders |= await holders_of(self._tx, self._workspace.id, [theirs])
        return self._is_shared(theirs)

    def _is_shared(self, code: bytes) -> bool:
        return code in self._holders and self._holders[code] is None

    def _without_shared(self, identity: Identity, code: bytes | None) -> Identity:
        return replace(identity, reference=None) if code is not None and self._is_shared(code) else identity

    def _create(self, identity: Identity, lookup: Hashes, outdated: Sequence[bytes]) -> Debtor:
        free = [match for match in lookup.matches if match not in self._holders]
        debtor = create(self._tx, self._workspace, identity, lookup, free)
        for match in outdated:
            take_over(self._tx, self._workspace, debtor, match)
        self._loaded[debtor.id] = debtor
        self._holders.update(dict.fromkeys([*free, *outdated], debtor.id))
        return debtor

    async def _change(self, learn: _Learn, debtor: Debtor, identity: Identity) -> None:
        before = debtor.identity
        for match in await learn(self._tx, self._workspace, debtor, identity):
            self._holders.setdefault(match, debtor.id)
        if debtor.identity != before and not debtor.is_new:
            self._before = before

    async def _load(self, debtor_id: UUID) -> Debtor:
        if debtor_id not in self._loaded:
            try:
                self._loaded[debtor_id] = await lock(self._tx, self._workspace, debtor_id)
            except NotFound:
                # Erased since the hash was looked up: it is free to stand for somebody else.
                raise PresumedWrong from None
        return self._loaded[debtor_id]


def _is_named(known: Identity, given: Identity) -> bool:
    """Tell whether a debtor still bears the name by which an older hash finds them."""
    return "name" not in differences(known, given)

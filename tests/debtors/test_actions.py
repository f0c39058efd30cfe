"""Debtors in the database: sealed, found by their hashes, changed, given back, and erased for good."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from getbill import debtors
from getbill.companies import Workspace
from getbill.debtors import Debtor, DebtorMatch, DebtorMatcher, Identity, hash_identity
from getbill.kit.database.transactions import Database, Transaction
from getbill.kit.errors import NotFound
from installation import Installation
from make import Company

JEAN = Identity("Jean Dupont", email="jean@example.com", phone="+33612345678")
SOPHIE = Identity("Sophie Martin", email="sophie@example.com")


@dataclass
class Book:
    """The debtors of one workspace, each call in a transaction of its own."""

    database: Database
    workspace: Workspace

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self.database.transaction(self.workspace.now()) as tx:
            yield tx

    async def meet(self, *identities: Identity, source: str = "api") -> list[DebtorMatch]:
        """Match the debtors of new debts, as one request does."""
        hashes = [hash_identity(identity, self.workspace.lookup) for identity in identities]
        async with self.transaction() as tx:
            holders = await debtors.holders_of(
                tx, self.workspace.id, [match for hashed in hashes for match in hashed.matches]
            )
            matcher = DebtorMatcher(tx, self.workspace, holders, source=source)
            return [
                await matcher.find_or_create(identity, hashed)
                for identity, hashed in zip(identities, hashes, strict=True)
            ]

    async def identity(self, debtor: Debtor) -> Identity:
        return (await debtors.find(self.database, self.workspace, debtor.id)).identity


def stated(identity: Identity) -> dict[str, str]:
    """Return the fields that a body states."""
    return {name: value for name in debtors.STATED_FIELDS if (value := getattr(identity, name)) is not None}


@pytest.fixture
def book(installation: Installation, company: Company) -> Book:
    return Book(installation.database, company.sandbox)


async def test_nothing_of_a_person_is_readable_in_their_row(book: Book) -> None:
    (match,) = await book.meet(JEAN)

    row = await book.database.pool.fetchrow("SELECT * FROM debtors WHERE id = $1", match.debtor.id)

    assert b"Dupont" not in row["identity"]
    assert sorted(row["lookup"]) == hash_identity(JEAN, book.workspace.lookup).lookups
    assert stated(await book.identity(match.debtor)) == stated(JEAN)


async def test_a_later_debt_adds_an_address_and_says_who_the_person_was(book: Book) -> None:
    (first,) = await book.meet(JEAN)
    moved = Identity("Jean Dupont", email="jd@example.com", phone="+33612345678")

    (later,) = await book.meet(moved)
    (again,) = await book.meet(Identity("Jean Dupont", email="jd@example.com"))

    assert first.debtor.id == later.debtor.id == again.debtor.id
    assert (first.previous_identity, again.previous_identity) == (None, None)
    assert later.previous_identity is not None
    assert stated(later.previous_identity) == stated(JEAN)
    identity = await book.identity(first.debtor)
    assert stated(identity) == stated(JEAN)
    assert identity.values("email") == ("jean@example.com", "jd@example.com")


async def test_a_later_debt_replaces_nothing_and_names_what_differs(book: Book) -> None:
    (first,) = await book.meet(JEAN.with_changes({"civility": "Mr", "language": "fr"}))

    (later,) = await book.meet(
        Identity(
            "Jean Dupont",
            email="jd@example.com",
            phone="+33612345678",
            city="Lyon",
            civility="Ms",
            language="de",
        ),
        source="file",
    )

    assert later.debtor.id == first.debtor.id
    assert [(doubt.code, doubt.fields) for doubt in later.doubts] == [
        ("debtor-differs", ("civility", "language")),
        ("address-added", ("email",)),
    ]
    identity = await book.identity(first.debtor)
    assert stated(identity) == stated(JEAN) | {"city": "Lyon", "civility": "Mr", "language": "fr"}
    assert [(point.value, point.source) for point in identity.points("email")] == [
        ("jean@example.com", "api"),
        ("jd@example.com", "file"),
    ]


async def test_two_people_under_one_code_in_one_request_share_it_from_then_on(book: Book) -> None:
    jean, sophie = (who.with_changes({"reference": "DIVERS"}) for who in (JEAN, SOPHIE))

    first, second = await book.meet(jean, sophie)
    (stranger,) = await book.meet(Identity("Marie Petit", reference="DIVERS"))

    assert len({first.debtor.id, second.debtor.id, stranger.debtor.id}) == 3
    assert [doubt.code for doubt in second.doubts] == ["code-of-several"]
    assert [doubt.code for doubt in stranger.doubts] == ["code-of-several"]


async def test_a_person_given_back_is_found_as_before_and_not_by_what_replaced_them(book: Book) -> None:
    (match,) = await book.meet(JEAN)
    async with book.transaction() as tx:
        debtor = await debtors.lock(tx, book.workspace, match.debtor.id)
        changed = debtors.replaced(debtor.identity, {"email": "jd@example.com"}, "api")
        await debtors.update(tx, book.workspace, debtor, changed)

    async with book.transaction() as tx:
        debtor = await debtors.lock(tx, book.workspace, match.debtor.id)
        restored = debtors.unlearned(debtor.identity, match.debtor.identity, debtor.identity)
        await debtors.restore(tx, book.workspace, debtor, restored)

    (before,) = await book.meet(Identity("Jean Dupont", email="jean@example.com"))
    (other,) = await book.meet(Identity("Jean Dupont", email="jd@example.com"))
    assert before.debtor.id == match.debtor.id != other.debtor.id


async def test_an_erased_debtor_is_found_by_nothing_and_their_key_is_gone(book: Book) -> None:
    (match,) = await book.meet(JEAN)

    async with book.transaction() as tx:
        await debtors.erase(tx, book.workspace.id, match.debtor.id)

    with pytest.raises(NotFound):
        await debtors.find(book.database, book.workspace, match.debtor.id)
    row = await book.database.pool.fetchrow("SELECT * FROM debtors WHERE id = $1", match.debtor.id)
    assert (row["identity"], row["lookup"], row["erased_at"] is None) == (None, [], False)
    keys = "SELECT FROM vault_keys WHERE subject_id = $1"
    assert await book.database.pool.fetch(keys, match.debtor.id) == []
    assert await debtors.count(book.database, book.workspace, 10) == 0
    (anew,) = await book.meet(JEAN)
    assert anew.debtor.id != match.debtor.id


async def test_a_debtor_of_another_workspace_is_not_there(book: Book, company: Company) -> None:
    (match,) = await book.meet(JEAN)
    live = Book(book.database, company.live)

    with pytest.raises(NotFound):
        await live.identity(match.debtor)
    (other,) = await live.meet(JEAN)
    assert other.debtor.id != match.debtor.id

"""The staff of a company: who may be added, and that one administrator always stays."""

import asyncio
from uuid import UUID, uuid4

import argon2
import pytest

from companies.conftest import Change
from getbill import companies
from getbill.companies import NewUser, UserExists
from getbill.companies.actions import LastAdmin
from getbill.kit import clock
from getbill.kit.errors import Invalid, NotFound
from installation import Installation
from make import Company

PASSWORD = "long enough"


async def add(installation: Installation, company: Company, role: str = "admin") -> tuple[UUID, str]:
    """Add a member of staff with an address of their own."""
    email = f"{uuid4().hex}@acme.example"
    new = NewUser(email, PASSWORD, role)
    return await companies.create_user(installation.database, company.founded.company_id, new), email


async def test_a_member_of_staff_is_found_by_their_address_in_any_case(
    installation: Installation, company: Company
) -> None:
    user_id, email = await add(installation, company, "agent")

    user = await companies.user(installation.database, email.upper())

    assert (user.id, user.company_id, user.role) == (user_id, company.founded.company_id, "agent")
    assert (user.is_active, user.last_seen_at) == (True, None)
    with pytest.raises(NotFound):
        await companies.user(installation.database, "nobody@acme.example")


async def test_an_address_belongs_to_one_user_of_the_installation(
    installation: Installation, company: Company
) -> None:
    _, email = await add(installation, company)

    new = NewUser(email.title(), PASSWORD)
    with pytest.raises(UserExists):
        await companies.create_user(installation.database, company.founded.company_id, new)

    assert len(await companies.users(installation.database, company.founded.company_id)) == 1


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (NewUser("anna@acme.example", PASSWORD, "owner"), "/role"),
        (NewUser("nowhere", PASSWORD), "/email"),
        (NewUser("anna@acme.example", "too short"), "/password"),
    ],
)
async def test_a_user_that_cannot_be_is_refused(
    installation: Installation, company: Company, new: NewUser, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await companies.create_user(installation.database, company.founded.company_id, new)

    assert [error.pointer for error in refused.value.errors] == [pointer]


async def test_of_a_password_only_its_argon2_hash_is_kept(
    installation: Installation, company: Company
) -> None:
    database = installation.database
    user_id, email = await add(installation, company)

    await companies.set_password(database, email.upper(), "another password")
    stored = await database.pool.fetchval("SELECT password_hash FROM users WHERE id = $1", user_id)

    assert argon2.PasswordHasher().verify(stored, "another password")
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(stored, PASSWORD)
    with pytest.raises(NotFound):
        await companies.set_password(database, "nobody@acme.example", "another password")
    with pytest.raises(Invalid):
        await companies.set_password(database, email, "too short")


async def test_a_deactivated_user_is_no_administrator_until_activated(
    installation: Installation, company: Company, change: Change
) -> None:
    company_id = company.founded.company_id
    (first, _), (second, _), (agent, _) = [
        await add(installation, company, role) for role in ("admin", "admin", "agent")
    ]

    await change(companies.deactivate_user, second)
    with pytest.raises(NotFound):
        await change(companies.deactivate_user, second)
    with pytest.raises(LastAdmin):
        await change(companies.deactivate_user, first)
    alone = [user.id for user in await change(companies.admins, company_id)]
    await change(companies.activate_user, second)
    await change(companies.deactivate_user, agent)

    assert alone == [first]
    assert [user.id for user in await change(companies.admins, company_id)] == [first, second]
    assert [user.is_active for user in await companies.users(installation.database, company_id)] == [
        True,
        True,
        False,
    ]


async def test_two_administrators_deactivated_at_once_do_not_both_go(
    installation: Installation, company: Company, change: Change
) -> None:
    (first, _), (second, _) = [await add(installation, company) for _ in range(2)]
    database = installation.database

    async with database.transaction(clock.wall()) as tx:
        await companies.deactivate_user(tx, first)
        later = asyncio.create_task(change(companies.deactivate_user, second))
        # Until it waits for the lock that this transaction holds.
        while not await database.pool.fetch("SELECT FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(LastAdmin):
        await later

    assert [user.id for user in await change(companies.admins, company.founded.company_id)] == [second]

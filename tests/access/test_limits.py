"""A minute's requests are counted exactly by one process, and never exceeded by several together."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from calls import Site
from getbill.access import Policy
from getbill.access.limits import AddressLimits, RateLimits
from getbill.kit import clock
from getbill.kit.database.transactions import Database

THINGS = "/external-api/v1/test/things"


async def use_up(limits: RateLimits, subject: Any, limit: int, now: float) -> int:
    """Count requests until one is refused, and return how many were not."""
    done = 0
    while True:
        count = limits.try_consume(subject, limit, now) or await limits.lease(subject, limit, now)
        if not count.is_allowed:
            return done
        done += 1


@pytest.mark.parametrize("limit", [1, 2, 16, 17, 100, 1000])
async def test_one_process_counts_exactly(database: Database, limit: int) -> None:
    assert await use_up(RateLimits(database), uuid4(), limit, clock.unix()) == limit


async def test_remaining_counts_down_by_one(database: Database) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()

    counts = [await limits.lease(subject, 40, now) for _ in range(41)]

    assert [count.remaining for count in counts] == [*range(39, -1, -1), 0]
    assert [count.is_allowed for count in counts] == [True] * 40 + [False]


async def test_several_processes_never_let_more_through(database: Database) -> None:
    subject, now = uuid4(), clock.unix()
    processes = [RateLimits(database) for _ in range(4)]
    done = 0

    while True:
        counts = await asyncio.gather(*(process.lease(subject, 500, now) for process in processes))
        done += sum(count.is_allowed for count in counts)
        if not any(count.is_allowed for count in counts):
            break

    # What a process leased and did not use is lost to the others; leases of one at the end keep that small.
    assert 490 <= done <= 500


async def test_twins_waiting_for_one_lease_share_it(database: Database) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()

    counts = await asyncio.gather(*(limits.lease(subject, 1000, now) for _ in range(30)))

    assert sorted(count.remaining for count in counts) == list(range(970, 1000))
    used = await database.pool.fetchval("SELECT used FROM rate_counts WHERE subject_id = $1", subject)
    assert used == 50


async def test_a_minute_over_begins_anew(database: Database) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()
    assert await use_up(limits, subject, 20, now) == 20

    assert await use_up(limits, subject, 20, now + 59.9) == 0
    assert await use_up(limits, subject, 20, now + 60.1) == 20


async def test_a_raised_limit_counts_from_the_next_request(database: Database) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()
    assert await use_up(limits, subject, 20, now) == 20

    assert await use_up(limits, subject, 30, now) == 10


async def test_a_sandbox_has_one_budget_for_all_its_keys(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(sandbox_per_minute=4))
    callers = [site.with_token(await workspace.key()) for _ in range(2)]

    statuses = [(await callers[n % 2].get(THINGS)).status for n in range(6)]

    assert statuses == [200, 200, 200, 200, 429, 429]


async def test_a_live_client_has_a_budget_of_its_own(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(live_per_minute=2))
    tokens = [await workspace.token(site) for _ in range(2)]

    statuses = [(await site.with_token(token).get(THINGS)).status for token in tokens for _ in range(3)]

    assert statuses == [200, 200, 429, 200, 200, 429]


async def test_a_limit_of_its_own_counts_apart_from_the_sandboxs(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(sandbox_per_minute=1))
    usual = site.with_token(await workspace.key())
    special = site.with_token(await workspace.key(limit_per_minute=3))

    statuses = [
        (await item.get(THINGS)).status for item in (usual, usual, special, special, special, special)
    ]

    assert statuses == [200, 429, 200, 200, 200, 429]


async def test_every_answer_says_where_the_caller_stands(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(sandbox_per_minute=3))
    caller = site.with_token(await workspace.key())
    before = clock.unix()

    answers = [
        await caller.get(THINGS),
        await caller.get("/external-api/v1/nowhere"),
        await caller.get("/external-api/v1/test/crash"),
        await caller.get(THINGS),
    ]

    assert [answer.status for answer in answers] == [200, 404, 500, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    for answer in answers:
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert before + 59 < int(answer.headers["x-ratelimit-reset"]) <= clock.unix() + 61
        assert answer.headers["ratelimit-policy"] == '"minute";q=3;w=60'
    assert answers[0].headers["ratelimit"] == '"minute";r=2;t=60'


async def test_over_the_limit_is_a_problem_with_retry_after_in_whole_seconds(
    make_site: Any, workspace: Any
) -> None:
    site = await make_site(Policy(sandbox_per_minute=1))
    caller = site.with_token(await workspace.key())
    await caller.get(THINGS)

    answer = await caller.get(THINGS)

    assert answer.status == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert 58 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["type"] == "/problems/rate-limited"
    assert answer.json()["retry_after"] == int(answer.headers["retry-after"])


async def test_strangers_are_counted_by_address(make_site: Any, workspace: Any) -> None:
    site: Site = await make_site(Policy(anonymous_per_minute=2))
    key = await workspace.key()

    here = [(await site.get(THINGS)).status for _ in range(3)]
    there = [(await site.from_address("192.0.2.7").get(THINGS)).status for _ in range(3)]
    guesses = await site.with_token("gbk_sandbox_guess").get(THINGS)

    assert (here, there) == ([401, 401, 429], [401, 401, 429])
    assert guesses.status == 429
    # Who is known is not punished for the neighbours, once known.
    assert (await site.from_address("192.0.2.8").with_token(key).get(THINGS)).status == 200
    assert (await site.with_token(key).get(THINGS)).status == 200


async def test_the_token_endpoint_is_counted_by_address(make_site: Any) -> None:
    site: Site = await make_site(Policy(anonymous_per_minute=2))

    answers = [await site.form("/token", {"grant_type": "client_credentials"}) for _ in range(3)]

    assert [answer.status for answer in answers] == [401, 401, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]


def test_addresses_never_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getbill.access.limits._SUBJECTS_MAX", 10)
    limits = AddressLimits(5)

    for number in range(100):
        assert limits.consume(f"192.0.2.{number}", 0.0).is_allowed

    assert len(limits._minutes) <= 10


async def test_strangers_do_not_keep_out_a_known_client_of_their_address(
    make_site: Any, workspace: Any
) -> None:
    site = await make_site(Policy(anonymous_per_minute=2))
    key = await workspace.key()
    token = await workspace.token(await make_site(Policy()))
    for _ in range(4):
        await site.with_token("gbk_sandbox_guess").get(THINGS)

    # None of them was seen by this process before.
    base = [(await site.with_token(good).get(THINGS)).status for good in (key, token)]
    guesses = [
        (await site.with_token(bad).get(THINGS)).status for bad in ("gbk_sandbox_another", f"{token}x")
    ]

    assert (base, guesses) == ([200, 200], [429, 429])


async def test_a_flood_of_guesses_does_not_keep_out_a_known_client(make_site: Any, workspace: Any) -> None:
    site = await make_site(Policy(anonymous_per_minute=2))
    key = await workspace.key()
    guesses = [site.with_token(f"gbk_sandbox_{number}").get(THINGS) for number in range(200)]

    answers = await asyncio.gather(*guesses, site.with_token(key).get(THINGS))

    assert answers[-1].status == 200
    assert {answer.status for answer in answers[:-1]} == {401, 429}


async def test_strangers_do_not_keep_a_known_client_of_their_address_from_its_token(
    make_site: Any, workspace: Any
) -> None:
    site = await make_site(Policy(anonymous_per_minute=2, live_per_minute=3))
    client, secret = await workspace.client()
    for _ in range(3):
        await site.form("/token", {"grant_type": "client_credentials"})

    right = [(await workspace.ask(site, client, secret)).status for _ in range(4)]
    wrong = await workspace.ask(site, client, "gbs_wrong")

    # Its own minute is what it has; whoever has no secret has none.
    assert right == [200, 200, 200, 429]
    assert wrong.status == 429
    assert 1 <= int(wrong.headers["retry-after"]) <= 60


async def used_of(database: Database, subject: Any) -> int:
    used: int = await database.pool.fetchval("SELECT used FROM rate_counts WHERE subject_id = $1", subject)
    return used


async def test_a_process_that_stops_gives_back_what_it_did_not_use(database: Database) -> None:
    subject, other, now = uuid4(), uuid4(), clock.unix()
    first, second = RateLimits(database), RateLimits(database)
    for _ in range(7):
        before = await first.lease(subject, 1000, now)
    await first.lease(other, 1000, now)

    await first.close()

    assert (await used_of(database, subject), await used_of(database, other)) == (7, 1)
    after = await second.lease(subject, 1000, now)
    assert (after.remaining, after.ends) == (before.remaining - 1, before.ends)


async def test_what_was_leased_of_a_minute_that_is_over_is_not_given_back_to_the_next(
    database: Database,
) -> None:
    subject, now = uuid4(), clock.unix()
    old, new = RateLimits(database), RateLimits(database)
    await old.lease(subject, 1000, now)
    await new.lease(subject, 1000, now + 61)

    await old.close()

    assert await used_of(database, subject) == 50


async def test_a_killed_process_takes_one_lease_with_it_at_most(database: Database) -> None:
    subject, now = uuid4(), clock.unix()
    done = 0
    for requests in (1, 30, 49, 60, 100):
        killed = RateLimits(database)
        for _ in range(requests):
            done += bool(killed.try_consume(subject, 1000, now) or await killed.lease(subject, 1000, now))
        await asyncio.gather(*killed._filling)

        lost = await used_of(database, subject) - done
        assert 0 <= lost <= 50
        done += lost

    assert await use_up(RateLimits(database), subject, 1000, now) == 1000 - done


async def test_a_lease_is_filled_up_beside_the_requests(database: Database) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()
    await limits.lease(subject, 1000, now)
    waited = 0

    for _ in range(500):
        count = limits.try_consume(subject, 1000, now)
        if count is None:
            waited += 1
            await limits.lease(subject, 1000, now)
        elif limits._filling:
            await asyncio.wait(limits._filling)

    assert waited == 0
    assert await used_of(database, subject) <= 501 + 50


@pytest.mark.parametrize("limit", [40, 500])
async def test_a_limit_that_is_changed_in_the_middle_is_kept(database: Database, limit: int) -> None:
    limits, subject, now = RateLimits(database), uuid4(), clock.unix()
    for _ in range(10):
        await limits.lease(subject, 1000, now)

    assert await use_up(limits, subject, limit, now) == limit - 10


async def test_processes_that_come_and_go_never_let_more_through(database: Database) -> None:
    subject, now, done = uuid4(), clock.unix(), 0
    while True:
        processes = [RateLimits(database) for _ in range(3)]
        counts = await asyncio.gather(
            *(process.lease(subject, 300, now) for process in processes for _ in range(7))
        )
        done += sum(count.is_allowed for count in counts)
        await asyncio.gather(*(process.close() for process in processes))
        if not any(count.is_allowed for count in counts):
            break

    assert done == 300

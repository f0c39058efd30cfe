"""The stream over HTTP: complete, in order, from any place on, for who may read it."""

from typing import Any

import pytest

import collecting
import make
from calls import Site
from collecting import ContactWorkspace
from getbill import access, events
from getbill.events import queries
from getbill.kit import clock, ids, json


async def scoped(workspace: ContactWorkspace, *scopes: str) -> Site:
    """The site for a client of the workspace that holds some scopes."""
    state = workspace.site.app.state
    new = access.NewClient(workspace.engine.id, "Puller", scopes=scopes)
    client, secret = await access.create_client(state.database, new, clock.wall())
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    return workspace.site.with_token((await workspace.site.form("/token", form)).json()["access_token"])


async def test_the_stream_tells_every_event_in_its_order(workspace, open_debt, sequence, pull) -> None:
    debt = await open_debt(amount=120)
    other = await open_debt()
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 120, "method": "card"})
    await sequence()

    page = await pull()

    assert [(event["data"]["debt_id"], event["sequence"], event["event"]) for event in page["data"]] == [
        (debt["id"], 1, "debt.created"),
        (other["id"], 1, "debt.created"),
        (debt["id"], 2, "debt.payment_received"),
        (debt["id"], 3, "debt.status_changed"),
        (debt["id"], 4, "debt.resolved"),
    ]
    assert list(page["data"][0]) == ["event", "timestamp", "data", "webhook_id", "sequence"]
    assert [page["has_more"], page["epoch"], page["epoch_changed"]] == [False, 1, False]


async def test_pages_give_everything_once_and_the_last_cursor_waits_for_more(
    open_debt, sequence, pull
) -> None:
    debts = [(await open_debt())["id"] for _ in range(5)]
    await sequence()
    after, result, more = "", [], []

    for _ in range(3):
        page = await pull(f"limit=2{after}")
        after = f"&after={page['next_cursor']}"
        result += [event["data"]["debt_id"] for event in page["data"]]
        more.append(page["has_more"])
    end = await pull(f"limit=2{after}")
    debts.append((await open_debt())["id"])
    await sequence()
    grown = await pull(f"limit=2{after}")

    assert result == debts[:5]
    assert more == [True, True, False]
    assert (end["data"], f"&after={end['next_cursor']}") == ([], after)
    assert [event["data"]["debt_id"] for event in grown["data"]] == debts[5:]


async def test_an_event_that_was_handled_is_a_place_to_read_on_from(open_debt, sequence, pull) -> None:
    debts = [(await open_debt())["id"] for _ in range(3)]
    await sequence()
    first = (await pull("limit=1"))["data"][0]

    missed = await pull(f"after={first['webhook_id']}")

    assert [event["data"]["debt_id"] for event in missed["data"]] == debts[1:]
    assert missed["epoch_changed"] is False


async def test_now_is_the_end_of_the_stream(open_debt, sequence, pull) -> None:
    await open_debt()
    await sequence()

    now = await pull("after=now")
    later = await open_debt()
    await sequence()
    page = await pull(f"after={now['next_cursor']}")

    assert (now["data"], now["has_more"], now["epoch_changed"]) == ([], False, False)
    assert [event["data"]["debt_id"] for event in page["data"]] == [later["id"]]


async def test_a_filter_shows_its_kinds_and_moves_on_past_the_others(
    workspace, open_debt, sequence, pull
) -> None:
    debt, other = await open_debt(amount=120), await open_debt()
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 120})
    await sequence()

    kinds = await pull("event=debt.resolved&event=debt.payment_received")
    of_other = await pull(f"debt_id={other['id']}")
    both = await pull(f"debt_id={debt['id']}&event=debt.created&limit=1")
    rest = await pull(f"after={both['next_cursor']}&debt_id={debt['id']}&event=debt.created")
    none = await pull("event=debt.escalated")

    assert [event["event"] for event in kinds["data"]] == ["debt.payment_received", "debt.resolved"]
    assert [event["data"]["debt_id"] for event in of_other["data"]] == [other["id"]]
    assert [event["event"] for event in both["data"]] == ["debt.created"]
    assert (rest["data"], rest["has_more"]) == ([], False)
    end = (await pull("after=now"))["next_cursor"]
    assert [kinds["next_cursor"], of_other["next_cursor"], rest["next_cursor"], none["next_cursor"]] == [
        end
    ] * 4


async def test_a_search_is_cut_and_goes_on_from_there(
    workspace, open_debt, sequence, pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SEARCH_MAX", 3)
    debts = [await open_debt(amount=120) for _ in range(4)]
    await workspace.post(f"/debts/{debts[3]['id']}/payments", {"amount": 120})
    await sequence()

    first = await pull("event=debt.resolved")
    second = await pull(f"event=debt.resolved&after={first['next_cursor']}")
    third = await pull(f"event=debt.resolved&after={second['next_cursor']}")

    assert [(page["data"], page["has_more"]) for page in (first,)] == [([], True)]
    assert ([event["event"] for event in second["data"]], second["has_more"]) == ([], True)
    assert ([event["event"] for event in third["data"]], third["has_more"]) == (["debt.resolved"], False)


@pytest.mark.parametrize(
    "query",
    [
        "event=debt.lost",
        "limit=0",
        "limit=1001",
        "wait=31",
        "wait=-1",
        "after=nonsense",
        "after=",
        "after=wh_nonsense",
        "since=2024-01-01",
    ],
)
async def test_what_cannot_be_meant_is_refused(workspace: ContactWorkspace, query: str) -> None:
    answered = await workspace.get(f"/events?{query}")

    assert (answered.status, answered.json()["type"]) == (400, "/problems/bad-request")


async def test_a_cursor_of_another_list_is_refused(workspace: ContactWorkspace, open_debt) -> None:
    await open_debt(), await open_debt()
    of_debts = (await workspace.get("/debts?limit=1")).json()["pagination"]["next_cursor"]

    answered = await workspace.get(f"/events?after={of_debts}")

    assert answered.status == 400


async def test_data_is_for_who_may_read_debts(workspace: ContactWorkspace, open_debt, sequence, pull) -> None:
    await open_debt()
    await sequence()
    puller = await scoped(workspace, "webhooks:read")
    reader = await scoped(workspace, "webhooks:read", "debts:read")

    blind = json.read((await puller.get("/external-api/v1/events")).body)
    seeing = json.read((await reader.get("/external-api/v1/events")).body)
    event = await puller.get(f"/external-api/v1/events/{blind['data'][0]['webhook_id']}")

    [whole] = (await pull())["data"]
    assert seeing["data"] == [whole]
    assert blind["data"] == [whole | {"data": None}]
    assert json.read(event.body) == whole | {"data": None}


async def test_an_erased_debt_leaves_only_that_it_was(
    workspace: ContactWorkspace, open_debt, sequence, pull
) -> None:
    debt = await open_debt()
    await workspace.call("DELETE", f"/debts/{debt['id']}")
    await sequence()

    page = await pull()

    gone = {"debt_id": debt["id"], "erased": True}
    assert [(event["event"], event["data"]) for event in page["data"]] == [
        ("debt.created", gone),
        ("debt.deleted", gone),
    ]


async def test_one_event_is_found_by_its_webhook_id(
    workspace: ContactWorkspace, other_workspace, open_debt, sequence, pull
) -> None:
    await open_debt()
    row = await workspace.engine.database.pool.fetchrow(
        "SELECT id FROM events WHERE workspace_id = $1", workspace.engine.id
    )
    answer = ids.show("wh", row["id"])

    before = await workspace.get(f"/events/{answer}")
    await sequence()
    event = await workspace.get(f"/events/{answer}")
    elsewhere = await other_workspace.get(f"/events/{answer}")

    assert (before.status, elsewhere.status) == (404, 404)
    assert [json.read(event.body)] == (await pull())["data"]


async def test_a_new_epoch_is_told_to_every_older_cursor_and_reading_begins_anew(
    workspace: ContactWorkspace, open_debt, sequence, pull
) -> None:
    debts = [(await open_debt())["id"] for _ in range(2)]
    await sequence()
    old = (await pull())["next_cursor"]

    async with workspace.engine.database.transaction(clock.wall()) as tx:
        await events.begin_epoch(tx, workspace.engine.id)
    page = await pull(f"after={old}")
    then = await pull(f"after={page['next_cursor']}")

    assert (page["epoch"], page["epoch_changed"]) == (2, True)
    assert [event["data"]["debt_id"] for event in page["data"]] == debts
    assert (then["data"], then["epoch_changed"]) == ([], False)


async def test_a_place_that_the_stream_lost_begins_anew_whatever_names_it(
    workspace: ContactWorkspace, open_debt, sequence, pull
) -> None:
    debt = await open_debt()
    await open_debt()
    await sequence()
    last = await pull()
    gone = last["data"][1]["webhook_id"]
    # What a backup restored without the worker's marks would look like.
    pool = workspace.engine.database.pool
    await pool.execute("DELETE FROM events WHERE workspace_id = $1 AND position = 2", workspace.engine.id)
    await pool.execute("UPDATE streams SET position = 1 WHERE workspace_id = $1", workspace.engine.id)

    by_cursor = await pull(f"after={last['next_cursor']}")
    by_event = await pull(f"after={gone}")

    for page in (by_cursor, by_event):
        assert page["epoch_changed"] is True
        assert [event["data"]["debt_id"] for event in page["data"]] == [debt["id"]]


async def test_a_live_client_reads_its_own_stream_only(site: Site, open_debt, sequence) -> None:
    live = await collecting.open_live(site)
    await open_debt()
    assert (await live.post("/debts", make.debt())).status == 201
    await sequence()

    page: Any = json.read((await live.get("/events")).body)

    assert len(page["data"]) == 1

"""Every route there is: a scope on each, and nothing for who lacks it, for yesterday's credential, for a stranger.

The routes are taken from the application itself, so a new one is held to this the day it appears.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

import streaming
from calls import Answer, Site
from getbill import access, companies, reactions
from getbill.access import AuthContext, Changes, Policy, Requires
from getbill.access.oauth.tokens import Issue, sign
from getbill.companies import CreatedCompany
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, open_database
from getbill.kit.http.paths import routes_of
from getbill.process.app import create_app
from getbill.settings import Settings
from getbill.vault import Vault

# What anybody may read, each for its reason.
PUBLIC = {
    "/token",  # these ask for the client's own secret
    "/oauth/token",
    "/external-api/v1/oauth/token",
    "/oauth/revoke",
    "/external-api/v1/oauth/revoke",
    "/.well-known/oauth-authorization-server",  # RFC 8414
    "/.well-known/jwks.json",  # RFC 7517
    "/healthz",  # for whoever watches the process
    "/readyz",
    "/metrics",
    "/openapi.json",  # documentation
    "/docs",
    "/docs/errors",
    "/docs/events",
    "/docs/assets",
    "/docs/swagger-ui",
    "/problems/{code}",
    "/media/{token}",  # the link itself is the credential
    "/gateways/{channel}/status",  # signed with the gateway's own secret
}

# A body each route takes, so that a stranger is refused for the object and not for the body.
BODIES: dict[str, Any] = {
    "POST /external-api/v1/debtors/{debtor_id}/merge": {"debtor_id": "debtor_01m804scmte4gbpp4yw1mc91gy"},
    "POST /external-api/v1/debtors/{debtor_id}/split": {
        "debts": ["debt_01m804scmte4gbpp4yw1mc91gy"],
        "debtor": {"name": "Jean Dupont"},
    },
    "POST /external-api/v1/debts/{debt_id}/payments": {"amount": 1.00, "method": "card"},
    "POST /external-api/v1/debts/{debt_id}/escalate": {"reason": "No answer.", "decided_by": "Marie Martin"},
    "PUT /external-api/v1/scenarios/{timeline_id}": {
        "steps": [{"key": "first", "offset": 0, "channel": "email", "template": "wave_1_email"}],
        "end": {"offset": 30},
    },
    "POST /external-api/v1/scenarios/{timeline_id}/preview": {
        "debt": {"debtor": {"name": "Jean Dupont"}, "amount": 10, "reference": "F-1"}
    },
    "POST /external-api/v1/templates/{name}/{language}": {"text": "Hello"},
    "POST /external-api/v1/todos/{todo_id}/decide": {"decision": "sent"},
    "PUT /external-api/v1/webhooks/{webhook_id}": {"url": "https://hooks.example/in"},
    "POST /external-api/v1/webhooks/{webhook_id}/replay": {"from": "2024-03-15"},
}
SECRET_WORDS = (b"Veronique", b"veronique@example.com", b"THEIRS-1", b"hooks.example")


@dataclass(frozen=True)
class Door:
    """One method of one route, and the guard in front of it."""

    method: str
    path: str
    guards: tuple[Requires | Changes, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors() -> list[Door]:
    """Every method of every route of the application."""
    result = []
    for route in routes_of(create_app(Settings())):
        guards = tuple(_guards(getattr(route, "dependant", None)))
        methods = sorted(getattr(route, "methods", None) or {"GET"})
        result += [Door(method, str(route.path), guards) for method in methods]
    return result


def _guards(dependant: Any) -> list[Requires | Changes]:
    if dependant is None:
        return []
    here = [dependant.call] if isinstance(dependant.call, Requires | Changes) else []
    return here + [guard for inner in dependant.dependencies for guard in _guards(inner)]


DOORS = doors()
GUARDED = [door for door in DOORS if door.guards]
OBJECTS = [door for door in GUARDED if "{" in door.path]


@dataclass(frozen=True)
class Town:
    """The whole application, a company calling, and another one with objects of its own."""

    site: Site
    database: Database
    ours: CreatedCompany
    key: str
    theirs: dict[str, str]

    async def client(self, *scopes: str) -> tuple[access.Client, str]:
        """Let a client of ours into the live workspace and return its access token."""
        new = access.NewClient(self.ours.live_id, "Walker", scopes=scopes)
        client, secret = await access.create_client(self.database, new, clock.wall())
        form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
        return client, (await self.site.form("/token", form)).json()["access_token"]

    async def knock(self, door: Door, token: str | None = None) -> Answer:
        """Call a door, with another company's objects where its path names one."""
        path = door.path
        for name, answer in self.theirs.items():
            path = path.replace("{" + name + "}", answer)
        site = self.site if token is None else self.site.with_token(token)
        if door.method in {"POST", "PUT", "PATCH"}:
            return await site.call(door.method, path, body=_json(BODIES.get(str(door), {})))
        return await site.call(door.method, path)


def _json(value: Any) -> bytes:
    return repr(value).replace("'", '"').encode()


@pytest.fixture(scope="session")
async def town(dsn: str, vault: Vault, database: Database) -> AsyncIterator[Town]:
    resource = await open_database(dsn, reactions.before_commit, size=4)
    app = create_app(Settings())
    policy = Policy(live_per_minute=10**6, sandbox_per_minute=10**6, anonymous_per_minute=10**6)
    auth = AuthContext(resource, vault, policy)
    app.state.database, app.state.vault, app.state.auth = resource, vault, auth
    auth.start(dsn)
    site = Site(app)
    ours = await companies.create(resource, vault, "Ours")
    theirs = await companies.create(resource, vault, "Theirs")
    keys = [
        (await access.create_key(resource, access.NewKey(founded.sandbox_id, "Key"), clock.wall()))[1]
        for founded in (ours, theirs)
    ]
    yield Town(site, resource, ours, keys[0], await _objects(site.with_token(keys[1])))
    await auth.close()
    await resource.close()


async def _objects(theirs: Site) -> dict[str, str]:
    """Make one object of each kind and return its id by the name that paths use."""
    debt = await theirs.post(
        "/external-api/v1/debts",
        {
            "debtor": {"name": "Veronique Martin", "email": "veronique@example.com"},
            "amount": 120.5,
            "reference": "THEIRS-1",
        },
    )
    hook = await theirs.post("/external-api/v1/webhooks", {"url": "https://hooks.example/in"})
    assert (debt.status, hook.status) == (201, 201)
    database = theirs.app.state.database
    while await streaming.sequence(database):
        pass
    event_id = await database.pool.fetchval(
        "SELECT id FROM events WHERE debt_id = $1", ids.read("debt", debt.json()["id"])
    )
    return {
        "debt_id": debt.json()["id"],
        "debtor_id": debt.json()["debtor"]["id"],
        "webhook_id": hook.json()["id"],
        "event_id": ids.show("wh", event_id),
        "delivery_id": ids.show("wd", ids.new()),
        "followup_id": ids.show("followup", ids.new()),
        "timeline_id": ids.show("timeline", ids.new()),
        "creditor_id": ids.show("creditor", ids.new()),
        "step": "wave_1_email",
        "todo_id": ids.show("todo", ids.new()),
        "suppression_id": ids.show("suppression", ids.new()),
        "consent_id": ids.show("consent", ids.new()),
        "payment_id": ids.show("payment", ids.new()),
        "id": debt.json()["id"],
        "credential_id": hook.json()["created_by"],
    }


def test_every_route_of_the_api_has_one_scope_we_know() -> None:
    without = sorted(
        {
            str(door)
            for door in DOORS
            if door.path not in PUBLIC and [guard.scope in access.SCOPES for guard in door.guards] != [True]
        }
    )

    assert without == [], (
        "Give the route Depends(access.requires(scope)) or Depends(access.change(scope)), or list it as public"
    )
    assert len(GUARDED) > 3


@pytest.mark.parametrize("door", GUARDED, ids=str)
async def test_without_a_credential_there_is_nothing(town: Town, door: Door) -> None:
    answers = [
        await town.knock(door),
        await town.knock(door, "gbk_sandbox_guess"),
        await town.knock(door, "a.b.c"),
    ]

    assert [answer.status for answer in answers] == [401, 401, 401]
    assert all(answer.headers["www-authenticate"].startswith("Bearer ") for answer in answers)


@pytest.mark.parametrize(
    ("door", "scope"), [(door, scope) for door in GUARDED for scope in door.guards[0].scopes], ids=str
)
async def test_every_other_scope_is_not_this_one(town: Town, door: Door, scope: str) -> None:
    _, token = await town.client(*(other for other in access.SCOPES if other != scope))

    answer = await town.knock(door, token)

    assert answer.status == 403
    assert answer.json()["detail"] == f'Required scope "{scope}" not found in token'
    assert answer.json()["required_scope"] == scope


@pytest.mark.parametrize("door", GUARDED, ids=str)
async def test_a_revoked_credential_opens_nothing(town: Town, door: Door) -> None:
    client, token = await town.client(door.guards[0].scope)
    await access.revoke_client(town.database, client.id, clock.wall())

    answer = await town.knock(door, token)

    assert answer.status == 401


@pytest.mark.parametrize("door", GUARDED, ids=str)
async def test_an_expired_token_opens_nothing(town: Town, door: Door) -> None:
    client, _ = await town.client(door.guards[0].scope)
    auth = town.site.app.state.auth
    two_hours_ago = clock.wall() - timedelta(hours=2)
    issue = Issue(client, client.scopes, ids.new(), refresh_token=None, parent=None)
    token = sign(issue, await auth.signing.signer(clock.wall()), auth.policy.base_url, two_hours_ago)

    answer = await town.knock(door, token)

    assert answer.status == 401
    assert answer.json()["type"] == "/problems/invalid-token"


@pytest.mark.parametrize("door", OBJECTS, ids=str)
async def test_another_companys_object_is_not_there(town: Town, door: Door) -> None:
    answer = await town.knock(door, town.key)

    # A 422 here means that BODIES lacks a body for the route.
    assert answer.status == 404
    assert not [word for word in SECRET_WORDS if word in answer.body]

"""Layouts sent through the API as their creditors would: each to a company of its own, answered in one PUT, read back."""

import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from getbill import access, companies
from getbill.kit import clock, json
from getbill.kit.database.transactions import Database, Statement
from getbill.vault import Vault
from testbed.corpus.exports.answers import Changes, Shown, answers, concerns
from testbed.corpus.exports.files import file_of
from testbed.corpus.exports.layout import Layout

_API = "/external-api/v1"
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.1
_ROUNDS_MAX = 4
_LIMIT_PER_MINUTE = 1_000_000
_AT_HOME = Statement(
    "bench.company_at_home",
    "Give a company its country and currency.",
    "UPDATE companies SET country = $2, currency = $3 WHERE id = $1",
)


@dataclass(slots=True)
class Exchange:
    """What became of a file: its import, what was asked, and what can be read back."""

    layout: Layout
    key: str
    import_id: str = ""
    shown: Shown = field(default_factory=dict)
    mapping: Shown = field(default_factory=dict)
    # Codes of each round of questions, their sentences, and what they concern.
    rounds: list[list[str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    concerned: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    debts: list[Shown] = field(default_factory=list)
    findings: list[Shown] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more."""
        return bool(self.shown) and (self.shown["state"] in {"completed", "failed", "undone"} or self._waits)

    @property
    def _waits(self) -> bool:
        return self.shown["doing"] is None and self.shown["waiting_for"] is not None

    @property
    def needs_answers(self) -> bool:
        """Whether questions are open."""
        return self._waits and self.shown["waiting_for"] in {"mapping", "confirmation"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and what came with it."""

    status: int
    value: Any


class Client:
    """Calls the API of one installation over one connection."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=60)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def call(self, key: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send a request and return its reply."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {key}"
        self._connection.request(method, _API + path, body, named)
        with self._connection.getresponse() as response:
            content = response.read()
            return Reply(response.status, json.read(content) if content else None)

    def get(self, key: str, path: str) -> Any:
        """Return what is at a path."""
        reply = self.call(key, "GET", path)
        if reply.status != 200:
            raise RuntimeError(f"GET {path}: {reply.status} {reply.value}")
        return reply.value

    def pages(self, key: str, path: str) -> list[Shown]:
        """Return all entries of a list."""
        entries: list[Shown] = []
        cursor = ""
        while True:
            page = self.get(key, f"{path}{cursor}")
            entries += page["data"]
            if not page["pagination"]["next_cursor"]:
                return entries
            cursor = f"&cursor={urllib.parse.quote(page['pagination']['next_cursor'])}"


async def keys(database: Database, vault: Vault, layouts: Sequence[Layout]) -> dict[str, str]:
    """Found a company for each layout, at home where the layout says, and return the keys of their sandboxes."""
    by_layout = {}
    for layout in layouts:
        founded = await companies.create(database, vault, f"Recipient of {layout.name}")
        await database.execute(_AT_HOME, founded.company_id, layout.country, layout.currency)
        new = access.NewKey(founded.sandbox_id, "Corpus", limit_per_minute=_LIMIT_PER_MINUTE)
        by_layout[layout.name] = (await access.create_key(database, new, clock.wall()))[1]
    return by_layout


def exchange(url: str, layouts: Sequence[Layout], by_layout: Mapping[str, str]) -> list[Exchange]:
    """Send all files, answer what is asked of each, and return what became of them."""
    client = Client(url)
    try:
        exchanges = [_sent(client, layout, by_layout[layout.name]) for layout in layouts]
        pending = [entry for entry in exchanges if entry.import_id]
        until = time.monotonic() + _PATIENCE_SECONDS
        while pending and time.monotonic() < until:
            pending = [entry for entry in pending if not _is_done(client, entry)]
            time.sleep(_POLL_SECONDS if pending else 0)
        for item in pending:
            item.faults.append(f"not over after {_PATIENCE_SECONDS:.0f} s: {item.shown['state']}")
        return exchanges
    finally:
        client.close()


def _sent(client: Client, layout: Layout, key: str) -> Exchange:
    path = f"/imports?auto=true&name={urllib.parse.quote(layout.file_name)}"
    reply = client.call(key, "POST", path, file_of(layout), Content_Type="application/octet-stream")
    if reply.status != 202:
        return Exchange(layout, key, faults=[f"POST /imports: {reply.status} {_why(reply)}"])
    return Exchange(layout, key, reply.value["id"])


def _is_done(client: Client, one: Exchange) -> bool:
    """Look at an import, answer what it asks, and say whether it is over."""
    one.shown = client.get(one.key, f"/imports/{one.import_id}")
    if not one.is_over:
        return False
    if one.needs_answers and _answer(client, one):
        return False
    if one.shown["state"] != "failed" or one.shown["progress"]["rows_total"]:
        one.mapping = client.get(one.key, f"/imports/{one.import_id}/mapping")
    one.findings = client.pages(one.key, f"/imports/{one.import_id}/report?limit=1000")
    one.debts = client.pages(one.key, "/debts?limit=100&sort=date")
    return True


def _answer(client: Client, one: Exchange) -> bool:
    """Answer all questions of an import in one PUT, and those that follow in more; say whether it goes on."""
    path = f"/imports/{one.import_id}/mapping"
    before: set[tuple[Any, ...]] = set()
    while True:
        one.mapping = client.get(one.key, path)
        questions = {(question["code"], *question["columns"]) for question in one.mapping["questions"]}
        if (one.rounds and questions <= before) or len(one.rounds) == _ROUNDS_MAX:
            one.faults.append(f"still asks {sorted(questions)} after it was answered")
            return False
        before = questions
        changes, status = _round(client, one)
        # Where more is asked still, what is answered stands, and the next round follows.
        if status != 409 or _put(client, one, changes, is_confirmed=False).status != 200:
            return status == 200


def _round(client: Client, one: Exchange) -> tuple[Changes, int]:
    """Answer the questions there are; return the answers and the status of the PUT."""
    questions = one.mapping["questions"]
    one.rounds.append([question["code"] for question in questions])
    one.questions += [f"{question['code']}: {question['message']}" for question in questions]
    one.concerned |= concerns(one.layout, one.mapping)
    changes, faults = answers(one.layout, one.mapping)
    one.faults += faults
    return changes, _put(client, one, changes, is_confirmed=True).status


def _put(client: Client, one: Exchange, changes: dict[str, Any], *, is_confirmed: bool) -> Reply:
    path = f"/imports/{one.import_id}/mapping"
    kind = "application/json"
    body = json.write(changes | {"confirm": is_confirmed})
    reply = client.call(one.key, "PUT", path, body, Content_Type=kind)
    if reply.status == 422 and (strange := _strange(reply, changes)):
        one.faults.append(f"PUT mapping knows no {', '.join(sorted(strange))}: {_why(reply)}")
        rest = {key: value for key, value in changes.items() if key not in strange}
        return _put(client, one, rest, is_confirmed=is_confirmed)
    if reply.status not in {200, 409}:
        one.faults.append(f"PUT mapping {body.decode()}: {reply.status} {_why(reply)}")
    elif reply.status == 409 and not is_confirmed:
        one.faults.append(f"PUT mapping: 409 {_why(reply)}")
    return reply


def _strange(reply: Reply, changes: Mapping[str, Any]) -> set[str]:
    """Return the keys that the API does not know."""
    pointers = {
        str(error.get("pointer", "")).split("/")[1]
        for error in reply.value.get("errors", ())
        if error.get("code") == "unknown-field"
    }
    return pointers & changes.keys()


def _why(reply: Reply) -> str:
    problem = reply.value if isinstance(reply.value, dict) else {}
    return f"{problem.get('title', '')} {problem.get('detail', '')} {problem.get('errors', '')}".strip()

"""Idempotency-Key: a repeated POST gets the stored response and is not executed again.

The response is stored in the transaction of the change itself, so neither exists without the other. A
concurrent request with the same key is detected by an advisory lock that ends with its transaction: no crash
leaves a key locked.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from re import compile as pattern
from uuid import UUID

from asyncpg import Record
from starlette.responses import Response

from getbill import companies
from getbill.kit import clock, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import BadRequest, Conflict, Invalid, Problem
from getbill.kit.messages import message
from getbill.vault import SealedUnderUnknownKey, Vault

LIFE = timedelta(hours=24)

_KEY = pattern(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
# Headers that are part of a response's content; the others belong to the connection.
_STORED_HEADERS = frozenset({"content-type", "content-language", "vary", "location", "etag", "link"})
# Responses to the moment rather than to the request.
_TRANSIENT_STATUSES = frozenset({408, 425, 429})

_LOCK = Statement(
    "access.lock_answer",
    "Lock the answer to a request with an idempotency key, unless another request holds it.",
    "SELECT pg_try_advisory_xact_lock($1)",
)
_ANSWER = Statement(
    "access.find_answer",
    "Answer stored under an idempotency key.",
    """
    SELECT request, status, headers, body, created_at FROM idempotency_keys
    WHERE workspace_id = $1 AND credential_id = $2 AND route = $3 AND key = $4
    """,
)
_STORE = Statement(
    "access.store_answer",
    "Store the answer under an idempotency key, replacing an expired one; none for an erased debt.",
    """
    INSERT INTO idempotency_keys AS k (workspace_id, credential_id, route, key, request, debt_id, status, headers,
                                       body, created_at)
    SELECT $1, $2, $3, $4, $5, $6::uuid, $7, $8::jsonb, $9, $10
    WHERE $6::uuid IS NULL OR EXISTS (
        SELECT FROM vault_keys v WHERE v.workspace_id = $1 AND v.subject_id = $6 FOR KEY SHARE)
    ON CONFLICT (workspace_id, credential_id, route, key) DO UPDATE
    SET request = excluded.request, debt_id = excluded.debt_id, status = excluded.status,
        headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
    """,
)
_DELETE = Statement(
    "access.delete_answers",
    "Delete the stored answers about a debt.",
    "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND debt_id = $2",
)
_DELETE_AT = Statement(
    "access.delete_answers_at",
    "Delete the stored answers that name these locations, and the refusals of these routes.",
    """
    DELETE FROM idempotency_keys
    WHERE workspace_id = $1 AND (headers ->> 'location' = ANY($2) OR (route = ANY($3) AND status >= 400))
    """,
)
_PRUNE = Statement(
    "access.prune_answers",
    "Delete the stored answers of a workspace that have expired.",
    "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND created_at < $2",
)


class KeyUnreadable(BadRequest):
    """The Idempotency-Key is not 1 to 255 printable ASCII characters."""

    code = "idempotency-key-unreadable"
    way_out = "Send a key of 1 to 255 printable ASCII characters, such as a UUID, or omit it."


class RequestInProgress(Conflict):
    """A request with the same key is still being processed."""

    code = "idempotency-key-in-use"
    way_out = "Repeat the same request in a second. It returns the response of the request in progress."


class KeyReused(Invalid):
    """The key was used for a different request."""

    code = "idempotency-key-reused"
    way_out = "Use a new key for every new request."


class AnswerGone(Conflict):
    """The request was executed; its stored response was lost with a master key destroyed within the day."""

    code = "idempotency-answer-gone"
    way_out = "Look up the result of the request by its reference. Use a new key for another request."


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request to be executed once: its caller, workspace, key and fingerprint."""

    workspace_id: UUID
    credential_id: UUID
    route: str
    key: bytes
    request: bytes

    @property
    def primary_key(self) -> tuple[UUID, UUID, str, bytes]:
        """The primary key of its row."""
        return self.workspace_id, self.credential_id, self.route, self.key

    @property
    def lock_id(self) -> int:
        """The number of its advisory lock."""
        parts = (self.workspace_id.bytes, self.credential_id.bytes, self.route.encode(), self.key)
        return int.from_bytes(hashlib.sha256(b"\x00".join(parts)).digest()[:8], signed=True)

    @property
    def context(self) -> bytes:
        """The context that its response is sealed for."""
        return b"answer" + self.workspace_id.bytes + self.credential_id.bytes + self.key


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A response to be stored."""

    response: Response
    debt_id: UUID | None


def read_key(header: str) -> bytes:
    """Return the stored form of an Idempotency-Key; raise KeyUnreadable if it is invalid."""
    if not _KEY.fullmatch(header):
        raise KeyUnreadable(message("An Idempotency-Key must have 1 to 255 printable ASCII characters."))
    return hashlib.sha256(header.encode()).digest()


def fingerprint(method: str, path: bytes, query: bytes, body: bytes) -> bytes:
    """Return the fingerprint of a request."""
    head = b"%s %s?%s\n" % (method.encode(), path, query)
    return hashlib.sha256(hashlib.sha256(head).digest() + body).digest()


async def begin_request(
    tx: Transaction, idempotent_request: IdempotentRequest, vault: Vault
) -> Response | None:
    """Return the stored response of a request, or None if this call is to execute it.

    Raises RequestInProgress if a concurrent request does so, KeyReused if the key was used for another request,
    AnswerGone if the response can no longer be decrypted.
    """
    if not await tx.fetchval(_LOCK, idempotent_request.lock_id):
        raise RequestInProgress(
            message("A request with this Idempotency-Key is being processed. Repeat it in a second.")
        )
    row = await tx.fetchrow(_ANSWER, *idempotent_request.primary_key)
    if row is None or row["created_at"] <= clock.wall() - LIFE:
        return None
    if row["request"] != idempotent_request.request:
        raise KeyReused(
            message("This Idempotency-Key was used for another request. Use a new key for each request.")
        )
    try:
        return _replayed(row, vault.open_temporary(row["body"], idempotent_request.context))
    except SealedUnderUnknownKey:
        raise AnswerGone(
            message(
                "This request was already executed. Its stored response cannot be decrypted because the master key was destroyed."
            )
        ) from None


def _replayed(row: Record, body: bytes) -> Response:
    headers = json.read(row["headers"].encode())
    return Response(body, row["status"], {**headers, "Idempotent-Replayed": "true"})


def store_answer(
    tx: Transaction,
    idempotent_request: IdempotentRequest,
    vault: Vault,
    make_answer: Callable[[], StoredAnswer],
) -> None:
    """Store the response, as it is at the commit, with the change."""

    def row() -> tuple[object, ...]:
        answer = make_answer()
        response = answer.response
        headers = {name: value for name, value in response.headers.items() if name in _STORED_HEADERS}
        sealed_body = vault.seal_temporary(bytes(response.body), idempotent_request.context)
        headers_json = json.write(headers).decode()
        return (
            *idempotent_request.primary_key,
            idempotent_request.request,
            answer.debt_id,
            response.status_code,
            headers_json,
            sealed_body,
            clock.wall(),
        )

    tx.defer_row(_STORE, row)


def is_storable(refusal: Problem) -> bool:
    """Return whether a refusal is final for this request rather than transient."""
    return 400 <= refusal.status < 500 and refusal.status not in _TRANSIENT_STATUSES


async def store_answer_separately(
    database: Database, idempotent_request: IdempotentRequest, vault: Vault, stored_answer: StoredAnswer
) -> Response:
    """Store and return a response in a transaction of its own, if the change had none or rolled back.

    Between the two transactions a concurrent request may have begun or even finished: then its response
    counts. A crash between them stores nothing, and a repeated request is processed again.
    """
    async with database.transaction(clock.wall()) as tx:
        try:
            earlier = await begin_request(tx, idempotent_request, vault)
        except (RequestInProgress, KeyReused, AnswerGone):
            return stored_answer.response
        if earlier is not None:
            return earlier
        store_answer(tx, idempotent_request, vault, lambda: stored_answer)
    return stored_answer.response


async def delete_answers(tx: Transaction, workspace_id: UUID, debt_id: UUID) -> None:
    """Delete the stored responses that contain a debt which is being erased."""
    await tx.execute(_DELETE, workspace_id, debt_id)


async def delete_answers_at(
    tx: Transaction, workspace_id: UUID, places: Sequence[str], routes: Sequence[str]
) -> None:
    """Delete the stored responses with one of some `Location`s, and the refusals of some routes."""
    await tx.execute(_DELETE_AT, workspace_id, places, routes)


async def prune_answers(database: Database, now: datetime) -> None:
    """Delete responses stored more than a day ago."""

    async def prune(workspace_id: UUID) -> None:
        await database.execute(_PRUNE, workspace_id, now - LIFE)

    await companies.visit_workspaces(database, "answers", prune)

"""Routes of the suppression list and of consents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from getbill import access
from getbill.access import Caller, Change
from getbill.compliance import consents, suppressions, wire
from getbill.compliance.consents import NewConsent
from getbill.compliance.facts import PermissionChange
from getbill.compliance.suppressions import hash_of
from getbill.compliance.wire import (
    ConsentBody,
    ConsentList,
    ConsentShown,
    SuppressionBody,
    SuppressionList,
    SuppressionShown,
)
from getbill.kit import http, ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import one_field
from getbill.kit.http import Route, answer, body, include_routes, problems
from getbill.kit.messages import message

_suppressions = APIRouter(prefix="/external-api/v1/suppressions", tags=["Suppressions"], route_class=Route)
_consents = APIRouter(prefix="/external-api/v1/consents", tags=["Consents"], route_class=Route)

Reads = Annotated[Caller, Depends(access.requires("debtors:read"))]
Writes = Annotated[Change, Depends(access.change("debtors:write"))]


class PhoneQuery(BaseModel):
    """A filter by phone number; without it, the newest entries."""

    model_config = ConfigDict(extra="forbid")

    phone: wire.Phone | None = None
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT


class AddressQuery(PhoneQuery):
    """A filter by address; without it, the newest entries."""

    email: wire.Email | None = None


@_suppressions.get("", response_model=SuppressionList)
async def list_suppressions(
    request: Request, caller: Reads, query: Annotated[AddressQuery, Query()]
) -> Response:
    """List the newest entries of the suppression list, or look up an address."""
    database: Database = request.app.state.database
    address_hash = _address_hash(caller, query)
    entries = await suppressions.suppressed_addresses(
        database, caller.workspace.id, query.limit, address_hash
    )
    return answer(200, {"data": [wire.serialize_suppression(entry) for entry in entries]})


@_suppressions.post("", status_code=201, response_model=SuppressionShown, responses=problems(415, 422))
async def create_suppression(
    change: Writes, payload: Annotated[SuppressionBody, body(SuppressionBody)]
) -> Response:
    """Suppress an address on every debt, from the next contact on.

    The list keeps a keyed hash of the address and outlives the debts. An existing entry is unchanged.
    """

    async def create(tx: Transaction) -> access.Reply:
        address_hash = hash_of(change.workspace, payload.email, payload.phone)
        kind = "email" if payload.email else "phone"
        line = await suppressions.suppress(tx, change.workspace.id, kind, address_hash, payload.reason)
        tx.changes.append(PermissionChange(change.workspace, address_hash))
        return lambda: answer(201, wire.serialize_suppression(line))

    return await change.commit(create)


@_suppressions.delete("/{suppression_id}", response_model=SuppressionShown, responses=problems(404))
async def delete_suppression(change: Writes, suppression_id: str) -> Response:
    """Remove an address from the suppression list, because its owner agreed to be contacted again."""

    async def lift(tx: Transaction) -> access.Reply:
        line, address_hash = await suppressions.lift(
            tx, change.workspace.id, ids.read(suppressions.PREFIX, suppression_id)
        )
        tx.changes.append(PermissionChange(change.workspace, address_hash))
        return lambda: answer(200, wire.serialize_suppression(line))

    return await change.commit(lift)


@_consents.get("", response_model=ConsentList)
async def list_consents(request: Request, caller: Reads, query: Annotated[PhoneQuery, Query()]) -> Response:
    """List the newest consents, including withdrawn ones, or those of a phone number."""
    database: Database = request.app.state.database
    address_hash = hash_of(caller.workspace, None, query.phone) if query.phone else None
    records = await consents.consents(database, caller.workspace.id, query.limit, address_hash)
    return answer(200, {"data": [wire.serialize_consent(consent) for consent in records]})


@_consents.post("", status_code=201, response_model=ConsentShown, responses=problems(415, 422))
async def create_consent(change: Writes, payload: Annotated[ConsentBody, body(ConsentBody)]) -> Response:
    """Record a consent of a phone number's owner. It applies to every debt, from the next contact on.

    Some contacts are unlawful without consent: in the United States, a call in an artificial voice. The
    record keeps a keyed hash of the number. A consent in force is unchanged.
    """

    async def create(tx: Transaction) -> access.Reply:
        given_at = payload.given_at or tx.now
        if given_at > tx.now:
            raise one_field(
                "/given_at",
                "in-the-future",
                message("given_at is later than the workspace's time. Send an instant in the past."),
            )
        address_hash = hash_of(change.workspace, None, payload.phone)
        new_consent = NewConsent("phone", address_hash, payload.consent, payload.source, given_at)
        consent = await consents.record_consent(tx, change.workspace.id, new_consent)
        tx.changes.append(PermissionChange(change.workspace, address_hash))
        return lambda: answer(201, wire.serialize_consent(consent))

    return await change.commit(create)


@_consents.delete("/{consent_id}", response_model=ConsentShown, responses=problems(404))
async def delete_consent(change: Writes, consent_id: str) -> Response:
    """Withdraw a consent. Its record stays, as evidence for contacts made while it was in force."""

    async def withdraw(tx: Transaction) -> access.Reply:
        consent, address_hash = await consents.withdraw(
            tx, change.workspace.id, ids.read(consents.PREFIX, consent_id)
        )
        tx.changes.append(PermissionChange(change.workspace, address_hash))
        return lambda: answer(200, wire.serialize_consent(consent))

    return await change.commit(withdraw)


def _address_hash(caller: Caller, query: AddressQuery) -> bytes | None:
    return hash_of(caller.workspace, query.email, query.phone) if query.email or query.phone else None


router = APIRouter()
include_routes(router, _suppressions, _consents)

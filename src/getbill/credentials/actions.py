"""Revoking a client, a key or a person, with what they created and nobody else uses, in one transaction."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from getbill import access, companies, sftp, webhooks
from getbill.access import Actor
from getbill.credentials import queries
from getbill.credentials.model import Created
from getbill.credentials.queries import Scope
from getbill.kit.database import Transaction
from getbill.kit.errors import Conflict
from getbill.kit.messages import message


class RevokedAlready(Conflict):
    """The credential is revoked, or the person deactivated, already."""

    code = "revoked-already"
    way_out = "Nothing is left to do; what it created is listed at `GET /credentials/{id}/created`."


@dataclass(frozen=True, slots=True)
class Revocation:
    """What goes with its creator, and what stays because another uses it."""

    goes: Sequence[Created]
    stays: Sequence[Created]


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to be revoked, whether with what only they used, and whether only to see what that would be."""

    subject: Actor
    with_created: bool = False
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class Revoked:
    """Who was revoked, and what was revoked with them or left; of a preview, what would be."""

    subject: Actor
    revoked: Sequence[Created]
    left: Sequence[Created]


async def preview(tx: Transaction, scope: Scope, subject: Actor, now: datetime) -> Revocation:
    """Return what a client, key or person created, parted by whether it would go with them; raise NotFound.

    What a client or key that goes too created is judged likewise.
    """
    await queries.is_revoked(tx, scope, subject)
    goes: list[Created] = []
    stays = await queries.created_by(tx, scope, subject)
    going = {subject}
    while chosen := [one for one in stays if _goes(one, going, now)]:
        goes += chosen
        stays = [one for one in stays if one not in chosen]
        creators = [one.actor for one in chosen if one.actor is not None]
        going.update(creators)
        for creator in creators:
            stays += await queries.created_by(tx, scope, creator)
    return Revocation(goes, stays)


def _goes(one: Created, going: AbstractSet[Actor], now: datetime) -> bool:
    return going >= set(one.others) and not one.is_used_for_itself(now)


async def revoke(tx: Transaction, scope: Scope, wish: Wish, now: datetime) -> Revoked:
    """Revoke a client, key or person, and where it is wished what only they used; raise NotFound or RevokedAlready.

    A revoked webhook is disabled: what it misses is kept for whoever enables it again. One that stays without its owner
    is sent ids only from then on. A preview changes nothing.
    """
    subject = wish.subject
    is_revoked = await queries.is_revoked(tx, scope, subject)
    if is_revoked and not wish.with_created and not wish.is_preview:
        raise RevokedAlready(message("{id} is revoked already.", id=subject.shown))
    found = await preview(tx, scope, subject, now)
    goes = found.goes if wish.with_created else ()
    left = found.stays if wish.with_created else [*found.goes, *found.stays]
    if not wish.is_preview:
        if not is_revoked:
            await _end(tx, subject, now)
        for one in goes:
            await _end_created(tx, one, now)
    return Revoked(subject, goes, left)


async def _end(tx: Transaction, subject: Actor, now: datetime) -> None:
    assert subject.id is not None  # noqa: S101 - the operator is not revoked
    if subject.kind == "client":
        await access.end_client(tx, subject.id, now)
    elif subject.kind == "key":
        await access.end_key(tx, subject.id, now)
    else:
        await companies.deactivate_user(tx, subject.id)


async def _end_created(tx: Transaction, one: Created, now: datetime) -> None:
    if one.kind == "client":
        await access.end_client(tx, one.id, now)
    elif one.kind == "key":
        await access.end_key(tx, one.id, now)
    elif one.kind == "sftp_login":
        await sftp.end_login(tx, one.workspace_id, one.id, now)
    else:
        await webhooks.disable(tx, one.workspace_id, one.id)

"""Revocation of a client, key or person with what they created and nothing else uses, in one transaction."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from getbill import access, companies, sftp, webhooks
from getbill.access import Actor
from getbill.credentials import queries
from getbill.credentials.model import CreatedCredential
from getbill.credentials.queries import Scope
from getbill.kit.database import Transaction
from getbill.kit.errors import Conflict
from getbill.kit.messages import message


class RevokedAlready(Conflict):
    """The credential is revoked already, or the person deactivated."""

    code = "revoked-already"
    way_out = "No action is required. `GET /credentials/{id}/created` lists the credentials that it created."


@dataclass(frozen=True, slots=True)
class Revocation:
    """The credentials revoked with their creator, and those kept because others use them."""

    revocable: Sequence[CreatedCredential]
    retained: Sequence[CreatedCredential]


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A request to revoke a subject, optionally with what only it used, or to preview that."""

    subject: Actor
    with_created: bool = False
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class RevocationResult:
    """The revoked subject, and what was revoked with it or kept; for a preview, what would be."""

    subject: Actor
    revoked: Sequence[CreatedCredential]
    retained: Sequence[CreatedCredential]


async def preview(tx: Transaction, scope: Scope, subject: Actor, now: datetime) -> Revocation:
    """Return a subject's created credentials, by whether they would be revoked with it; raise NotFound.

    The same applies to what was created by a client or key that is revoked with it.
    """
    await queries.is_revoked(tx, scope, subject)
    revocable: list[CreatedCredential] = []
    retained = await queries.created_by(tx, scope, subject)
    revoked_actors = {subject}
    while batch := [credential for credential in retained if _is_revocable(credential, revoked_actors, now)]:
        revocable += batch
        retained = [credential for credential in retained if credential not in batch]
        creators = [credential.actor for credential in batch if credential.actor is not None]
        revoked_actors.update(creators)
        for creator in creators:
            retained += await queries.created_by(tx, scope, creator)
    return Revocation(revocable, retained)


def _is_revocable(credential: CreatedCredential, revoked_actors: AbstractSet[Actor], now: datetime) -> bool:
    return revoked_actors >= set(credential.other_users) and not credential.is_used_for_itself(now)


async def revoke(
    tx: Transaction, scope: Scope, request: RevocationRequest, now: datetime
) -> RevocationResult:
    """Revoke a subject, optionally with what only it used; raise NotFound or RevokedAlready.

    A revoked webhook is disabled: its events are kept until it is enabled again. A webhook that is kept
    without its owner is sent ids only from then on. A preview changes nothing.
    """
    subject = request.subject
    is_revoked = await queries.is_revoked(tx, scope, subject)
    if is_revoked and not request.with_created and not request.is_preview:
        raise RevokedAlready(message("{id} is already revoked.", id=subject.public_id))
    revocation = await preview(tx, scope, subject, now)
    revocable = revocation.revocable if request.with_created else ()
    retained = revocation.retained if request.with_created else [*revocation.revocable, *revocation.retained]
    if not request.is_preview:
        if not is_revoked:
            await _revoke_subject(tx, subject, now)
        for credential in revocable:
            await _revoke_credential(tx, credential, now)
    return RevocationResult(subject, revocable, retained)


async def _revoke_subject(tx: Transaction, subject: Actor, now: datetime) -> None:
    assert subject.id is not None  # noqa: S101 - the operator is not revoked
    if subject.kind == "client":
        await access.end_client(tx, subject.id, now)
    elif subject.kind == "key":
        await access.end_key(tx, subject.id, now)
    else:
        await companies.deactivate_user(tx, subject.id)


async def _revoke_credential(tx: Transaction, credential: CreatedCredential, now: datetime) -> None:
    if credential.kind == "client":
        await access.end_client(tx, credential.id, now)
    elif credential.kind == "key":
        await access.end_key(tx, credential.id, now)
    elif credential.kind == "sftp_login":
        await sftp.end_login(tx, credential.workspace_id, credential.id, now)
    else:
        await webhooks.disable(tx, credential.workspace_id, credential.id)

"""Publication of template versions: validated first, then in force from the next message on."""

import asyncio

from getbill import channels
from getbill.channels import MessageFacts, RenderedMessage, Wording, WordingBroken
from getbill.companies import Workspace
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, one_field, refusal
from getbill.templates import queries
from getbill.templates.model import BUILT_IN, Edition

_INSERT = Statement(
    "templates.insert",
    "Publish an edition.",
    """
    INSERT INTO templates (workspace_id, name, language, version, subject, text, html, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)


async def publish(
    tx: Transaction, workspace: Workspace, name: str, language: str, wording: Wording
) -> Edition:
    """Publish a new version of a template; raise Invalid, with every fault, when it cannot be sent.

    Two concurrent publications collide on the version number, and the later one is retried.
    """
    await check_wording(wording, name, language)
    last = await queries.last_version(tx, workspace.id, name, language)
    edition = Edition(name, language, last + 1, wording, tx.now)
    values = (wording.subject, wording.text, wording.html, tx.now)
    await tx.execute(_INSERT, workspace.id, name, language, edition.version, *values)
    return edition


async def check_wording(wording: Wording, name: str, language: str) -> None:
    """Raise Invalid with every fault that prevents publication; the check yields to other requests."""
    faults = await asyncio.to_thread(channels.faults, wording, name, language)
    errors = [FieldError(f"/{fault.part}", fault.code, fault.detail) for fault in faults]
    if errors:
        raise refusal(errors)


async def preview(edition: Edition, facts: MessageFacts) -> RenderedMessage:
    """Return the message of an edition; raise Invalid where it cannot be sent.

    A version published before a check existed may fail it. The built-in ones can always be sent.
    """
    key = edition.name, edition.language
    if edition.version != BUILT_IN:
        await check_wording(edition.wording, *key)
    try:
        return channels.render_wording(edition.wording, *key, facts)
    except WordingBroken as error:
        raise one_field("/text", "not-rendered", error.detail) from error

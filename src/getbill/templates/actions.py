"""Publication of template versions: validated first, then in force from the next message on."""

import asyncio
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict
from datetime import date

from getbill import channels, companies
from getbill.channels import ContentCheck, Fault, MessageFacts, RenderedMessage, Wording, WordingBroken
from getbill.companies import Workspace
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import FieldError, one_field, refusal
from getbill.kit.messages import excerpt, message
from getbill.templates import queries, wording_rules
from getbill.templates.model import BUILT_IN, Confirmation, Edition
from getbill.templates.wording_rules import Effect

_INSERT = Statement(
    "templates.insert_edition",
    "Insert an edition of a template.",
    """
    INSERT INTO templates (workspace_id, name, language, version, subject, text, html, created_at, confirmations)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
    """,
)


async def publish(
    tx: Transaction,
    workspace: Workspace,
    name: str,
    language: str,
    wording: Wording,
    confirmations: Sequence[Confirmation] = (),
) -> Edition:
    """Publish a new version of a template; raise Invalid, with every fault, when it cannot be sent.

    Two concurrent publications collide on the version number, and the later one is retried.
    """
    await check_confirmations(tx, workspace, language, confirmations)
    await check_wording(wording, name, language, tx.now.date(), confirmations)
    last = await queries.last_version(tx, workspace.id, name, language)
    edition = Edition(name, language, last + 1, wording, tx.now, tuple(confirmations))
    values = (wording.subject, wording.text, wording.html, tx.now)
    confirmed = json.write([asdict(confirmation) for confirmation in confirmations]).decode()
    await tx.execute(_INSERT, workspace.id, name, language, edition.version, *values, confirmed)
    return edition


async def check_confirmations(
    tx: Transaction, workspace: Workspace, language: str, confirmations: Sequence[Confirmation]
) -> None:
    """Raise Invalid for a confirmation of an unknown rule, of one that refuses, or by no administrator."""
    if not confirmations:
        return
    rules = {rule.id: rule for rule in wording_rules.rules_for(language)}
    admins = {admin.email.lower() for admin in await companies.admins(tx, workspace.company.id)}
    errors = []
    for position, confirmation in enumerate(confirmations):
        pointer = f"/confirmations/{position}"
        rule = rules.get(confirmation.rule)
        if rule is None:
            detail = message("There is no rule '{rule}' in this language.", rule=excerpt(confirmation.rule))
            errors.append(FieldError(f"{pointer}/rule", "unknown", detail))
        elif rule.effect is Effect.REFUSE:
            detail = message("The rule {rule} cannot be confirmed: remove the words.", rule=rule.id)
            errors.append(FieldError(f"{pointer}/rule", "cannot-be-confirmed", detail))
        if confirmation.confirmed_by.lower() not in admins:
            detail = message("Only an administrator of the company can confirm a wording; send their e-mail.")
            errors.append(FieldError(f"{pointer}/confirmed_by", "not-an-administrator", detail))
    if errors:
        raise refusal(errors)


async def check_wording(
    wording: Wording, name: str, language: str, on: date, confirmations: Sequence[Confirmation] = ()
) -> None:
    """Raise Invalid with every fault that prevents publication; the check yields to other requests."""
    check = _content_check(language, on, {confirmation.rule for confirmation in confirmations})
    faults = await asyncio.to_thread(channels.faults, wording, name, language, check)
    errors = [FieldError(f"/{fault.part}", fault.code, fault.detail) for fault in faults]
    if errors:
        raise refusal(errors)


def _content_check(language: str, on: date, confirmed_rules: Container[str]) -> ContentCheck:
    """Return the check of a rendered part by the wording rules; a text that comes again is not read again."""
    checked_texts: set[tuple[str, str]] = set()

    def check(part: str, text: str, is_html: bool) -> Iterator[Fault]:
        if (part, text) in checked_texts:
            return
        checked_texts.add((part, text))
        for breach in wording_rules.find_breaches(text, language, on, is_html=is_html):
            if breach.rule.id not in confirmed_rules:
                yield Fault(part, breach.code, breach.detail)

    return check


async def preview(edition: Edition, facts: MessageFacts) -> RenderedMessage:
    """Return the message of an edition; raise Invalid where it cannot be sent.

    A version published before a check existed may fail it. The built-in ones can always be sent.
    """
    key = edition.name, edition.language
    if edition.version != BUILT_IN:
        await check_wording(edition.wording, *key, facts.sent_on, edition.confirmations)
    try:
        return channels.render_wording(edition.wording, *key, facts)
    except WordingBroken as error:
        raise one_field("/text", "not-rendered", error.detail) from error

"""Creation, update and deletion of creditors."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg

from getbill import companies, vault
from getbill.companies import Workspace
from getbill.creditors.model import Creditor, CreditorProfile, Mandate, hash_name, seal
from getbill.creditors.queries import PREFIX, find_chosen, lock_creditor
from getbill.kit import ids
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import Conflict
from getbill.kit.messages import excerpt, message

_INSERT = Statement(
    "creditors.insert_creditor",
    "Insert a creditor; fails if another transaction inserted the name.",
    """
    INSERT INTO creditors (workspace_id, id, profile, name_hash, mandate_signed_on, mandate_receives, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
    """,
)
_UPDATE = Statement(
    "creditors.update_creditor",
    "Update a locked creditor.",
    """
    UPDATE creditors SET profile = $3, name_hash = $4, mandate_signed_on = $5, mandate_receives = $6, has_logo = $7,
        version = version + 1, updated_at = $8
    WHERE workspace_id = $1 AND id = $2
    """,
)
_SET_LOGO = Statement(
    "creditors.set_logo",
    "Set the logo of a creditor.",
    """
    INSERT INTO creditor_logos (workspace_id, creditor_id, media_type, image) VALUES ($1, $2, $3, $4)
    ON CONFLICT (workspace_id, creditor_id) DO UPDATE SET media_type = excluded.media_type, image = excluded.image
    """,
)
_DELETE_LOGO = Statement(
    "creditors.delete_logo",
    "Delete the logo of a creditor.",
    "DELETE FROM creditor_logos WHERE workspace_id = $1 AND creditor_id = $2",
)
_DELETE = Statement(
    "creditors.delete_creditor",
    "Delete a creditor; fails while a debt names it.",
    "DELETE FROM creditors WHERE workspace_id = $1 AND id = $2",
)


class CreditorExists(Conflict):
    """The workspace already has a creditor with this name."""

    code = "creditor-exists"
    title = message("A creditor with this name already exists")
    way_out = "Change the creditor in `id` with PUT, or send another name."

    def __init__(self, existing: Creditor) -> None:
        public_id = ids.show(PREFIX, existing.id)
        super().__init__(
            message(
                "The name '{name}' belongs to {creditor}. Case, accents and spaces make no difference.",
                name=excerpt(existing.name),
                creditor=public_id,
            ),
            extra={"id": public_id},
        )


class CreditorHasDebts(Conflict):
    """Debts name the creditor."""

    code = "creditor-has-debts"
    title = message("The creditor still has debts")
    way_out = (
        "Assign its debts to another creditor with PUT /debts/{id}, or erase them;"
        " GET /debts/by-creditor/{id} lists them."
    )


@dataclass(frozen=True, slots=True)
class CreditorChange:
    """The requested changes of a creditor: only named fields change; None clears one that may be empty.

    A logo is the image, or None to remove it.
    """

    profile: Mapping[str, str | None] = field(default_factory=dict)
    mandate: Mapping[str, Any] = field(default_factory=dict)
    logo: Mapping[str, bytes | None] = field(default_factory=dict)


def insert_named(tx: Transaction, workspace: Workspace, name: str) -> Creditor:
    """Create a creditor of whom only the name is known; it must be free."""
    return _insert(tx, workspace, CreditorProfile(name), Mandate())


async def create(tx: Transaction, workspace: Workspace, change: CreditorChange) -> Creditor:
    """Create a creditor; raise CreditorExists if its name is taken."""
    profile = CreditorProfile(**change.profile)  # type: ignore[arg-type]  # a new creditor's name is required
    await _refuse_taken_name(tx, workspace, profile.name)
    creditor = _insert(tx, workspace, profile, Mandate(**change.mandate))
    if change.logo.get("logo") is None:
        return creditor
    # The logo refers to the creditor's row.
    await tx.send()
    return await update(tx, workspace, creditor, CreditorChange(logo=change.logo))


def _insert(tx: Transaction, workspace: Workspace, profile: CreditorProfile, mandate: Mandate) -> Creditor:
    creditor_id = ids.new()
    key = vault.make_key(tx, workspace.vault, workspace.id, creditor_id)
    sealed = seal(profile, key, workspace.id, creditor_id)
    name_hash = hash_name(workspace.lookup, profile.name)
    values = sealed, name_hash, mandate.signed_on, mandate.power_to_receive, tx.now
    tx.defer(_INSERT, workspace.id, creditor_id, *values)
    return Creditor(
        id=creditor_id,
        workspace_id=workspace.id,
        profile=profile,
        key=key,
        mandate=mandate,
        has_logo=False,
        version=1,
        created_at=tx.now,
        updated_at=tx.now,
    )


async def update(tx: Transaction, workspace: Workspace, before: Creditor, change: CreditorChange) -> Creditor:
    """Change a locked creditor and return it; raise CreditorExists for the name of another one."""
    profile = replace(before.profile, **change.profile)  # type: ignore[arg-type]  # the keys are its fields
    await _refuse_taken_name(tx, workspace, profile.name, before.id)
    mandate = replace(before.mandate, **change.mandate)
    has_logo = await _change_logo(tx, before, change.logo) if change.logo else before.has_logo
    if (profile, mandate) == (before.profile, before.mandate) and not change.logo:
        return before
    after = replace(
        before,
        profile=profile,
        mandate=mandate,
        has_logo=has_logo,
        version=before.version + 1,
        updated_at=tx.now,
    )
    sealed = seal(profile, before.key, workspace.id, before.id)
    name_hash = hash_name(workspace.lookup, profile.name)
    values = sealed, name_hash, mandate.signed_on, mandate.power_to_receive, has_logo, tx.now
    await tx.execute(_UPDATE, workspace.id, before.id, *values)
    if profile.iban != before.profile.iban:
        await companies.request_replan(tx, workspace.id)
    return after


async def _refuse_taken_name(
    tx: Transaction, workspace: Workspace, name: str, own_id: UUID | None = None
) -> None:
    named = await find_chosen(tx, workspace, [hash_name(workspace.lookup, name)], ())
    for existing in named.values():
        if existing.id != own_id:
            raise CreditorExists(existing)


async def _change_logo(tx: Transaction, creditor: Creditor, change: Mapping[str, bytes | None]) -> bool:
    """Store or remove the logo; return whether the creditor has one now."""
    image = change["logo"]
    if image is None:
        await tx.execute(_DELETE_LOGO, creditor.workspace_id, creditor.id)
        return False
    logo = companies.check_logo(image)
    await tx.execute(_SET_LOGO, creditor.workspace_id, creditor.id, logo.media_type, logo.image)
    return True


async def delete(tx: Transaction, workspace: Workspace, creditor_id: UUID) -> Creditor:
    """Delete a creditor for good, with its key, and return it; raise CreditorHasDebts while a debt names it."""
    creditor = await lock_creditor(tx, workspace, creditor_id)
    try:
        await tx.execute(_DELETE, workspace.id, creditor.id)
    except asyncpg.ForeignKeyViolationError:
        raise CreditorHasDebts(
            message("Debts name the creditor {creditor}.", creditor=ids.show(PREFIX, creditor.id))
        ) from None
    await vault.drop_key(tx, workspace.id, creditor.id)
    return creditor

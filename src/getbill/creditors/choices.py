"""The creditor that a debt names: by id, by name, or neither, which means the company itself."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from getbill.companies import Workspace
from getbill.creditors.actions import insert_named
from getbill.creditors.model import Creditor, hash_name, normalise_name
from getbill.creditors.queries import PREFIX, find_chosen
from getbill.kit import ids
from getbill.kit.database import Database, Transaction
from getbill.kit.errors import FieldError, refusal
from getbill.kit.messages import excerpt, message


@dataclass(frozen=True, slots=True)
class CreditorChoice:
    """The creditor of a debt as a body names it; a name beside an id has to be that creditor's."""

    id: UUID | None = None
    name: str | None = None

    def is_other_than(self, workspace: Workspace) -> bool:
        """Return whether another creditor than the company itself is named."""
        if self.id is not None or self.name is None:
            return self.id is not None
        return normalise_name(self.name) != normalise_name(workspace.company.name)

    def is_of(self, creditor: Creditor | None, written_name: str | None) -> bool:
        """Return whether a debt with this creditor, or with this name and none, has the chosen one."""
        if creditor is None:
            return self.id is None and self.name == written_name
        if self.id is not None:
            return self.id == creditor.id
        return self.name is not None and normalise_name(self.name) == normalise_name(creditor.name)


async def resolve_choices(
    tx: Transaction, workspace: Workspace, choices: Collection[CreditorChoice]
) -> dict[CreditorChoice, Creditor | None]:
    """Return the creditor of each choice, created where its name is new; None for the company itself.

    One statement finds all that exist, and none runs if every choice is the company. Raises Invalid for an
    unknown id, and for a name beside the id of another creditor. Names are unique: of two concurrent changes
    that create the same creditor, the loser fails and must retry.
    """
    others = [choice for choice in choices if choice.is_other_than(workspace)]
    creditors: dict[CreditorChoice, Creditor | None] = dict.fromkeys(choices)
    if not others:
        return creditors
    loaded = await _load(tx, workspace, others)
    errors = [error for choice in others if (error := loaded.error_of(choice)) is not None]
    if errors:
        raise refusal(errors)
    for choice in others:
        creditors[choice] = loaded.creditor_of(choice) or loaded.add(choice, tx)
    return creditors


async def find_choice(database: Database, workspace: Workspace, choice: CreditorChoice) -> Creditor | None:
    """Return the creditor of a choice, if it exists and is not the company itself."""
    if not choice.is_other_than(workspace):
        return None
    return (await _load(database, workspace, [choice])).creditor_of(choice)


async def choice_errors(
    connection: Database | Transaction, workspace: Workspace, choices: Collection[CreditorChoice]
) -> dict[CreditorChoice, FieldError]:
    """Return the error of each choice that names no creditor, or two."""
    by_id = [choice for choice in choices if choice.id is not None]
    if not by_id:
        return {}
    loaded = await _load(connection, workspace, by_id)
    return {choice: error for choice in by_id if (error := loaded.error_of(choice)) is not None}


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The existing creditors that some choices name."""

    workspace: Workspace
    by_id: dict[UUID, Creditor]
    by_hash: dict[bytes, Creditor]

    def creditor_of(self, choice: CreditorChoice) -> Creditor | None:
        if choice.id is not None:
            return self.by_id.get(choice.id)
        return self.by_hash.get(hash_name(self.workspace.lookup, choice.name or ""))

    def add(self, choice: CreditorChoice, tx: Transaction) -> Creditor:
        creditor = insert_named(tx, self.workspace, choice.name or "")
        self.by_hash[hash_name(self.workspace.lookup, creditor.name)] = creditor
        return creditor

    def error_of(self, choice: CreditorChoice) -> FieldError | None:
        creditor = self.creditor_of(choice)
        if creditor is None:
            return None if choice.id is None else unknown_creditor(ids.show(PREFIX, choice.id))
        if choice.name is None or normalise_name(choice.name) == normalise_name(creditor.name):
            return None
        return FieldError(
            "/company",
            "disagrees",
            message(
                "company is '{name}', but creditor_id names the creditor '{creditor}'. Send only one of the two.",
                name=excerpt(choice.name),
                creditor=excerpt(creditor.name),
            ),
        )


def unknown_creditor(text: str) -> FieldError:
    """Return the error of a `creditor_id` that names no creditor of the workspace."""
    detail = message("There is no creditor {creditor}.", creditor=excerpt(text))
    return FieldError("/creditor_id", "unknown", detail)


async def _load(
    connection: Database | Transaction, workspace: Workspace, choices: Collection[CreditorChoice]
) -> _Loaded:
    hashes = {hash_name(workspace.lookup, choice.name) for choice in choices if choice.name is not None}
    creditor_ids = {choice.id for choice in choices if choice.id is not None}
    by_hash = await find_chosen(connection, workspace, hashes, creditor_ids)
    return _Loaded(workspace, {creditor.id: creditor for creditor in by_hash.values()}, by_hash)

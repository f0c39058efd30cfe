"""Queries for templates: editions in force, earlier editions, and names."""

from uuid import UUID

from asyncpg import Record

from getbill import channels
from getbill.channels import Channel, TemplateUnknown, Wording
from getbill.kit import json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message
from getbill.templates.model import BUILT_IN, Confirmation, Edition, TemplateSet, built_in

_IN_FORCE = Statement(
    "templates.list_in_force",
    "Last editions of a workspace's own templates, in each language.",
    """
    SELECT DISTINCT ON (name, language) * FROM templates WHERE workspace_id = $1
    ORDER BY name, language, version DESC
    """,
)
_EDITIONS = Statement(
    "templates.list_editions",
    "Editions of a template in a language, newest first.",
    """
    SELECT * FROM templates WHERE workspace_id = $1 AND name = $2 AND language = $3
    ORDER BY version DESC LIMIT $4 OFFSET $5
    """,
)
_COUNT = Statement(
    "templates.count_editions",
    "Number of editions of a template in a language.",
    "SELECT count(*) FROM templates WHERE workspace_id = $1 AND name = $2 AND language = $3",
)
_FIND = Statement(
    "templates.find_edition",
    "Edition of a template, the last one if no version is named.",
    """
    SELECT * FROM templates WHERE workspace_id = $1 AND name = $2 AND language = $3
      AND ($4::integer IS NULL OR version = $4)
    ORDER BY version DESC LIMIT 1
    """,
)
_LAST = Statement(
    "templates.find_last_version",
    "Last version of a template in a language.",
    "SELECT coalesce(max(version), 0) FROM templates WHERE workspace_id = $1 AND name = $2 AND language = $3",
)


def _edition(row: Record) -> Edition:
    wording = Wording(row["subject"], row["text"], row["html"])
    confirmations = tuple(Confirmation(**fields) for fields in json.read(row["confirmations"].encode()))
    return Edition(row["name"], row["language"], row["version"], wording, row["created_at"], confirmations)


async def in_force(tx: Transaction, workspace_id: UUID) -> TemplateSet:
    """Return a workspace's own editions in force."""
    editions = [_edition(row) for row in await tx.fetch(_IN_FORCE, workspace_id)]
    return TemplateSet({(edition.name, edition.language): edition for edition in editions})


async def current_editions(database: Database | Transaction, workspace_id: UUID) -> list[Edition]:
    """Return the editions in force for every name and language, the workspace's own or built-in."""
    own_editions = {
        (row["name"], row["language"]): _edition(row) for row in await database.fetch(_IN_FORCE, workspace_id)
    }
    built_in_keys = [
        (name, language) for name in channels.built_in_names() for language in channels.LANGUAGES
    ]
    keys = sorted({*own_editions, *built_in_keys})
    return [own_editions.get(key) or built_in(*key) for key in keys]


async def names(database: Database | Transaction, workspace_id: UUID) -> dict[str, Channel]:
    """Return the templates that a workspace's scenarios may use, with their channels."""
    return {edition.name: edition.channel for edition in await current_editions(database, workspace_id)}


async def find(
    database: Database, workspace_id: UUID, name: str, language: str, version: int | None = None
) -> Edition:
    """Return an edition, by default the one in force; raise NotFound where there is none."""
    if version != BUILT_IN:
        row = await database.fetchrow(_FIND, workspace_id, name, language, version)
        if row is not None:
            return _edition(row)
    if version in {None, BUILT_IN}:
        try:
            return built_in(name, language)
        except TemplateUnknown:
            pass
    facts = {"name": excerpt(name), "language": excerpt(language)}
    if version is None:
        raise NotFound(message("There is no template '{name}' in '{language}'.", **facts))
    raise NotFound(
        message(
            "There is no version {version} of the template '{name}' in '{language}'.",
            version=version,
            **facts,
        )
    )


async def editions(
    database: Database, workspace_id: UUID, key: tuple[str, str], limit: int, offset: int
) -> tuple[list[Edition], int]:
    """Return a page of a workspace's own editions of a template in a language, and their total."""
    rows = await database.fetch(_EDITIONS, workspace_id, *key, limit, offset)
    return [_edition(row) for row in rows], int(await database.fetchval(_COUNT, workspace_id, *key))


async def last_version(tx: Transaction, workspace_id: UUID, name: str, language: str) -> int:
    """Return the last version of a template in a language, 0 when there is none."""
    return int(await tx.fetchval(_LAST, workspace_id, name, language))

"""A company's logo in the header of its e-mails, attached to each and never fetched remotely."""

from dataclasses import dataclass
from uuid import UUID

from getbill.companies.queries import workspaces_of
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import one_field
from getbill.kit.messages import message

BYTES_MAX = 200_000
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

_SET = Statement(
    "companies.set_logo",
    "Set the logo of a company in one of its workspaces.",
    """
    INSERT INTO company_logos (workspace_id, media_type, image) VALUES ($1, $2, $3)
    ON CONFLICT (workspace_id) DO UPDATE SET media_type = excluded.media_type, image = excluded.image
    """,
)
_FIND = Statement(
    "companies.find_logo",
    "Logo of a workspace's company.",
    "SELECT media_type, image FROM company_logos WHERE workspace_id = $1",
)


@dataclass(frozen=True, slots=True)
class Logo:
    """An image and its media type."""

    media_type: str
    image: bytes


def check_logo(image: bytes) -> Logo:
    """Return a logo; raise Invalid unless it is a PNG or JPEG, small enough for every e-mail."""
    media_type = next((kind for start, kind in _KINDS.items() if image.startswith(start)), None)
    if media_type is None:
        raise one_field("/logo", "unknown-picture", message("A logo must be a PNG or JPEG image."))
    if len(image) > BYTES_MAX:
        raise one_field(
            "/logo",
            "too-large",
            message("A logo is part of every e-mail and may have at most {most} bytes.", most=BYTES_MAX),
        )
    return Logo(media_type, image)


async def set_logo(database: Database, company_id: UUID, image: bytes) -> Logo:
    """Store a company's logo; raise Invalid as `check_logo` does."""
    new_logo = check_logo(image)
    async with database.transaction(clock.wall()) as tx:
        for workspace_id, _, _ in await workspaces_of(database, company_id):
            await tx.execute(_SET, workspace_id, new_logo.media_type, new_logo.image)
    return new_logo


async def logo(tx: Transaction, workspace_id: UUID) -> Logo | None:
    """Return the logo of a workspace's company, or None."""
    row = await tx.fetchrow(_FIND, workspace_id)
    return Logo(row["media_type"], row["image"]) if row else None

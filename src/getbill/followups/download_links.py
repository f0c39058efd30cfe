"""Download links to a followup's letter: valid for an hour, without a credential.

A link is a sealed token that only this installation can write or read; it holds the followup and the expiry.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from getbill.channels import Letter
from getbill.companies import Workspace
from getbill.followups.model import Followup
from getbill.kit.errors import NotFound
from getbill.kit.messages import message
from getbill.vault import SealBroken, Vault

LIFE = timedelta(hours=1)
_SEAL_CONTEXT = b"followup-link"


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A URL and its expiry in wall time."""

    url: str
    expires_at: datetime


def create_link(
    followup: Followup, workspace: Workspace, base_url: str, wall: datetime
) -> DownloadLink | None:
    """Return the link to a followup's letter; None unless GetBill wrote it."""
    if followup.channel != "letter" or followup.content.text is None:
        return None
    expires_at = (wall + LIFE).replace(microsecond=0)
    payload = workspace.id.bytes + followup.id.bytes + int(expires_at.timestamp()).to_bytes(8)
    token = urlsafe_b64encode(workspace.vault.seal(payload, _SEAL_CONTEXT)).rstrip(b"=").decode()
    return DownloadLink(f"{base_url}/media/{token}", expires_at)


def read(token: str, vault: Vault, wall: datetime) -> tuple[UUID, UUID]:
    """Return the workspace and the followup of a link; raise NotFound if it is invalid or expired."""
    try:
        payload = vault.open(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _SEAL_CONTEXT)
    except (SealBroken, Error, ValueError):
        raise NotFound(message("This link leads to no document.")) from None
    if wall.timestamp() >= int.from_bytes(payload[32:]):
        raise NotFound(message("The link was valid for one hour. Read the followup again to get a new one."))
    return UUID(bytes=payload[:16]), UUID(bytes=payload[16:32])


def letter_of(followup: Followup) -> Letter:
    """Return a followup's letter as printed; raise NotFound unless GetBill wrote it."""
    content = followup.content
    if followup.channel != "letter" or content.text is None or content.address is None:
        raise NotFound(message("This link leads to no document."))
    return Letter(
        letterhead=tuple(content.letterhead or content.text.split("\n\n", 1)[0].split("\n")),
        address=content.address,
        text=content.text,
        language=content.language or "fr",
        subject=content.subject or "",
        written_at=followup.sent_at or followup.created_at,
        imprint=content.imprint,
    )

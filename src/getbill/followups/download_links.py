"""Links to what a followup left: good for an hour, for whoever holds them, without a credential.

A link is a sealed text that only this installation can write or read; it says of which followup and until when.
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
    """Where something is to be had, and until when by the wall's clock."""

    url: str
    expires_at: datetime


def create_link(
    followup: Followup, workspace: Workspace, base_url: str, wall: datetime
) -> DownloadLink | None:
    """Return the link to a followup's letter; None when it is no letter that was written here."""
    if followup.channel != "letter" or followup.content.text is None:
        return None
    expires_at = (wall + LIFE).replace(microsecond=0)
    payload = workspace.id.bytes + followup.id.bytes + int(expires_at.timestamp()).to_bytes(8)
    token = urlsafe_b64encode(workspace.vault.seal(payload, _SEAL_CONTEXT)).rstrip(b"=").decode()
    return DownloadLink(f"{base_url}/media/{token}", expires_at)


def read(token: str, vault: Vault, wall: datetime) -> tuple[UUID, UUID]:
    """Return the workspace and the followup of a link; raise NotFound when it is none, or not good any more."""
    try:
        payload = vault.open(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _SEAL_CONTEXT)
    except (SealBroken, Error, ValueError):
        raise NotFound(message("There is nothing behind this link.")) from None
    if wall.timestamp() >= int.from_bytes(payload[32:]):
        raise NotFound(message("The link was good for an hour. Read the followup again for a new one."))
    return UUID(bytes=payload[:16]), UUID(bytes=payload[16:32])


def letter_of(followup: Followup) -> Letter:
    """Return a followup's letter, as it was printed; raise NotFound when it is none that was written here."""
    content = followup.content
    if followup.channel != "letter" or content.text is None or content.address is None:
        raise NotFound(message("There is nothing behind this link."))
    return Letter(
        letterhead=tuple(content.letterhead or content.text.split("\n\n", 1)[0].split("\n")),
        address=content.address,
        text=content.text,
        language=content.language or "fr",
        subject=content.subject or "",
        written_at=followup.sent_at or followup.created_at,
        imprint=content.imprint,
    )

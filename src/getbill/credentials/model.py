"""A created credential, and whether it is revoked with its creator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from getbill.access import Actor
from getbill.kit import ids
from getbill.kit.errors import NotFound
from getbill.kit.messages import excerpt, message

Kind = Literal["client", "key", "sftp_login", "webhook"]

PREFIXES: Final[dict[Kind, str]] = {"client": "client", "key": "key", "sftp_login": "sftp", "webhook": "we"}
# A credential used within this time is in use; it equals the default retention of the access log.
IN_USE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class CreatedCredential:
    """An active credential, with its creator and its other users."""

    kind: Kind
    workspace_id: UUID
    id: UUID
    name: str
    created_at: datetime
    creator: Actor
    # For a client or key its last request, for an SFTP login its last session; for a webhook, None.
    used_at: datetime | None
    # Other credentials and people, not revoked, that changed, rotated or own it.
    other_users: tuple[Actor, ...]

    @property
    def public_id(self) -> str:
        """Its external id."""
        return ids.show(PREFIXES[self.kind], self.id)

    @property
    def actor(self) -> Actor | None:
        """Its actor, if it can create credentials itself."""
        return Actor(self.kind, self.id) if self.kind in {"client", "key"} else None

    def is_used_for_itself(self, now: datetime) -> bool:
        """Return whether a program uses a credential that a person created."""
        is_for_a_program = self.creator.kind in {"user", "operator"}
        return is_for_a_program and self.used_at is not None and self.used_at > now - IN_USE

    def used_by(self, now: datetime) -> list[str]:
        """Return the external ids of its other users; its own too if a person created it for a program."""
        own_ids = [self.public_id] if self.is_used_for_itself(now) else []
        return [other_user.public_id for other_user in self.other_users] + own_ids


def subject_of(public_id: str) -> Actor:
    """Return the client, key or member of staff of an external id; raise NotFound for any other."""
    kinds: tuple[Literal["client", "key", "user"], ...] = ("client", "key", "user")
    for kind in kinds:
        if public_id.startswith(f"{kind}_"):
            return Actor(kind, ids.read(kind, public_id))
    raise NotFound(message("There is no client, key or user {id}.", id=excerpt(public_id)))

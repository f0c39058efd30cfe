"""What a credential or a person created, and whether it goes with its creator."""

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
# What was used within so long is in use; it is as long as the access log is kept by default.
IN_USE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class CreatedCredential:
    """Something that is not revoked, by who created it and who else has handled it since."""

    kind: Kind
    workspace_id: UUID
    id: UUID
    name: str
    created_at: datetime
    creator: Actor
    # Of a client or key its last request, of an SFTP login its last session; of a webhook, none.
    used_at: datetime | None
    # Other credentials and people, not revoked, that changed, rotated or own it.
    other_users: tuple[Actor, ...]

    @property
    def public_id(self) -> str:
        """Its id as callers know it."""
        return ids.show(PREFIXES[self.kind], self.id)

    @property
    def actor(self) -> Actor | None:
        """Who it is where it creates things itself."""
        return Actor(self.kind, self.id) if self.kind in {"client", "key"} else None

    def is_used_for_itself(self, now: datetime) -> bool:
        """Return whether a program of its own uses what a person created."""
        is_for_a_program = self.creator.kind in {"user", "operator"}
        return is_for_a_program and self.used_at is not None and self.used_at > now - IN_USE

    def used_by(self, now: datetime) -> list[str]:
        """Return who else uses it, as callers know them; it is itself among them where a person created it."""
        own_ids = [self.public_id] if self.is_used_for_itself(now) else []
        return [other_user.public_id for other_user in self.other_users] + own_ids


def subject_of(public_id: str) -> Actor:
    """Return the client, key or member of staff of an id; raise NotFound for any other."""
    kinds: tuple[Literal["client", "key", "user"], ...] = ("client", "key", "user")
    for kind in kinds:
        if public_id.startswith(f"{kind}_"):
            return Actor(kind, ids.read(kind, public_id))
    raise NotFound(message("There is no client, key or user {id}.", id=excerpt(public_id)))

"""The authentication context: what a process needs to authenticate requests, opened once at its start."""

import asyncio
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from getbill.access import oauth, requests
from getbill.access.authentication import Authenticator
from getbill.access.cache_invalidation import CHANNEL
from getbill.access.limits import AddressLimits, RateLimits
from getbill.access.model import AccessSettings, Policy
from getbill.access.oauth import Endpoints, SigningKeys
from getbill.access.requests import AccessLog
from getbill.kit.database import RETENTION_DAYS, Database, Listener
from getbill.vault import Vault

# Few enough that guesses leave database connections to known clients.
CROWD_AT_ONCE = 2


class AuthContext:
    """A process's authentication state; the application keeps it as `app.state.auth`."""

    def __init__(self, database: Database, vault: Vault, policy: Policy) -> None:
        self.database = database
        self.vault = vault
        self.policy = policy
        self.signing = SigningKeys(database, vault)
        self.authenticator = Authenticator(database, vault, self.signing, policy)
        self.endpoints = Endpoints(database, self.signing, policy.base_url)
        self.limits = RateLimits(database)
        self.addresses = AddressLimits(policy.anonymous_per_minute)
        # Queue for requests from addresses with too many wrong guesses.
        self.crowd_semaphore = asyncio.Semaphore(CROWD_AT_ONCE)
        self.log = AccessLog(database)
        self.listener: Listener | None = None

    def start(self, dsn: str) -> None:
        """Start listening for revocations and writing the access log."""
        self.listener = Listener(dsn, {CHANNEL: self.authenticator.on_notification})
        self.authenticator.listen(self.listener)
        self.log.start()

    def invalidate(self, subject_id: UUID) -> None:
        """Drop at once in this process what `access.invalidate` notifies to all; call it after the commit."""
        self.authenticator.invalidate(subject_id)

    async def close(self) -> None:
        """Stop listening, release the leases, and write the rest of the access log."""
        if self.listener is not None:
            await self.listener.close()
        await self.limits.close()
        await self.log.close()


def open_auth_context(database: Database, vault: Vault, settings: AccessSettings) -> AuthContext:
    """Open the authentication context of an API process."""
    auth = AuthContext(database, vault, Policy.from_settings(settings))
    auth.start(settings.dsn)
    return auth


def auth_context_of(request: Request) -> AuthContext:
    """Return the authentication context of the application that handles this request."""
    auth: AuthContext = request.app.state.auth
    return auth


async def prepare(database: Database, vault: Vault, now: datetime, log_days: int = RETENTION_DAYS) -> None:
    """Create what requests need: the partitions of their log, and a signing key."""
    await requests.keep_partitions(database, now, log_days)
    await SigningKeys(database, vault).signer(now)


async def run_maintenance(
    database: Database, vault: Vault, now: datetime, log_days: int = RETENTION_DAYS
) -> None:
    """Do the daily maintenance: create partitions and a signing key, delete expired rows."""
    await prepare(database, vault, now, log_days)
    await oauth.prune_signing_keys(database, now)
    await oauth.prune_tokens(database, now)
    await requests.prune_answers(database, now)

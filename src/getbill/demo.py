"""The demo company of a first start: somebody to log in as, a sandbox key, and a client for the live workspace.

Making it may be repeated: a company that a killed first start left half-made is finished with new credentials.
"""

import secrets
from typing import TypedDict

from getbill.settings import Settings

EMAIL = "admin@demo.example"


class Credentials(TypedDict):
    """What `first-run.json` holds."""

    base_url: str
    dashboard_email: str
    dashboard_password: str
    sandbox_api_key: str
    client_id: str
    client_secret: str


async def found(settings: Settings) -> Credentials:
    """Make the demo company, or finish it, and return fresh credentials for it."""
    return Credentials(
        base_url=settings.url,
        dashboard_email=EMAIL,
        dashboard_password=secrets.token_urlsafe(12),
        sandbox_api_key=secrets.token_urlsafe(24),
        client_id=secrets.token_urlsafe(12),
        client_secret=secrets.token_urlsafe(24),
    )

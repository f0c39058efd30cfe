"""The gate: everything a process needs to let a request in, made once at start."""

from dataclasses import dataclass, field

from starlette.requests import Request

from getbill.access.model import Policy
from getbill.kit.db import Database
from getbill.vault import Vault


@dataclass(slots=True)
class Gate:
    """A process's view of who may call; the application keeps it as `app.state.gate`."""

    database: Database
    vault: Vault
    policy: Policy = field(default_factory=Policy)


def gate_of(request: Request) -> Gate:
    """Return the gate of the application that answers this request."""
    gate: Gate = request.app.state.gate
    return gate

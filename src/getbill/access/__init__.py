"""Access: who may call, in which workspace, what for, and how often.

A call comes with an OAuth access token of a client, or in a sandbox with a static key. The gate turns it into a
`Caller`; routes take one by scope (`requires`), changes take a `Change` that commits once at its edge.
"""

from getbill.access.api import router
from getbill.access.cache_invalidation import forget, forget_all
from getbill.access.context import Gate, gate_of, open_gate, upkeep
from getbill.access.credential_uses import holding, note_use
from getbill.access.dependencies import Change, Changes, Reply, Requires, caller_now, change, requires
from getbill.access.keys import ApiKey, NewKey, create_key, end_key, keys, revoke_key
from getbill.access.middleware import Middleware
from getbill.access.model import (
    ADMINISTRATIVE,
    GRANTS,
    OPERATOR,
    SCOPES,
    USUAL_SCOPES,
    Actor,
    ActorKind,
    Caller,
    Policy,
)
from getbill.access.oauth.clients import Client, NewClient, clients, create_client, end_client, revoke_client
from getbill.access.oauth.signing_keys import rotate as rotate_signing_key
from getbill.access.requests.client_address import bucket as address_bucket
from getbill.access.requests.client_address import is_within
from getbill.access.requests.idempotency import forget_answers, forget_answers_at

__all__ = [
    "ADMINISTRATIVE",
    "GRANTS",
    "OPERATOR",
    "SCOPES",
    "USUAL_SCOPES",
    "Actor",
    "ActorKind",
    "ApiKey",
    "Caller",
    "Change",
    "Changes",
    "Client",
    "Gate",
    "Middleware",
    "NewClient",
    "NewKey",
    "Policy",
    "Reply",
    "Requires",
    "address_bucket",
    "caller_now",
    "change",
    "clients",
    "create_client",
    "create_key",
    "end_client",
    "end_key",
    "forget",
    "forget_all",
    "forget_answers",
    "forget_answers_at",
    "gate_of",
    "holding",
    "is_within",
    "keys",
    "note_use",
    "open_gate",
    "requires",
    "revoke_client",
    "revoke_key",
    "rotate_signing_key",
    "router",
    "upkeep",
]

"""Access control: who may call, in which workspace, with which scopes, and how often.

A request carries an OAuth access token of a client or, in a sandbox, a static key. The `AuthContext` turns it
into a `Caller`; routes take one by scope (`requires`), changes take a `Change` that commits once at its edge.
"""

from getbill.access.api import router
from getbill.access.auth_state import (
    AuthContext,
    auth_context_of,
    open_auth_context,
    prepare,
    run_maintenance,
)
from getbill.access.cache_invalidation import invalidate, invalidate_all
from getbill.access.credential_users import holding, record_use
from getbill.access.dependencies import Change, Changes, Reply, Requires, caller_now, change, requires
from getbill.access.keys import ApiKey, NewKey, create_key, end_key, keys, revoke_key
from getbill.access.middleware import Middleware
from getbill.access.model import (
    ADMINISTRATIVE,
    DEFAULT_SCOPES,
    GRANTS,
    OPERATOR,
    SCOPES,
    Actor,
    ActorKind,
    Caller,
    Policy,
)
from getbill.access.oauth.clients import Client, NewClient, clients, create_client, end_client, revoke_client
from getbill.access.oauth.signing_keys import rotate as rotate_signing_key
from getbill.access.requests.client_address import bucket as address_bucket
from getbill.access.requests.client_address import is_within
from getbill.access.requests.idempotency import delete_answers, delete_answers_at

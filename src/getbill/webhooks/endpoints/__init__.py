"""Endpoints: create, update, disable, delete, and secret rotation."""

from getbill.webhooks.endpoints.actions import create, delete, reaches_further, update
from getbill.webhooks.endpoints.disabling import disable, lock_stream
from getbill.webhooks.endpoints.queries import PREFIX, find, list_endpoints, lock, peek
from getbill.webhooks.endpoints.rotation import cut_over, rotate
from getbill.webhooks.endpoints.schemas import (
    CutOverBody,
    EndpointChangeBody,
    EventName,
    Events,
    NewEndpointBody,
    RotateBody,
    require_unique,
    unknown_kinds,
)
from getbill.webhooks.endpoints.wire import (
    EndpointList,
    EndpointShown,
    EndpointWithSecret,
    new_endpoint,
    refuse_unreachable,
    requested_changes,
    serialize_endpoint,
    serialize_with_secret,
)

"""Endpoints: created, changed, disabled and deleted, with their secrets cut over."""

from getbill.webhooks.endpoints.actions import create, delete, reaches_further, update
from getbill.webhooks.endpoints.cutover import cut_over, rotate
from getbill.webhooks.endpoints.disabling import disable, lock_stream
from getbill.webhooks.endpoints.queries import PREFIX, find, list_endpoints, lock, peek
from getbill.webhooks.endpoints.schemas import (
    CutOverBody,
    EndpointChangeBody,
    EventName,
    Events,
    NewEndpointBody,
    RotateBody,
    once,
    unknown_kinds,
)
from getbill.webhooks.endpoints.wire import (
    EndpointList,
    EndpointShown,
    OpenedShown,
    changes,
    endpoint,
    new_endpoint,
    opened,
    refuse_unreachable,
)

__all__ = [
    "PREFIX",
    "CutOverBody",
    "EndpointChangeBody",
    "EndpointList",
    "EndpointShown",
    "EventName",
    "Events",
    "NewEndpointBody",
    "OpenedShown",
    "RotateBody",
    "changes",
    "create",
    "cut_over",
    "delete",
    "disable",
    "endpoint",
    "find",
    "list_endpoints",
    "lock",
    "lock_stream",
    "new_endpoint",
    "once",
    "opened",
    "peek",
    "reaches_further",
    "refuse_unreachable",
    "rotate",
    "unknown_kinds",
    "update",
]

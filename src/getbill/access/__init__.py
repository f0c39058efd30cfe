"""Access: who may call, in which workspace, what for, and how often.

A call comes with an OAuth access token of a client, or in a sandbox with a static key. The gate turns it into a
`Caller`; routes take one by scope (`requires`), changes take a `Change` that commits once at its edge.
"""

from getbill.access.gate import Gate
from getbill.access.guards import Change, Reply, change, requires
from getbill.access.model import SCOPES, Caller, Policy

__all__ = ["SCOPES", "Caller", "Change", "Gate", "Policy", "Reply", "change", "requires"]

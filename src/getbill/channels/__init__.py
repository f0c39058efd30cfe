"""How anyone is reached: the channels, the addresses they need and the texts they carry.

Nothing here knows a debt: a message is rendered from plain facts, so that the dashboard, a preview and the
worker all show the same words.
"""

from getbill.channels.model import ADDRESS_OF, MISSING, AddressKind, Channel, reachable

__all__ = ["ADDRESS_OF", "MISSING", "AddressKind", "Channel", "reachable"]

"""Sending contacts that are due: the last check, the rendered message, the provider's answer."""

from getbill.contacts.sending.context import Carried, Departing, Desk, others_go_on
from getbill.contacts.sending.crossed_messages import crossed_by
from getbill.contacts.sending.rendering import CannotBeSaid, CannotBeWritten, stationery, write
from getbill.contacts.sending.settle import REACHED, hand_over, settle_contacts, suppress_dead, take_back

__all__ = [
    "REACHED",
    "CannotBeSaid",
    "CannotBeWritten",
    "Carried",
    "Departing",
    "Desk",
    "crossed_by",
    "hand_over",
    "others_go_on",
    "settle_contacts",
    "stationery",
    "suppress_dead",
    "take_back",
    "write",
]

"""Creditors: the parties to whom debts are owed, other than the company itself.

A creditor is one row for each normalised name of a workspace; a debt names it by id or by that name. What is
known of it is sealed under its own key. A third-party collector needs a mandate of each creditor.
"""

from getbill.creditors.choices import (
    CreditorChoice,
    choice_errors,
    find_choice,
    resolve_choices,
    unknown_creditor,
)
from getbill.creditors.collector_wire import read_collector_changes, serialize_collector
from getbill.creditors.duties import ContactGap, contact_gap
from getbill.creditors.model import Creditor, normalise_name
from getbill.creditors.queries import COLUMNS, JOINS, PREFIX, find, logos, open_creditor

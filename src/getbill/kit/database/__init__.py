"""The database: named statements, one transaction per change, notifications and partitions."""

from getbill.kit.database.errors import LOST, comes_of_away, is_away, is_full
from getbill.kit.database.isolation import is_passing, isolated
from getbill.kit.database.notify import Listener
from getbill.kit.database.partitions import KEPT_DAYS, PARTITION_MISSING, Daily
from getbill.kit.database.transactions import (
    SETTINGS,
    Connection,
    Database,
    PresumedWrong,
    Statement,
    Transaction,
    open_database,
)

__all__ = [
    "KEPT_DAYS",
    "LOST",
    "PARTITION_MISSING",
    "SETTINGS",
    "Connection",
    "Daily",
    "Database",
    "Listener",
    "PresumedWrong",
    "Statement",
    "Transaction",
    "comes_of_away",
    "is_away",
    "is_full",
    "is_passing",
    "isolated",
    "open_database",
]

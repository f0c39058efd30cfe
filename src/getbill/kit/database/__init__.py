"""Database access: named statements, one transaction per change, notifications and partitions."""

from getbill.kit.database.errors import (
    DATABASE_ERRORS,
    is_caused_by_unavailability,
    is_disk_full,
    is_unavailable,
)
from getbill.kit.database.isolation import is_transient, isolate_failures
from getbill.kit.database.notify import Listener
from getbill.kit.database.partitions import PARTITION_MISSING, RETENTION_DAYS, DailyPartitions
from getbill.kit.database.row_statements import column_types, insert_statement, update_statement
from getbill.kit.database.transactions import (
    Connection,
    Database,
    OptimisticConflict,
    Statement,
    Transaction,
    open_database,
)

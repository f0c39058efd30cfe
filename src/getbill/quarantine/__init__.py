"""The quarantine: failed items with their reason, so that they block nothing else.

One row for each contact, event, delivery, import, file, workspace or job that could not be processed. It is
retried automatically a few times, with growing delays; then a person requests the retry: each item has a todo
(one for all contacts that fail because of a template), counts in a gauge, and is listed by `/readyz`.
"""

from getbill.kit.database import is_transient, isolate_failures
from getbill.quarantine.actions import (
    add,
    add_separately,
    dismiss,
    erase,
    mark_all_retried,
    mark_retried,
    remove_proven,
    resolve,
)
from getbill.quarantine.model import (
    INSTALLATION,
    KINDS,
    Item,
    ProcessesDied,
    QuarantineEntry,
    public_id_of,
    reason_of,
    unexpected,
)
from getbill.quarantine.queries import (
    counts,
    due,
    find,
    is_quarantined,
    list_entries,
    of_reason,
    without_suspended,
    workspaces,
)

"""The rows of an import: reading, checking, creating, updating, correcting and undoing them."""

from getbill.imports.rows.corrections import (
    accept_suggestions,
    corrected_cells,
    corrected_row,
    has_corrections,
    import_corrected,
    put_cell,
    put_field,
    save_correction,
)
from getbill.imports.rows.create import ImportPass, create_debts
from getbill.imports.rows.dry_run import SeenReferences, examine_rows
from getbill.imports.rows.failures import hold_import
from getbill.imports.rows.instalments import Instalments, gather_instalments
from getbill.imports.rows.people import (
    SAMPLES,
    delete_lines,
    delete_people,
    delete_rows,
    find_lines,
    hash_person,
    index_rows,
    index_samples,
    is_named,
    without_person,
)
from getbill.imports.rows.reader import Line, RowReader
from getbill.imports.rows.restore import restore_changes
from getbill.imports.rows.snapshots import CLEAR_REASONS, DELETE_CHANGES, EMPTY_CHANGES
from getbill.imports.rows.undo import list_leftovers, undo_debts

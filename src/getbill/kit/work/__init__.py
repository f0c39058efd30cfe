"""Background work: which workspace has some, and who holds which of it.

`index` finds workspaces with due work of one kind, without a search over their tables. `lease` claims rows
inside a workspace for one worker, and survives its death. `visits` takes workspaces from the index, several
at a time.
"""

from getbill.kit.work.index import EARLIEST, KINDS, Kind, due_workspaces, note, note_every_kind, postpone
from getbill.kit.work.lease import Lease, claim_arrays
from getbill.kit.work.visits import visit_all

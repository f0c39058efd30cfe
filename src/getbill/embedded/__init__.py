"""The database that comes with the program: a PostgreSQL of its own, on a Unix socket only its owner can reach.

A company that tries GetBill needs no database server: the binaries come in a wheel, the cluster lies in the data
folder, and nothing listens on TCP. The invariant: one process at a time owns a cluster (a lock beside it), and
whatever a killed owner left behind is put right by the next one.
"""

from getbill.embedded.accounts import Account, AccountChoice, NoAccount, of_this_process
from getbill.embedded.binaries import Binaries, available
from getbill.embedded.data_folder import Wish
from getbill.embedded.launch import end_with
from getbill.embedded.outage import Outage
from getbill.embedded.server import ClusterInUse, Server, ServerDidNotStart, is_there, reach, running_dsn
from getbill.embedded.supervisor import Keeper

__all__ = [
    "Account",
    "AccountChoice",
    "Binaries",
    "ClusterInUse",
    "Keeper",
    "NoAccount",
    "Outage",
    "Server",
    "ServerDidNotStart",
    "Wish",
    "available",
    "end_with",
    "is_there",
    "of_this_process",
    "reach",
    "running_dsn",
]

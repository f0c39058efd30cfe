"""The embedded database: a PostgreSQL of its own, on a Unix socket that only its owner can reach.

Trying GetBill requires no database server: the binaries come in a wheel, the cluster is in the data folder,
and nothing listens on TCP. The invariant: one process at a time owns a cluster (by a lock beside it), and the
next owner cleans up after one that was killed.
"""

from getbill.embedded.accounts import AccountChoice, current_account
from getbill.embedded.binaries import available
from getbill.embedded.data_folder import ClusterOptions
from getbill.embedded.launch import end_with
from getbill.embedded.outage import Outage
from getbill.embedded.server import ClusterInUse, Server, ServerDidNotStart, is_there, reach, running_dsn
from getbill.embedded.supervisor import ServerSupervisor

"""SFTP: for systems that can drop a file and nothing else.

A login opens folders of its own: what is dropped into `incoming/` (or the root) is imported every hour with the mapping
that was remembered for its layout, lies in `processed/` or `rejected/` afterwards, and a report is put into `reports/`.
The files lie in the database, sealed, since the process that takes them and the worker that imports them share nothing
else. `getbill.sftp.server` speaks the protocol and is loaded by that process alone.
"""

from getbill.sftp.credentials import (
    create_login,
    end_login,
    find_login,
    find_login_by_name,
    list_logins,
    revoke_login,
    rotate_login,
)
from getbill.sftp.jobs import PickupWorker, cut_abandoned, erase, expire
from getbill.sftp.model import PREFIX, Login, NewLogin, SftpLimits
from getbill.sftp.pickup import WAKE, request_pickup, requeue_file

__all__ = [
    "PREFIX",
    "WAKE",
    "Login",
    "NewLogin",
    "PickupWorker",
    "SftpLimits",
    "create_login",
    "cut_abandoned",
    "end_login",
    "erase",
    "expire",
    "find_login",
    "find_login_by_name",
    "list_logins",
    "request_pickup",
    "requeue_file",
    "revoke_login",
    "rotate_login",
]

"""SFTP: file drop for systems without an HTTP client.

A login opens its own folders: a file dropped into `incoming/` (or the root) is imported every hour with the
mapping saved for its layout, then moves to `processed/` or `rejected/`, and a report is written to
`reports/`. Files are stored in the database, sealed, since the SFTP process and the worker share nothing
else. `getbill.sftp.server` implements the protocol and is loaded by that process alone.
"""

from getbill.sftp.credentials import (
    create_login,
    end_login,
    find_login_by_name,
    list_logins,
    revoke_login,
    rotate_login,
)
from getbill.sftp.jobs import PickupWorker, cut_abandoned, erase, expire
from getbill.sftp.model import PREFIX, Login, NewLogin, SftpLimits
from getbill.sftp.pickup import WAKE, request_pickup, requeue_file

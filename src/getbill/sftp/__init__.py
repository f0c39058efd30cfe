"""SFTP: for systems that can drop a file and nothing else.

A login opens folders of its own: what is dropped into `incoming/` (or the root) is imported every hour with the mapping
that was remembered for its layout, lies in `processed/` or `rejected/` afterwards, and a report is put into `reports/`.
The files lie in the database, sealed, since the process that takes them and the worker that imports them share nothing
else. `getbill.sftp.server` speaks the protocol and is loaded by that process alone.
"""

from getbill.sftp.credentials import create_login, end_login, login, logins, named, revoke_login, rotate_login
from getbill.sftp.jobs import PickUp, cut_deserted, erase, expire
from getbill.sftp.model import PREFIX, Limits, Login, NewLogin
from getbill.sftp.pickup import WAKE, ask, put_back

__all__ = [
    "PREFIX",
    "WAKE",
    "Limits",
    "Login",
    "NewLogin",
    "PickUp",
    "ask",
    "create_login",
    "cut_deserted",
    "end_login",
    "erase",
    "expire",
    "login",
    "logins",
    "named",
    "put_back",
    "revoke_login",
    "rotate_login",
]

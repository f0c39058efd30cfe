"""Credentials: clients, keys, SFTP logins and webhooks by who created them, and revoking one with what only it used.

A program creates credentials for itself; a person creates them for programs. So what a revoked program created goes with
it unless another credential has handled it, and what a person created stays where a program has used it.
"""

from getbill.credentials.actions import Revocation, Revoked, Wish, preview, revoke
from getbill.credentials.api import router
from getbill.credentials.model import Created, subject_of
from getbill.credentials.queries import Scope
from getbill.credentials.wire import listed, revoked

__all__ = [
    "Created",
    "Revocation",
    "Revoked",
    "Scope",
    "Wish",
    "listed",
    "preview",
    "revoke",
    "revoked",
    "router",
    "subject_of",
]

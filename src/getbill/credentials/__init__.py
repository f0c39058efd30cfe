"""Credentials by creator: clients, keys, SFTP logins and webhooks, and cascading revocation.

A program creates credentials for itself; a person creates them for programs. So what a revoked program
created is revoked with it unless another credential has used it, and what a person created is kept if a
program has used it.
"""

from getbill.credentials.actions import Revocation, RevocationRequest, RevocationResult, preview, revoke
from getbill.credentials.api import router
from getbill.credentials.model import CreatedCredential, subject_of
from getbill.credentials.queries import Scope
from getbill.credentials.wire import serialize_revocation, serialize_revocation_result

__all__ = [
    "CreatedCredential",
    "Revocation",
    "RevocationRequest",
    "RevocationResult",
    "Scope",
    "preview",
    "revoke",
    "router",
    "serialize_revocation",
    "serialize_revocation_result",
    "subject_of",
]

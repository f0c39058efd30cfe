"""Credentials by creator: clients, keys, SFTP logins and webhooks, and cascading revocation.

A program creates credentials for itself; a person creates them for programs. So what a revoked program
created is revoked with it unless another credential has used it, and what a person created is kept if a
program has used it.
"""

from getbill.credentials.actions import RevocationRequest, preview, revoke
from getbill.credentials.model import subject_of
from getbill.credentials.queries import Scope
from getbill.credentials.wire import serialize_revocation, serialize_revocation_result

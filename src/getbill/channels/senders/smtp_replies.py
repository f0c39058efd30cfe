"""What a mail server's refusal says of the address: that it takes no mail at all, or only that it did not take this one.

An address that takes no mail is written to no more. A full mailbox, a server that cannot be reached or that objects
to us or to the words is no such thing (RFC 3463, the subject and detail of a status; RFC 5321, section 4.2.3).
"""

import re

_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# What is said of the mailbox (X.1.X but for the sender's own, X.2.0, X.2.1), of a domain nobody takes mail for, and no
# more than that it will never be.
_DEAD = re.compile(r"5\.(0\.\d+|1\.(?![78]$)\d+|2\.[01]|4\.4)$")
# Replies to RCPT without a status: no such mailbox, not here, no such name.
_REPLIES = frozenset({550, 551, 553})


def takes_no_mail(words: str, reply: int | None = None) -> bool:
    """Tell whether the address itself was refused for good, by the status the words begin with, or by the reply."""
    status = _STATUS.match(words)
    return bool(_DEAD.match(status.group())) if status else reply in _REPLIES

"""Classification of SMTP refusals: the address takes no mail at all, or only this mail was refused.

An address that takes no mail is not contacted again. A full mailbox, an unreachable server, or a refusal of
the sender or the content is different (RFC 3463, the subject and detail of a status; RFC 5321, section
4.2.3).
"""

import re

_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# Statuses about the mailbox (X.1.X except the sender's own, X.2.0, X.2.1), a domain without a mail server,
# and a permanent failure without details.
_DEAD = re.compile(r"5\.(0\.\d+|1\.(?![78]$)\d+|2\.[01]|4\.4)$")
# Replies to RCPT without a status: no such mailbox, not here, no such name.
_REPLIES = frozenset({550, 551, 553})


def takes_no_mail(words: str, reply: int | None = None) -> bool:
    """Return whether the address itself was refused permanently, by leading status or reply code."""
    status = _STATUS.match(words)
    return bool(_DEAD.match(status.group())) if status else reply in _REPLIES

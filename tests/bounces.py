"""Bounces as mail servers write them (RFC 3464), for tests."""

RETURNED = """\
Received: by mx.example; Mon, 5 Jan 2026 09:00:00 +0000
From: Acme <relances@getbill.example>
To: jean.dupont@example.com
Subject: Rappel
Message-ID: {message_id}

Bonjour
"""

REPORT = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: bounces@getbill.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered to <jean.dupont@example.com>.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 5 Jan 2026 09:00:00 +0000

Final-Recipient: rfc822; jean.dupont@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <jean.dupont@example.com>: no such user

--b1
Content-Type: {returned_as}

{returned}
--b1--
"""


def bounce(
    message_id: str, *, action: str = "failed", status: str = "5.1.1", returned_as: str = "message/rfc822"
) -> bytes:
    """Return the report that a server sends on a mail of ours."""
    returned = RETURNED.format(message_id=message_id)
    if returned_as != "message/rfc822":
        returned = returned.partition("\n\n")[0] + "\n"
    text = REPORT.format(action=action, status=status, returned_as=returned_as, returned=returned)
    return text.replace("\n", "\r\n").encode()

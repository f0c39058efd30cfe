"""Gateways: what those who carry our messages report later. It arrived, it bounced, the call was answered.

A report is signed with the secret of the gateway whose channel it is about, and may come twice.
"""

from getbill.gateways.api import router

__all__ = ["router"]

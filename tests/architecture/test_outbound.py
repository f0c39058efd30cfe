"""Who reaches out: each module that opens connections to others, and whether a caller may set the address."""

import ast

from architecture.source import modules

CLIENTS = {"aiohttp", "aiosmtplib", "httpx", "requests", "urllib.request", "http.client", "ftplib", "smtplib"}
# Each with who sets the address. What a caller sets goes through webhooks.ssrf, which checks it at each connection.
REACHING = {
    "webhooks/http_client.py": "a caller: only by webhooks.ssrf",
    "webhooks/ssrf/resolver.py": "a caller: checks it",
    "channels/senders/gateway.py": "the operator, in GETBILL_GATEWAYS_FILE",
    "channels/senders/smtp.py": "the operator, in GETBILL_SMTP_HOST",
}


def test_only_who_is_known_reaches_out() -> None:
    names = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if CLIENTS & set(_imported(node))
    }

    assert names == REACHING.keys(), "Say in REACHING who sets the address; what a caller sets is checked."


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        return []
    return [part for name in names for part in (name, name.split(".")[0])]

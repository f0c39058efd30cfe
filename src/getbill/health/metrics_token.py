"""The token for reading metrics: the operator's, or one created beside the database at the first start."""

import hmac
import secrets
from pathlib import Path

from starlette.requests import Request

from getbill.kit.errors import NotFound, Unauthenticated
from getbill.kit.files import private_files
from getbill.kit.messages import message
from getbill.settings import Settings


class MetricsOff(NotFound):
    """This process has no metrics token."""

    code = "metrics-off"
    way_out = (
        "Set GETBILL_METRICS_TOKEN, or start with `getbill serve`, which creates a token in the data folder."
    )


class MetricsTokenWrong(Unauthenticated):
    """Metrics require the installation's own token; other credentials are refused."""

    code = "metrics-token-wrong"
    way_out = "Send `Authorization: Bearer` with GETBILL_METRICS_TOKEN, or with the content of metrics.token in the data folder."


def make(settings: Settings) -> None:
    """Create the token's file, private to its owner, if no token is set and the file does not exist."""
    if settings.metrics_token is not None or settings.metrics_token_file.exists():
        return
    temporary = settings.metrics_token_file.with_suffix(".new")
    with private_files.create(temporary) as file:
        file.write(secrets.token_urlsafe(32).encode() + b"\n")
    temporary.rename(settings.metrics_token_file)


def read(settings: Settings) -> str | None:
    """Return the token; None if there is none, and metrics cannot be read."""
    if settings.metrics_token is not None:
        return settings.metrics_token.get_secret_value()
    return _read_file(settings.metrics_token_file)


def _read_file(file: Path) -> str | None:
    return (file.read_text("utf-8").strip() or None) if file.exists() else None


def check(request: Request) -> None:
    """Raise MetricsOff or MetricsTokenWrong unless a request carries the token."""
    token: str | None = getattr(request.app.state, "metrics_token", None)
    if token is None:
        raise MetricsOff(message("Metrics are not available: no token is set."))
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    # Both as bytes: a header may contain non-ASCII characters.
    is_right = hmac.compare_digest(credential.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise MetricsTokenWrong(
            message("Metrics require the installation's token."),
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )

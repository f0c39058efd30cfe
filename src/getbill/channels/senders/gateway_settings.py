"""Gateway settings of an installation, read from the operator's file.

At most one gateway per channel. A gateway is called over HTTPS, or over HTTP on this machine and inside a
private network; never at a cloud metadata address, which serves a machine's credentials.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, field_validator
from yarl import URL

from getbill.channels.model import Channel
from getbill.channels.senders.model import Assurance
from getbill.kit import json
from getbill.kit.errors import Problem
from getbill.kit.exit_errors import CannotRun
from getbill.kit.signing import SecretMalformed, secret_key


class GatewaySettings(BaseModel):
    """The URL and capabilities of one channel's gateway."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Literal[Channel.SMS, Channel.AI_CALL, Channel.LETTER, Channel.WHATSAPP]
    url: Annotated[str, Field(max_length=2000)]
    secret: SecretStr
    assurance: Assurance = Assurance.NEITHER
    gives_receipt: bool = False
    at_once: Annotated[int, Field(ge=1, le=200)] = 8
    answer_seconds: Annotated[float, Field(ge=1, le=300)] = 60.0
    # Delays before each attempt to resolve an in-doubt message.
    pauses: tuple[Annotated[float, Field(ge=0, le=60)], ...] = (1.0, 4.0)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, text: str) -> str:
        try:
            url = URL(text)
        except ValueError:
            raise ValueError("The URL cannot be read.") from None
        if url.scheme not in {"http", "https"} or not url.host or url.query_string or url.fragment:
            raise ValueError("The URL must have the form https://host/path, without a query.")
        if url.user or url.password:
            raise ValueError("The URL must not contain a password: requests are signed with the secret.")
        _check_host(url.host, is_clear=url.scheme == "http")
        return text.rstrip("/")

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr) -> SecretStr:
        try:
            key = secret_key(secret.get_secret_value())
        except SecretMalformed as error:
            raise ValueError(str(error)) from None
        if len(key) < 24:
            raise ValueError("A secret must have at least 24 bytes.")
        return secret


def _check_host(host: str, *, is_clear: bool) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if is_clear and host != "localhost":
            raise ValueError(
                "The URL must begin with https:// outside the loopback and private networks."
            ) from None
        return
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError("A gateway cannot have this address.")
    if is_clear and not (address.is_loopback or address.is_private):
        raise ValueError("The URL must begin with https:// outside the loopback and private networks.")


_MANY: TypeAdapter[list[GatewaySettings]] = TypeAdapter(list[GatewaySettings])


def read_gateways(path: Path | None) -> dict[Channel, GatewaySettings]:
    """Return the gateways of a file by channel; raise CannotRun with the fault of an invalid file."""
    if path is None:
        return {}
    try:
        gateways = _MANY.validate_python(_gateway_list(json.read(path.read_bytes())))
    except OSError as error:
        raise CannotRun(
            f"{path}: {error.strerror}. GETBILL_GATEWAYS_FILE names a file of gateways."
        ) from error
    except Problem as error:
        raise CannotRun(f"{path}: {error.detail}") from error
    except ValidationError as error:
        raise CannotRun(f"{path}: {'; '.join(_error_lines(error))}") from None
    channels = [gateway.channel for gateway in gateways]
    if len(set(channels)) < len(channels):
        raise CannotRun(f"{path}: a channel has one gateway.")
    return {gateway.channel: gateway for gateway in gateways}


def _gateway_list(value: Any) -> Any:
    return value.get("gateways") if isinstance(value, dict) else value


def _error_lines(error: ValidationError) -> Iterable[str]:
    # Without the values: some are secrets.
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join(map(str, detail["loc"]))
        yield f"{place}: {detail['msg'].removeprefix('Value error, ')}"

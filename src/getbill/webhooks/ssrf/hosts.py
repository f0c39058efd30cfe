"""The host of a URL as written: a name in plain letters, or one plain IPv4 or IPv6 address.

Every other spelling of an address (`127.1`, `2130706433`, `0x7f.1`, full-width digits, percent-encoding) is
refused by its form, before any look-up: libraries disagree about its meaning.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from yarl import URL

from getbill.kit.errors import WrongValue
from getbill.kit.messages import message
from getbill.webhooks.ssrf.special_addresses import Address

# RFC 3986 section 3.2: the part between `//` and the path, without user and port.
_HOST: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)")
# The last label of an address in any spelling that inet_aton accepts, in the digits of any script.
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
# Full stops of other scripts, which IDNA treats as dots (RFC 3490 section 3.1).
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61", "...")


class HostMisspelt(WrongValue):
    """The host is written in an ambiguous form."""


def host_of(url: str) -> str | Address:
    """Return a URL's host: an address, or a lower-case name without its last dot; raise HostMisspelt."""
    match = _HOST.match(url)
    host_text = match.group(1) if match else ""
    if host_text.startswith("["):
        return _ipv6(host_text[1:-1])
    normalized_host = normalize("NFKC", unquote(host_text).translate(_DOTS)).casefold()
    if is_numeric(normalized_host):
        return _ipv4(host_text)
    if "%" in host_text:
        raise HostMisspelt(message("Write the host without percent-encoding."))
    encoded = (URL(url).raw_host or "").lower().rstrip(".")
    if not host_text.isascii() and not any(label.startswith("xn--") for label in encoded.split(".")):
        raise HostMisspelt(message("Write the host with a-z, digits, dots and dashes only."))
    return encoded


def is_numeric(host: str) -> bool:
    """Return whether a host ends in a number, as every spelling of an address does (WHATWG URL)."""
    return bool(_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]))


def _ipv4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise HostMisspelt(
            message(
                "Write an IPv4 address as four decimal numbers without leading zeros, such as 198.51.100.7."
            )
        ) from None


def _ipv6(text: str) -> IPv6Address:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise HostMisspelt(message("Write an IPv6 address in brackets, such as [2001:db8::7].")) from None
    if address.scope_id is not None:
        raise HostMisspelt(message("Write an IPv6 address without a zone, such as [2001:db8::7]."))
    return address

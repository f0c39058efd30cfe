"""Privacy headers of every response: no caching, no content sniffing.

Only responses without personal data may be cached, decided by path rather than by the route.
"""

from collections.abc import Iterable
from typing import Final

Headers = list[tuple[bytes, bytes]]

# Documentation and published keys.
_PUBLIC: Final = ("/docs", "/problems/", "/.well-known/", "/openapi.json")
_NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
_PRIVATE: Final = ((b"cache-control", b"no-store"), _NO_SNIFF)
# Two years (RFC 6797); without subdomains, which may run other services.
_ONLY_TLS: Final = (b"strict-transport-security", b"max-age=63072000")
_PRIVACY_HEADERS: Final = frozenset({b"cache-control", b"pragma", b"expires", b"x-content-type-options"})


def private_headers(path: str, scheme: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of a response with the privacy headers, each once."""
    if path.startswith(_PUBLIC):
        answer_headers = [header for header in headers if header[0] != _NO_SNIFF[0]]
        answer_headers.append(_NO_SNIFF)
    else:
        answer_headers = [header for header in headers if header[0] not in _PRIVACY_HEADERS]
        answer_headers += _PRIVATE
    if scheme == "https":
        answer_headers.append(_ONLY_TLS)
    return answer_headers

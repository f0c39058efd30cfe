"""Ambiguous headers of a request, and content codings that are not supported."""

from collections.abc import Iterable, Mapping
from typing import Final

from getbill.kit.errors import BadRequest, UnsupportedMediaType
from getbill.kit.messages import excerpt, message

# Single-valued headers (RFC 9110 section 5.3); if repeated, one program uses the first value and the next one
# the last.
_SINGLE: Final = frozenset(
    {
        b"authorization",
        b"content-disposition",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
    }
)


class HeaderRepeated(BadRequest):
    """A single-valued header was sent more than once."""

    code = "header-repeated"
    way_out = "Send the header once. Check for a proxy or library that adds the same header."


class EncodingUnsupported(UnsupportedMediaType):
    """The body is compressed or otherwise encoded."""

    code = "unsupported-content-encoding"
    title = message("This content encoding is not supported here")
    way_out = "Send the body uncompressed, without `Content-Encoding`."


def repeated(names: Iterable[bytes]) -> str | None:
    """Return the first single-valued header that was sent more than once, or None."""
    names_seen: set[bytes] = set()
    for name in names:
        if name in names_seen and name in _SINGLE:
            return "-".join(part.capitalize() for part in name.decode("latin-1").split("-"))
        names_seen.add(name)
    return None


def refuse_repeated(headers: list[tuple[bytes, bytes]], distinct: Mapping[bytes, bytes]) -> None:
    """Raise HeaderRepeated for a single-valued header that was sent more than once."""
    if len(headers) == len(distinct):
        return
    name = repeated(name for name, _ in headers)
    if name is not None:
        raise HeaderRepeated(
            message("The header {header} was sent more than once. Send it once.", header=name)
        )


def other_encoding(values: Iterable[str]) -> str | None:
    """Return the first content coding of a body that is not identity, or None."""
    codings = (coding.strip() for value in values for coding in value.split(","))
    return next((coding for coding in codings if coding and coding.lower() != "identity"), None)


def refuse_encoding(headers: list[tuple[bytes, bytes]], distinct: Mapping[bytes, bytes]) -> None:
    """Raise EncodingUnsupported for a body that is compressed or otherwise encoded."""
    if b"content-encoding" not in distinct or not _has_body(distinct):
        return
    # A list may be split over several header lines (RFC 9110 section 5.3).
    coding = other_encoding(value.decode("latin-1") for name, value in headers if name == b"content-encoding")
    if coding is not None:
        raise EncodingUnsupported(
            message(
                "The body has the Content-Encoding '{coding}'. Send it uncompressed, without this header.",
                coding=excerpt(coding),
            ),
            headers={"Accept-Encoding": "identity"},
        )


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip() not in {b"", b"0"}

"""Composition of e-mail messages: text, with an HTML alternative, and a Message-ID derived from the key.

The message is written as bytes, in seven bits that every server accepts; only a non-ASCII address needs more
(RFC 6531). The standard library's writer parses each header it receives and takes ten times as long as the
rest of a contact.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from getbill.channels.senders.model import Outgoing
from getbill.kit import clock

_END = "\r\n"
# An address without characters that are special in a header.
_PLAIN_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f<>()\[\]:;@\\,\"]+@[^\s\x00-\x1f\x7f<>()\[\]:;@\\,\"]+")
_TO_QUOTE = re.compile(r'(["\\])')
# An encoded word has at most 75 characters (RFC 2047 section 2): this many bytes in base 64, and its frame.
_WORD_BYTES = 45
_LINE_MAX = 60


@dataclass(frozen=True, slots=True)
class Mail:
    """A message in the form that the server receives."""

    message_id: str
    content: bytes


def compose_mail(message: Outgoing, sender: str) -> Mail:
    """Return a message as mail from an address; raise ValueError where its recipient is not an address."""
    place = f".{message.workspace}" if message.workspace else ""
    # Derived from the contact, so that a bounce identifies it.
    message_id = f"<{message.key}{place}@{sender.rpartition('@')[2]}>"
    head = _END.join(_head(message, sender, message_id))
    body, kind = _body(message)
    return Mail(message_id, f"{head}{_END}{kind}{_END}{_END}".encode() + body)


def envelope_address(address: str) -> str:
    """Return an address in the form that servers route: the domain in its ASCII form (RFC 5891)."""
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"


def _head(message: Outgoing, sender: str, message_id: str) -> Iterator[str]:
    yield f"From: {_phrase(message.writer.name)} <{_address(envelope_address(sender))}>"
    yield f"To: {_address(envelope_address(message.address))}"
    reply_to = message.writer.reply_to
    if reply_to:
        yield f"Reply-To: {_phrase(message.writer.name)} <{_address(envelope_address(reply_to))}>"
        # RFC 2369: a mail client's button for the opt-out that the text offers. A person reads the request.
        yield f"List-Unsubscribe: <mailto:{quote(reply_to, safe='@+')}?subject=STOP%20{message.key}>"
    yield f"Subject: {_header_text(_one_line(message.subject))}"
    yield f"Date: {format_datetime(clock.wall())}"
    yield f"Message-ID: {message_id}"
    # Requests that autoresponders do not reply (RFC 3834 section 5).
    yield "Auto-Submitted: auto-generated"
    yield f"Content-Language: {message.language}"
    yield "MIME-Version: 1.0"


def _body(message: Outgoing) -> tuple[bytes, str]:
    """Return the body, and the header lines that describe it."""
    text, kind = _text_part(message.text, "plain")
    if not message.html:
        return text, kind
    html, html_kind = _text_part(message.html, "html")
    if message.logo:
        # The picture is embedded: a remote picture would reveal when it is read.
        picture = _picture(*message.logo)
        html, html_kind = _parts("related", message.key, (html, html_kind), picture)
    return _parts("alternative", message.key, (text, kind), (html, html_kind))


def _text_part(text: str, subtype: str) -> tuple[bytes, str]:
    content = _END.join(f"{text}\n".splitlines()).encode() + b"\r\n"
    kind = f'Content-Type: text/{subtype}; charset="utf-8"{_END}Content-Transfer-Encoding: quoted-printable'
    return binascii.b2a_qp(content), kind


def _picture(media_type: str, image: bytes) -> tuple[bytes, str]:
    kind = (
        f"Content-Type: {media_type}{_END}Content-Transfer-Encoding: base64{_END}"
        f"Content-ID: <logo>{_END}Content-Disposition: inline"
    )
    return base64.encodebytes(image).replace(b"\n", b"\r\n"), kind


def _parts(subtype: str, key: str, *parts: tuple[bytes, str]) -> tuple[bytes, str]:
    # Neither encoding writes an equals sign before an underscore, so no part contains the boundary.
    between = f"=_{subtype}_{key}"
    body = b"".join(
        f"--{between}{_END}{kind}{_END}{_END}".encode() + content + b"\r\n" for content, kind in parts
    )
    return body + f"--{between}--{_END}".encode(), f'Content-Type: multipart/{subtype}; boundary="{between}"'


def _address(address: str) -> str:
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        return Address(addr_spec=address).addr_spec
    except MessageError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=256)
def _phrase(name: str) -> str:
    """Return a display name as it is written before an address."""
    line = _one_line(name)
    if _is_plain(line):
        quoted = _TO_QUOTE.sub(r"\\\1", line)
        return f'"{quoted}"'
    return _encode_words(line)


def _header_text(line: str) -> str:
    return line if _is_plain(line) else _encode_words(line)


def _is_plain(line: str) -> bool:
    return len(line) <= _LINE_MAX and line.isascii() and line.isprintable() and "=?" not in line


def _encode_words(line: str) -> str:
    """Return a line as encoded words (RFC 2047), each on its own line; no character is split."""
    words, word = [], b""
    for character in line:
        more = character.encode("utf-8", "replace")
        if len(word) + len(more) > _WORD_BYTES:
            words.append(word)
            word = b""
        word += more
    words.append(word)
    return f"{_END} ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in words)


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""Messages for Jinja's syntax errors, in the terms of a template's author."""

import re
from typing import Final

from jinja2 import TemplateSyntaxError

from getbill.kit.messages import Message, excerpt, message, template

_GOT: Final = re.compile(
    r"expected token '(?P<wanted>.+?)', got '(?P<sign>.+)'|'(?P<other>.+)', expected '(?P<end>.)'"
)
_UNEXPECTED: Final = re.compile(
    r"(?:unexpected(?: char)?|got|unknown tag) (?P<quote>['\"])(?P<sign>.+?)(?P=quote)"
)
_ENDED: Final = re.compile(
    r"unexpected end of template, expected '(?P<wanted>.+?)'|expected token '(?P<other>.+?)', got 'end of template'"
)
_ESCAPE: Final = template(
    "Line {line}: this backslash does not start an escape sequence; write two for a literal backslash."
)
# By Jinja error texts without variable parts.
_KNOWN: Final = {
    "Unexpected end of template": template(
        "Line {line}: an if or for is not closed; close it with {{% endif %}} or {{% endfor %}}."
    ),
    "end of comment tag": template("Line {line}: a comment is not closed; close it with #}}."),
    " escape": _ESCAPE,
    "Unicode character": _ESCAPE,
    "at end of string": _ESCAPE,
}
# Jinja's names for the delimiters of a tag.
_SIGNS: Final = {
    "begin of print statement": "{{",
    "end of print statement": "}}",
    "begin of statement block": "{%",
    "end of statement block": "%}",
}


def sentence(error: TemplateSyntaxError) -> Message:
    """Return the error message, with its line."""
    line, jinja_message = error.lineno, error.message or ""
    for phrase, text in _KNOWN.items():
        if phrase in jinja_message:
            return Message(text, {"line": line})
    if ended := _ENDED.search(jinja_message):
        return message(
            "Line {line}: the template ends where '{wanted}' was expected.",
            line=line,
            wanted=_sign_text(ended["wanted"] or ended["other"]),
        )
    if got := _GOT.search(jinja_message):
        return message(
            "Line {line}: found '{sign}' where '{wanted}' was expected.",
            line=line,
            sign=_sign_text(got["sign"] or got["other"]),
            wanted=_sign_text(got["wanted"] or got["end"]),
        )
    if unexpected := _UNEXPECTED.search(jinja_message):
        return message(
            "Line {line}: '{sign}' is not allowed here.", line=line, sign=_sign_text(unexpected["sign"])
        )
    return message("Line {line}: the template cannot be read.", line=line)


def _sign_text(sign: str) -> str:
    return excerpt(_SIGNS.get(sign, sign))

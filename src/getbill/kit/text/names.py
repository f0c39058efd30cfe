"""Characters that names must not contain: terminal controls, line breaks, changes of text direction.

A name is a single line that people read and choose by: a person, a firm, a file, a client. Invisible
characters that scripts need are allowed: the joiners of Persian, Indic scripts and emoji anywhere, direction
marks next to right-to-left letters.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from getbill.kit.errors import FieldError, WrongValue, refusal
from getbill.kit.messages import Message, message

# ASCII and Latin-1 controls, line and paragraph separators.
_CONTROLS: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029"
# Direction embeddings, overrides and isolates, format characters deprecated by Unicode, interlinear
# annotations, tags.
_TURNING: Final = "\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f"
_IN_A_NAME: Final = re.compile(f"[{_CONTROLS}{_TURNING}]")
_IN_LINES: Final = re.compile(f"[{_CONTROLS}{_TURNING}]".replace("\x00-\x1f", "\x00-\x08\x0b\x0c\x0e-\x1f"))
# Characters that may stand beside letters but are invisible alone: joiners, selectors, fillers, the Braille
# blank.
_NOTHING: Final = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
_BLANK: Final = re.compile(rf"\s*([{_NOTHING}])[\s{_NOTHING}]*")
# Left-to-right, right-to-left and Arabic letter mark.
_MARKS: Final = re.compile("[\u200e\u200f\u061c]")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
# The flags of England, Scotland and Wales are a black flag and tags.
_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")


def hidden_in(name: str) -> str | None:
    """Return the first character that is not allowed in a name, or None.

    A name without any visible character consists of such characters alone.
    """
    blank = _BLANK.fullmatch(name)
    if blank is not None:
        return blank[1]
    return None if name.isprintable() else _find_hidden(name, _IN_A_NAME)


def hidden_in_lines(text: str) -> str | None:
    """Return the first character that is not allowed in a multi-line text such as an address, or None."""
    return None if text.isprintable() else _find_hidden(text, _IN_LINES)


def _find_hidden(text: str, forbidden: re.Pattern[str]) -> str | None:
    hidden = forbidden.search(_FLAG.sub("", text))
    if hidden is None and not _is_right_to_left(text):
        hidden = _MARKS.search(text)
    return hidden[0] if hidden else None


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in _MARKS.sub("", text))


def hidden_character_message(character: str) -> Message:
    """Return the message that refuses a character."""
    return message(
        "The text contains {character}, an invisible character that names do not have. Send it without this character.",
        character=f"U+{ord(character):04X}",
    )


def visible(name: str) -> str:
    """Return a name; raise WrongValue if it contains a disallowed character."""
    hidden = hidden_in(name)
    if hidden is not None:
        raise WrongValue(hidden_character_message(hidden))
    return name


def visible_lines(text: str) -> str:
    """Return a multi-line text; raise WrongValue if it contains a disallowed character."""
    hidden = hidden_in_lines(text)
    if hidden is not None:
        raise WrongValue(hidden_character_message(hidden))
    return text


def refuse_hidden(fields: Mapping[str, str | None]) -> None:
    """Raise Invalid with the pointer of every name that contains a disallowed character."""
    wrong = [
        FieldError(pointer, "characters", hidden_character_message(hidden))
        for pointer, name in fields.items()
        if name is not None and (hidden := hidden_in(name)) is not None
    ]
    if wrong:
        raise refusal(wrong)


Name = Annotated[str, AfterValidator(visible)]
Lines = Annotated[str, AfterValidator(visible_lines)]

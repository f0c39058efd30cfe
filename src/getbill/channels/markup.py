"""HTML sanitizer for messages: an allow list of tags, attributes, URL schemes and style properties.

It checks the rendered page, never the template, so that no markup is assembled after the check. Two parsers
must agree: ours, which names each fault and its position, and the HTML5 parser of `nh3`, which sees what a
mail client would see. Nothing in a message runs, and nothing is fetched when it is opened.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from importlib.resources import files
from typing import Final

import nh3

from getbill.kit.messages import Message, excerpt, message

DEPTH_MAX: Final = 64
# A parser reopens these in every block begun inside them: nesting makes the page grow.
_FORMATTING: Final = frozenset({"a", "b", "code", "em", "font", "i", "s", "small", "strong", "u"})
_FORMATTING_MAX: Final = 12
# The code for malformed markup, as opposed to disallowed markup.
_SHAPE: Final = "markup"
# More findings than these do not help an author.
_FINDINGS_MAX: Final = 8
_PIXELS: Final = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*", re.IGNORECASE)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Names and values as defined by the tokenizer of the HTML standard (13.2.5).
_TAG: Final = re.compile(r"<(/?)([A-Za-z][^\t\n\r\f />]*)")
_ATTRIBUTE: Final = re.compile(
    r"[\t\n\r\f /]*(?:(>)|([^\t\n\r\f />][^\t\n\r\f />=]*)"
    r"(?:[\t\n\r\f ]*=[\t\n\r\f ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\r\f >\"'][^\t\n\r\f >]*)))?)"
)
_MARKUP: Final = re.compile(r"<(?=[A-Za-z/!?])")
_DECLARATION: Final = re.compile(r"\s*([a-zA-Z-]+)\s*:([\w\s#%.,+!/'\"()-]*)")
_FUNCTION: Final = re.compile(r"([\w-]*)\s*\(")


@dataclass(frozen=True, slots=True)
class MarkupFinding:
    """Disallowed markup in a page, with its source and its first line."""

    detail: Message
    source: str
    line: int
    code: str = "active-content"


@dataclass(frozen=True, slots=True)
class AllowList:
    """The tags, attributes, URL schemes and style properties allowed in a page."""

    tags: Mapping[str, frozenset[str]]
    everywhere: frozenset[str]
    void: frozenset[str]
    implied: frozenset[str]
    schemes: Mapping[str, tuple[str, ...]]
    properties: frozenset[str]
    functions: frozenset[str]

    def attributes(self, tag: str) -> frozenset[str]:
        """Return the allowed attributes of a tag."""
        return self.tags[tag] | self.everywhere


@lru_cache(maxsize=1)
def allow_list() -> AllowList:
    """Return the allow list, read from `markup.toml` once."""
    table = tomllib.loads((files("getbill.channels") / "markup.toml").read_text("utf-8"))
    return AllowList(
        {tag: frozenset(attributes) for tag, attributes in table["tags"].items()},
        frozenset(table["everywhere"]),
        frozenset(table["void"]),
        frozenset(table["implied"]),
        {attribute: tuple(schemes) for attribute, schemes in table["schemes"].items()},
        frozenset(table["styles"]["properties"]),
        frozenset(table["styles"]["functions"]),
    )


@dataclass(slots=True)
class ParsedPage:
    """A page parsed by the HTML standard: its findings, and each element that was opened."""

    findings: list[MarkupFinding] = field(default_factory=list)
    elements: Counter[tuple[str, frozenset[str]]] = field(default_factory=Counter)


def sanitize(html: str) -> tuple[str, list[MarkupFinding]]:
    """Return a page reduced by an HTML5 parser to the allowed markup, and the findings."""
    page = parse_page(html)
    if page.findings:
        return "", page.findings
    # A no-break space stays the same character.
    clean = _cleaner().clean(html).replace("&nbsp;", "\u00a0")
    lost = page.elements - parse_page(clean).elements
    return clean, [_removed_element(tag, html) for tag, _ in lost][:1]


def _removed_element(tag: str, html: str) -> MarkupFinding:
    place = re.search(rf"<{re.escape(tag)}\b", html, re.IGNORECASE)
    at = place.start() if place else 0
    detail = message("<{tag}> is not allowed in this place, or not with these attributes.", tag=tag)
    return MarkupFinding(detail, f"<{tag}", _line_at(html, at))


@lru_cache(maxsize=1)
def _cleaner() -> nh3.Cleaner:
    rules = allow_list()
    return nh3.Cleaner(
        tags=set(rules.tags),
        clean_content_tags={"script", "style"},
        attributes={tag: set(rules.attributes(tag)) for tag in rules.tags},
        attribute_filter=lambda tag, name, value: None if _fault_of(tag, name, value) else value,
        link_rel=None,
        url_schemes={scheme for schemes in rules.schemes.values() for scheme in schemes},
        url_relative="deny",
    )


def parse_page(html: str) -> ParsedPage:
    """Parse a page; findings are in document order, and limited to a few."""
    page, stack = ParsedPage(), _Stack()
    for token in _tokens(html):
        if isinstance(token, MarkupFinding):
            page.findings.append(token)
        else:
            page.findings += _tag_findings(html, token)
            page.findings += stack.check(html, token)
            if not token.is_end:
                page.elements[token.name, frozenset(name for name, _ in token.attributes)] += 1
        if len(page.findings) >= _FINDINGS_MAX:
            return page
    page.findings += stack.unclosed(html)
    return page


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    at: int
    is_end: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


def _tokens(html: str) -> Iterator["_Tag | MarkupFinding"]:
    """Yield every tag of a page, and a finding for markup that is not a tag."""
    at = 0
    while place := _MARKUP.search(html, at):
        start = place.start()
        name = _TAG.match(html, start)
        if name is None:
            yield _no_tag(html, start)
            return
        attributes: list[tuple[str, str]] = []
        at = name.end()
        while True:
            part = _ATTRIBUTE.match(html, at)
            if part is None:
                yield MarkupFinding(
                    message("'{tag}' is not terminated: a tag ends with '>'.", tag=excerpt(name.group())),
                    name.group(),
                    _line_at(html, start),
                    _SHAPE,
                )
                return
            at = part.end()
            if part[1]:
                break
            value = next((group for group in part.groups()[2:] if group is not None), "")
            attributes.append((part[2].lower(), unescape(value)))
        yield _Tag(name[2].lower(), start, bool(name[1]), tuple(attributes))


def _no_tag(html: str, at: int) -> MarkupFinding:
    if html.startswith("<!--", at):
        detail = message("HTML comments are not allowed in a message; use a template comment, {# ... #}.")
    elif html.startswith("</", at):
        detail = message("'</' does not start a tag here; write &lt; for the character.")
    else:
        detail = message(
            "'<!' and '<?' are not allowed in a message: the layout contains the document's head."
        )
    return MarkupFinding(detail, html[at : at + 4], _line_at(html, at))


def _tag_findings(html: str, tag: _Tag) -> Iterator[MarkupFinding]:
    rules, source = allow_list(), f"<{tag.name}"
    if tag.name not in rules.tags:
        if not tag.is_end:
            detail = message(
                "<{tag}> is not allowed in a message: opening a message must not run or load anything. Allowed tags: {tags}.",
                tag=_printable(tag.name),
                tags=sorted(rules.tags),
            )
            yield MarkupFinding(detail, source, _line_at(html, tag.at))
        return
    if tag.is_end:
        return
    names: set[str] = set()
    for name, value in tag.attributes:
        if name in names:
            twice = message("<{tag}> has {attribute} twice.", tag=tag.name, attribute=_printable(name))
            yield MarkupFinding(twice, source, _line_at(html, tag.at))
        elif fault := _fault_of(tag.name, name, value):
            yield MarkupFinding(fault, source, _line_at(html, tag.at))
        names.add(name)


def _fault_of(tag: str, name: str, value: str) -> Message | None:
    """Return the error in an attribute; None where it is allowed."""
    rules = allow_list()
    if tag not in rules.tags:
        return message("<{tag}> is not allowed in a message.", tag=_printable(tag))
    if name not in rules.attributes(tag):
        return message(
            "{attribute} is not allowed on <{tag}>: opening a message must not run or load anything. Allowed attributes: {attributes}.",
            attribute=_printable(name),
            tag=tag,
            attributes=sorted(rules.attributes(tag)),
        )
    if name in rules.schemes:
        return _fault_of_address(tag, name, value)
    return _fault_of_style(tag, value) if name == "style" else None


def _fault_of_address(tag: str, name: str, value: str) -> Message | None:
    schemes = allow_list().schemes[name]
    scheme = _SCHEME.match(value)
    is_known = scheme is not None and scheme[1].lower() in schemes
    is_good = is_known and not _CONTROL.search(value)
    if is_good and scheme and scheme[1].lower() == "data":
        is_good = _PIXELS.fullmatch(value) is not None
    if is_good:
        return None
    if not value:
        return message(
            "{attribute} of <{tag}> is empty; if its value is optional, put it in {{% if ... %}}.",
            attribute=name,
            tag=tag,
        )
    if name == "src":
        return message(
            "Images must be embedded in the message, as cid: or data: (png, jpeg, gif, webp in base64); external images are not loaded."
        )
    return message(
        "{attribute} of <{tag}> must begin with {schemes} or {last}:.",
        attribute=name,
        tag=tag,
        schemes=[f"{prefix}:" for prefix in schemes[:-1]],
        last=schemes[-1],
    )


@lru_cache(maxsize=1024)
def _fault_of_style(tag: str, value: str) -> Message | None:
    rules = allow_list()
    for declaration in filter(str.strip, value.split(";")):
        part = _DECLARATION.fullmatch(declaration)
        if part is None:
            return message(
                "'{declaration}' is not allowed in the style of <{tag}>: write `property: value`, without external resources.",
                declaration=_printable(declaration.strip()),
                tag=tag,
            )
        if part[1].lower() not in rules.properties:
            return message(
                "{property} is not allowed in the style of <{tag}>. Allowed properties: {properties}.",
                property=excerpt(part[1]),
                tag=tag,
                properties=sorted(rules.properties),
            )
        for function in _FUNCTION.findall(part[2]):
            if function and function.lower() not in rules.functions:
                return message(
                    "{function}() is not allowed in the style of <{tag}>: opening a message must not load or compute anything.",
                    function=excerpt(function),
                    tag=tag,
                )
    return None


@dataclass(slots=True)
class _Stack:
    """The open elements; a missing end tag makes a parser repeat or move elements."""

    open: list[_Tag] = field(default_factory=list)

    def check(self, html: str, tag: _Tag) -> Iterator[MarkupFinding]:
        rules = allow_list()
        if tag.name not in rules.tags or (tag.name in rules.void and not tag.is_end):
            return
        if not tag.is_end:
            if tag.name in rules.implied and self.open and self.open[-1].name == tag.name:
                self.open.pop()
            self.open.append(tag)
            if len(self.open) > DEPTH_MAX or self._is_formatted():
                yield MarkupFinding(
                    message(
                        "<{tag}> is nested too deeply: at most {most} elements, {formatting} of them for formatting.",
                        tag=tag.name,
                        most=DEPTH_MAX,
                        formatting=_FORMATTING_MAX,
                    ),
                    f"<{tag.name}",
                    _line_at(html, tag.at),
                    _SHAPE,
                )
            return
        while self.open and self.open[-1].name != tag.name and self._is_implied(tag):
            self.open.pop()
        if self.open and self.open[-1].name == tag.name:
            self.open.pop()
        elif tag.name != "p":
            # The end tag of a paragraph around a built-in passage closes nothing, and only leaves an empty
            # line.
            yield MarkupFinding(
                message("</{tag}> matches no open tag: close the last opened tag first.", tag=tag.name),
                f"</{tag.name}",
                _line_at(html, tag.at),
                _SHAPE,
            )

    def _is_formatted(self) -> bool:
        return sum(tag.name in _FORMATTING for tag in self.open) > _FORMATTING_MAX

    def _is_implied(self, end: _Tag) -> bool:
        return self.open[-1].name in allow_list().implied and any(tag.name == end.name for tag in self.open)

    def unclosed(self, html: str) -> Iterator[MarkupFinding]:
        for tag in self.open:
            if tag.name not in allow_list().implied:
                detail = message("<{tag}> is not closed.", tag=tag.name)
                yield MarkupFinding(detail, f"<{tag.name}", _line_at(html, tag.at), _SHAPE)
                return


def _line_at(html: str, at: int) -> int:
    return html.count("\n", 0, at) + 1


def _printable(name: str) -> str:
    return name[:40].encode("ascii", "backslashreplace").decode()

"""Source of a custom template: parsed within limits, checked node by node, and certain to terminate.

A template may use an allow list of Jinja's nodes. They cannot fail when filled in, whatever is absent: text
is compared with text, an absent value is an empty text, a loop runs over the lines of an address. Output is
limited as it grows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from getbill.channels import template_syntax
from getbill.kit.messages import Message, excerpt, message, template

CHARACTERS_MAX: Final = 20_000
FILLED_MAX: Final = 100_000
LISTS: Final = frozenset({"costs_of_law", "collector_address", "creditor_address", "debtor_address"})
PASSAGES: Final = frozenset({"how_to_pay", "foot"})
FILTERS: Final = frozenset({"upper", "lower", "capitalize", "trim"})
_FLAGS: Final = frozenset({"has_logo"})
_STATEMENTS: Final = ("if", "elif", "else", "endif", "for", "endfor")

# Operators and names between `{{` and `}}`, and their nesting depth: an expression parser is recursive.
_SIGNS_MAX: Final = 60
_BRACKETS_MAX: Final = 8
_TAGS_MAX: Final = 1_000
_BLOCKS_MAX: Final = 8
_BRANCHES_MAX: Final = 50
_LOOPS_MAX: Final = 2
_DIGITS_MAX: Final = 15
_TRIVIAL: Final = frozenset({"whitespace", "variable_begin", "variable_end", "block_begin", "block_end"})
_SIGNS: Final = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_MEMBER: Final = frozenset({"in", "notin"})
# Bidirectional control characters reorder a displayed line (Unicode, UAX 9), so that its source differs from
# what is read.
_UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)

_MANY_TAGS: Final = template("Line {line}: a template may have at most {most} tags.")
_MANY_DIGITS: Final = template("Line {line}: a number may have at most {most} digits.")
_MANY_SIGNS: Final = template("Line {line}: a tag may have at most {most} names and operators.")
_MANY_BRANCHES: Final = template("Line {line}: an if may have at most {most} elif branches.")
_DEEP_BRACKETS: Final = template("Line {line}: brackets may be nested at most {most} deep.")
_DEEP_LOOPS: Final = template("Line {line}: loops may be nested at most {most} deep.")
_DEEP_BLOCKS: Final = template("Line {line}: if and for may be nested at most {most} deep.")

_TEXT, _NUMBER, _FLAG, _LINES, _PASSAGE, _ABSENT = "text", "number", "flag", "lines", "passage", "absent"


@dataclass(frozen=True, slots=True)
class SourceFault:
    """An error in a source: a code, and a message that names the line."""

    code: str
    detail: Message


class WordingBroken(Exception):
    """A template cannot be filled in, or its text must not be sent; `detail` gives the reason."""

    def __init__(self, detail: Message) -> None:
        super().__init__(detail)
        self.detail = detail


class _SourceRefused(Exception):
    """A source cannot be parsed further."""

    def __init__(self, code: str, detail: Message) -> None:
        super().__init__(detail)
        self.fault = SourceFault(code, detail)


def faults_of(source: str, variables: frozenset[str]) -> list[SourceFault]:
    """Return the errors in a source with these variables; empty where it can be filled in."""
    try:
        tree = _tree(source)
    except _SourceRefused as refused:
        return [refused.fault]
    return list(dict.fromkeys(_SourceChecker(variables).statements(tree.body, {})))


def names_in(parts: Sequence[str]) -> frozenset[str]:
    """Return the variables that valid sources use."""
    return frozenset(name.name for source in parts for name in _tree(source).find_all(nodes.Name))


def fill(source: str, values: Mapping[str, Any], *, is_html: bool = False) -> str:
    """Return a source filled in; raise WordingBroken where that fails, or the output gets too long."""
    program = _compile(source, frozenset(values), is_html)
    parts, length = [], 0
    for part in program.root_render_func(program.new_context(dict(values), shared=True)):
        length += len(part)
        if length > FILLED_MAX:
            raise WordingBroken(
                message("A rendered message may have at most {most} characters.", most=FILLED_MAX)
            )
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=2048)
def _compile(source: str, variables: frozenset[str], is_html: bool) -> Template:
    faults = faults_of(source, variables)
    if faults:
        raise WordingBroken(faults[0].detail)
    tree = _tree(source)
    for node in list(tree.find_all((nodes.Compare, nodes.Filter, nodes.CondExpr))):
        _make_total(node)
    try:
        return _environment(is_html).from_string(tree)
    except (TemplateError, SyntaxError, RecursionError, ValueError) as error:
        raise WordingBroken(message("The template is nested too deeply or too large.")) from error


@lru_cache(maxsize=2)
def _environment(is_html: bool) -> ImmutableSandboxedEnvironment:
    sandbox = ImmutableSandboxedEnvironment(
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=0,
        finalize=_printed,
    )
    sandbox.globals.clear()
    sandbox.filters = {name: sandbox.filters[name] for name in FILTERS} | {_TEXT: _as_string}
    sandbox.tests.clear()
    return sandbox


def _printed(value: Any) -> Any:
    """Return the printed form of a value: empty where it is absent, the lines of a list."""
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, tuple) else value


def _as_string(value: Any) -> str:
    return "" if value is None else str(value)


def _tree(source: str) -> nodes.Template:
    """Return the syntax tree of a source with decoded texts; raise _SourceRefused where it has none."""
    if len(source) > CHARACTERS_MAX:
        raise _SourceRefused(
            "too-long", message("A template may have at most {most} characters.", most=CHARACTERS_MAX)
        )
    _check_characters(source, 1)
    environment = _environment(is_html=False)
    try:
        _measure(environment.lex(source))
        tree = environment.parse(source)
    except TemplateSyntaxError as error:
        raise _SourceRefused("syntax", template_syntax.sentence(error)) from error
    except RecursionError as error:
        raise _SourceRefused("too-complex", message("The template is nested too deep.")) from error
    for node in tree.find_all(nodes.Const):
        _check_constant(node)
    return tree


def _check_constant(node: nodes.Const) -> None:
    if isinstance(node.value, str):
        try:
            # JSON and JavaScript write characters beyond 16 bits as two surrogates.
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            detail = message(
                "Line {line}: half a surrogate pair (\\ud800 to \\udfff) is not valid text; write the character itself.",
                line=node.lineno,
            )
            raise _SourceRefused("not-encodable", detail) from error
        _check_characters(node.value, node.lineno)


def _check_characters(text: str, line: int) -> None:
    if wrong := unprintable(text, line):
        raise _SourceRefused("not-encodable", wrong)


def unprintable(text: str, line: int = 1) -> Message | None:
    """Return the error for a character that cannot be stored, sent or read safely; None for none."""
    match = _UNPRINTABLE.search(text)
    if match is None:
        return None
    return message(
        "Line {line}: the character {character} is not allowed in a message; remove it.",
        line=line + text.count("\n", 0, match.start()),
        character=f"U+{ord(match.group()):04X}",
    )


def _measure(tokens: Iterable[tuple[int, str, str]]) -> None:
    """Raise _SourceRefused for a source too deep or too long to parse; the lexer itself is not recursive."""
    size = _Size()
    for line, kind, value in tokens:
        size.count_token(line, kind, value)


@dataclass(slots=True)
class _Size:
    """The size of a source read so far."""

    tags: int = 0
    signs: int = 0
    brackets: int = 0
    blocks: int = 0
    loops: int = 0
    branches: int = 0
    is_block: bool = False

    def count_token(self, line: int, kind: str, value: str) -> None:
        """Count a token; raise _SourceRefused above the limit."""
        if kind in {"variable_begin", "block_begin"}:
            self.tags, self.signs, self.brackets, self.is_block = self.tags + 1, 0, 0, kind == "block_begin"
            self._check_limit(self.tags <= _TAGS_MAX, line, _MANY_TAGS, _TAGS_MAX)
        elif kind in {"integer", "float"}:
            self._check_limit(len(value) <= _DIGITS_MAX, line, _MANY_DIGITS, _DIGITS_MAX)
        if kind in _TRIVIAL:
            return
        if self.is_block and self.signs == 0 and kind == "name":
            self._open_block(line, value)
        self.signs += 1
        self.brackets += (
            {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(value, 0) if kind == "operator" else 0
        )
        self._check_limit(self.signs <= _SIGNS_MAX or kind == "data", line, _MANY_SIGNS, _SIGNS_MAX)
        self._check_limit(self.brackets <= _BRACKETS_MAX, line, _DEEP_BRACKETS, _BRACKETS_MAX)

    def _open_block(self, line: int, statement: str) -> None:
        if statement not in _STATEMENTS:
            detail = message(
                "Line {line}: this statement is not supported ({statement}). Supported statements: {statements}.",
                line=line,
                statement=excerpt(statement[:40]),
                statements=_STATEMENTS,
            )
            raise _SourceRefused("not-allowed", detail)
        self.blocks += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(statement, 0)
        self.loops += {"for": 1, "endfor": -1}.get(statement, 0)
        self._check_limit(self.loops <= _LOOPS_MAX, line, _DEEP_LOOPS, _LOOPS_MAX)
        self.branches = (
            self.branches + 1 if statement == "elif" else 0 if statement == "if" else self.branches
        )
        self._check_limit(self.blocks <= _BLOCKS_MAX, line, _DEEP_BLOCKS, _BLOCKS_MAX)
        self._check_limit(self.branches <= _BRANCHES_MAX, line, _MANY_BRANCHES, _BRANCHES_MAX)

    @staticmethod
    def _check_limit(is_so: bool, line: int, limit: str, most: int) -> None:
        if not is_so:
            raise _SourceRefused("too-complex", Message(limit, {"line": line, "most": most}))


@dataclass(frozen=True, slots=True)
class _SourceChecker:
    """Checker of a tree by the allow list, which infers the possible kinds of every expression."""

    variables: frozenset[str]

    def statements(self, body: Sequence[nodes.Node], loop_names: Mapping[str, str]) -> Iterator[SourceFault]:
        """Yield the errors in statements, within loops over these names."""
        for node in body:
            if isinstance(node, nodes.Output):
                for inner in node.nodes:
                    if not isinstance(inner, nodes.TemplateData):
                        yield from self._faults(inner, loop_names)
            elif isinstance(node, nodes.If):
                yield from self._faults(node.test, loop_names)
                for branch in (node.body, node.elif_, node.else_):
                    yield from self.statements(branch, loop_names)
            elif isinstance(node, nodes.For):
                yield from self._loop(node, loop_names)
            else:
                yield _not_allowed(node)

    def _loop(self, node: nodes.For, loop_names: Mapping[str, str]) -> Iterator[SourceFault]:
        if not (isinstance(node.iter, nodes.Name) and node.iter.name in LISTS):
            detail = message("Line {line}: only {lists} are lists.", line=node.lineno, lists=sorted(LISTS))
            yield SourceFault("not-a-list", detail)
        elif not isinstance(node.target, nodes.Name) or node.recursive:
            yield _not_allowed(node)
        elif node.target.name in self.variables:
            detail = message(
                "Line {line}: {name} is a variable; use another name for the loop variable.",
                line=node.lineno,
                name=node.target.name,
            )
            yield SourceFault("name-taken", detail)
        else:
            inner = {**loop_names, node.target.name: _TEXT}
            if node.test is not None:
                yield from self._faults(node.test, inner)
            yield from self.statements(node.body, inner)
            yield from self.statements(node.else_, loop_names)

    def _faults(self, node: nodes.Node, loop_names: Mapping[str, str]) -> list[SourceFault]:
        faults: list[SourceFault] = []
        self._kinds(node, loop_names, faults)
        return faults

    def _kinds(
        self, node: nodes.Node, loop_names: Mapping[str, str], faults: list[SourceFault]
    ) -> frozenset[str]:
        """Return the possible kinds of an expression, and collect its errors."""
        match node:
            case nodes.Const():
                kinds = frozenset({_kind_of(node.value)})
            case nodes.Name():
                kinds = self._variable(node, loop_names, faults)
            case nodes.Not():
                self._kinds(node.node, loop_names, faults)
                kinds = frozenset({_FLAG})
            case nodes.And() | nodes.Or():
                kinds = self._kinds(node.left, loop_names, faults) | self._kinds(
                    node.right, loop_names, faults
                )
            case nodes.CondExpr():
                self._kinds(node.test, loop_names, faults)
                branches = [branch for branch in (node.expr1, node.expr2) if branch is not None]
                kinds = frozenset({_TEXT}).union(
                    *(self._kinds(branch, loop_names, faults) for branch in branches)
                )
            case nodes.Compare():
                kinds = self._comparison(node, loop_names, faults)
            case nodes.Filter() if node.name in FILTERS and node.node is not None:
                kinds = self._filter(node, node.node, loop_names, faults)
            case _:
                faults.append(_not_allowed(node))
                kinds = frozenset({_TEXT})
        return kinds

    def _variable(
        self, node: nodes.Name, loop_names: Mapping[str, str], faults: list[SourceFault]
    ) -> frozenset[str]:
        if node.name in loop_names:
            return frozenset({loop_names[node.name]})
        if node.name not in self.variables:
            detail = message(
                "Line {line}: unknown variable '{name}'. Valid variables: {names}.",
                line=node.lineno,
                name=excerpt(node.name[:40]),
                names=sorted(self.variables),
            )
            faults.append(SourceFault("unknown-variable", detail))
        kind = _LINES if node.name in LISTS else _PASSAGE if node.name in PASSAGES else None
        return frozenset({kind or (_FLAG if node.name in _FLAGS else _TEXT)})

    def _filter(
        self,
        node: nodes.Filter,
        filtered: nodes.Node,
        loop_names: Mapping[str, str],
        faults: list[SourceFault],
    ) -> frozenset[str]:
        if not self._kinds(filtered, loop_names, faults) <= {_TEXT, _ABSENT}:
            detail = message(
                "Line {line}: {filter} applies to text only.", line=node.lineno, filter=node.name
            )
            faults.append(SourceFault("not-a-text", detail))
        is_plain = not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
        is_trim = (
            node.name == "trim"
            and [_constant(argument) for argument in node.args] == [_TEXT]
            and not node.kwargs
        )
        if not (is_plain or is_trim):
            detail = message("Line {line}: {filter} takes no brackets.", line=node.lineno, filter=node.name)
            faults.append(SourceFault("not-allowed", detail))
        return frozenset({_TEXT})

    def _comparison(
        self, node: nodes.Compare, loop_names: Mapping[str, str], faults: list[SourceFault]
    ) -> frozenset[str]:
        left = self._kinds(node.expr, loop_names, faults)
        for operand in node.ops:
            right = self._kinds(operand.expr, loop_names, faults)
            if _PASSAGE in left | right:
                detail = message(
                    "Line {line}: {passages} cannot be compared; compare pay_by or contact instead.",
                    line=node.lineno,
                    passages=sorted(PASSAGES),
                )
                faults.append(SourceFault("not-a-text", detail))
            elif wrong := _mismatch(operand.op, left, right, node.lineno):
                faults.append(SourceFault("not-comparable", wrong))
            left = right
        return frozenset({_FLAG})


def _mismatch(sign: str, left: frozenset[str], right: frozenset[str], line: int) -> Message | None:
    """Return why two operands cannot be compared; None where they can, or always differ."""
    kinds = left | right
    if sign in _SIGNS and not (kinds <= {_TEXT, _ABSENT} or kinds == {_NUMBER}):
        return message(
            "Line {line}: {left} and {right} cannot be compared with {sign}; every variable is text.",
            line=line,
            left=_kind_names(left),
            right=_kind_names(right),
            sign=_SIGNS[sign],
        )
    if sign in _MEMBER and right != {_LINES} and not kinds <= {_TEXT, _ABSENT}:
        return message(
            "Line {line}: {left} cannot be in {right}; `in` searches for text in text or in an address.",
            line=line,
            left=_kind_names(left),
            right=_kind_names(right),
        )
    return None


_WRITTEN: Final = {
    _TEXT: message("text"),
    _NUMBER: message("number"),
    _FLAG: message("true or false"),
    _LINES: message("lines"),
    _PASSAGE: message("passage"),
    _ABSENT: message("none"),
}


def _kind_names(kinds: frozenset[str]) -> Message:
    return reduce(
        lambda first, other: message("{one} or {other}", one=first, other=other),
        sorted(_WRITTEN[kind] for kind in kinds),
    )


def _kind_of(value: Any) -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, bool):
        return _FLAG
    return _TEXT if isinstance(value, str) else _NUMBER


def _constant(node: nodes.Node) -> str | None:
    return _kind_of(node.value) if isinstance(node, nodes.Const) else None


def _not_allowed(node: nodes.Node) -> SourceFault:
    kind = node.name if isinstance(node, nodes.Filter | nodes.Test) else type(node).__name__.lower()
    detail = message(
        "Line {line}: this expression is not supported ({kind}). A template supports variables, if, for, comparisons and the filters {filters}.",
        line=node.lineno,
        kind=excerpt(kind[:40]),
        filters=sorted(FILTERS),
    )
    return SourceFault("not-allowed", detail)


def _make_total(node: nodes.Node) -> None:
    """Change a node so that it has a value even when its variables are absent."""
    match node:
        case nodes.CondExpr() if node.expr2 is None:
            node.expr2 = nodes.Const("", lineno=node.lineno)
        case nodes.Filter() if node.name != _TEXT and node.node is not None:
            node.node = _as_text(node.node)
        case nodes.Compare():
            is_number = _constant(node.expr) == _NUMBER
            for operand in node.ops:
                is_ordered = operand.op in _SIGNS and not is_number
                if is_ordered or (operand.op in _MEMBER and not _is_lines(operand.expr)):
                    node.expr, operand.expr = _as_text(node.expr), _as_text(operand.expr)


def _is_lines(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name in LISTS


def _as_text(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Filter) or _constant(node) == _TEXT:
        return node
    return nodes.Filter(node, _TEXT, [], [], None, None, lineno=node.lineno)

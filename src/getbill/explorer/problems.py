"""The catalogue of problems: every refusal of the API with its meaning and remedy.

It is derived from the classes themselves, so every refusal that can be raised is in the catalogue.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from getbill.kit.errors import Problem


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One problem type, as the catalogue shows it."""

    code: str
    status: int
    title: str
    meaning: str
    way_out: str
    # Whether it is the general problem of its status, of which the others are special cases.
    is_plain: bool


def problem_types() -> list[ProblemType]:
    """Return every problem type by status and code; a class without a code of its own is its parent's."""
    types_by_code = {"internal": _problem_type(Problem)}
    for kind in _subclasses(Problem):
        if "code" in vars(kind):
            types_by_code[kind.code] = _problem_type(kind)
    return sorted(types_by_code.values(), key=lambda problem_type: (problem_type.status, problem_type.code))


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for derived in kind.__subclasses__():
        yield derived
        yield from _subclasses(derived)


def _problem_type(kind: type[Problem]) -> ProblemType:
    meaning = "An unexpected error occurred." if kind is Problem else kind.__doc__ or ""
    return ProblemType(
        kind.code, kind.status, kind.title, " ".join(meaning.split()), kind.way_out, _is_plain(kind)
    )


def _is_plain(kind: type[Problem]) -> bool:
    return kind is Problem or Problem in kind.__bases__

"""The size figures of the style, printed on every run of bin/test so that drift shows the day it starts.

They are aims and fail nothing; what must hold stands in test_rules.py beside this file.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from architecture.language import ambiguous_classes, bare_names, canonical_share, repeated_functions
from architecture.source import ROOT, Function, Module, modules


def main() -> None:
    program, tests = modules(), modules(ROOT / "tests")
    lines = sum(module.lines for module in program)
    rows = [*_sizes(program), *_language(program, lines), *_words(program, lines), *_tests(program, tests)]
    print(f"Figures of {len(program)} files, {lines} lines (aim):")  # noqa: T201 printing is what it is for
    for name, value, aim in rows:
        print(f"  {name:<44}{value:>18}   ({aim})")  # noqa: T201 as above


def _sizes(program: Sequence[Module]) -> list[tuple[str, str, str]]:
    files = sorted(module.lines for module in program if module.lines)
    functions = [function for module in program for function in module.functions()]
    lengths = sorted(_length(function) for function in functions)
    parameters = max((_parameters(function) for function in functions), default=0)
    inner = sum(_inner_imports(function) for function in functions)
    over = sum(length > 50 for length in lengths)
    return [
        ("file median / p90 / max", _three(files), "<= 90 / 250 / 400"),
        ("lines in files over 500", str(sum(size for size in files if size > 500)), "0"),
        (
            "function median / p90 / over 50",
            f"{median(lengths):.0f} / {_p90(lengths)} / {over}",
            "<= 8 / 25 / 0",
        ),
        ("parameters of a function", str(parameters), "<= 6"),
        ("function-level imports", str(inner), "0"),
        (
            "top-level names",
            str(len({module.concept for module in program} - {"__init__", "__main__"})),
            "<= 34",
        ),
    ]


def _language(program: Sequence[Module], lines: int) -> list[tuple[str, str, str]]:
    repeated = repeated_functions(program)
    return [
        (
            "bare participles and pronouns per 1,000 lines",
            f"{1000 * len(bare_names(program)) / lines:.1f}",
            "<= 2",
        ),
        ("class names with two or more meanings", str(len(ambiguous_classes(program))), "<= 8"),
        ("function names with five or more definitions", str(len(repeated)), "verbs and protocols"),
        ("files that bear a canonical name", f"{100 * canonical_share(program):.0f} %", "-"),
        ("modules in the fullest folder", str(_fullest(program)), "<= 12"),
    ]


def _fullest(program: Sequence[Module]) -> int:
    folders = Counter(
        module.path.parent for module in program if module.path.stem not in {"__init__", "__main__"}
    )
    return max(size for folder, size in folders.items() if folder.name not in {"commands", "versions"})


def _words(program: Sequence[Module], lines: int) -> list[tuple[str, str, str]]:
    functions = [function for module in program for function in module.functions()]
    public = [function for function in functions if not function.name.startswith("_")]
    typed = [function for function in functions if function.returns is not None]
    documented = [module for module in program if ast.get_docstring(module.tree)]
    with_docstring = [function for function in public if ast.get_docstring(function)]
    comments = sum(_comments(module) for module in program)
    return [
        ("typed functions", _percent(len(typed), len(functions)), "100 %"),
        ("modules documented", _percent(len(documented), len(program)), "100 %"),
        ("public functions documented", _percent(len(with_docstring), len(public)), ">= 90 %"),
        ("comments", f"{100 * comments / lines:.1f} %", "2-5 %"),
    ]


def _tests(program: Sequence[Module], tests: Sequence[Module]) -> list[tuple[str, str, str]]:
    source = sum(module.lines for module in program)
    number = sum(function.name.startswith("test_") for module in tests for function in module.functions())
    mocks = sum(len(re.findall(r"\b(?:Mock|MagicMock|AsyncMock|patch)\(", module.text)) for module in tests)
    return [
        ("test : source", f"{sum(module.lines for module in tests) / source:.2f}", "1.2-1.6"),
        ("tests", str(number), "-"),
        ("mocks per test", f"{mocks / max(number, 1):.2f}", "<= 0.05"),
    ]


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def _inner_imports(function: Function) -> int:
    return sum(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))


def _comments(module: Module) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    return sum(token.type == tokenize.COMMENT and "noqa" not in token.string for token in tokens)


def _p90(sizes: Sequence[int]) -> int:
    return sizes[int(len(sizes) * 0.9)]


def _three(sizes: Sequence[int]) -> str:
    return f"{median(sizes):.0f} / {_p90(sizes)} / {sizes[-1]}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.0f} %"


if __name__ == "__main__":
    main()

"""Habits of the source that a reader relies on, held file by file."""

import ast
import re

import pytest

from architecture.source import FUNCTIONS, functions, modules

CLOCK = "kit.clock"
WALL = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "gmtime"),
    ("time", "localtime"),
}
# Statements that run where there is no kit.db: each with the reason.
SQL_ELSEWHERE = {
    "embedded": "the cluster's own set-up, before there is a database of ours",
    "migrations": "what makes the database, run by Alembic and by the start check",
    "kit.wakes": "the notification under every transaction",
    "kit.db": "joins the statements that a transaction deferred",
    "first_run": "asked before the application's pool is opened",
}
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s)", re.DOTALL
)


def test_only_the_clock_reads_the_wall_clock() -> None:
    wrong = [
        module.place(node)
        for module in modules()
        if module.name != CLOCK
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in WALL
    ]

    assert not wrong, "Take the instant as an argument, or ask kit.clock: " + ", ".join(wrong)


def test_every_module_says_what_it_is() -> None:
    wrong = [module.place(module.tree) for module in modules() if not ast.get_docstring(module.tree)]

    assert not wrong, "Say in the first line what it is to a collector: " + ", ".join(wrong)


def test_every_public_function_states_its_promise() -> None:
    wrong = [
        module.place(node)
        for module in modules()
        for holder in ast.walk(module.tree)
        if isinstance(holder, ast.Module | ast.ClassDef) and not getattr(holder, "name", "").startswith("_")
        for node in holder.body
        if isinstance(node, FUNCTIONS)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not any(
            isinstance(mark, ast.Name) and mark.id in {"override", "overload"} for mark in node.decorator_list
        )
    ]

    assert not wrong, "One sentence, imperative: " + ", ".join(wrong)


def test_imports_stand_at_the_top() -> None:
    wrong = [
        module.place(node)
        for module in modules()
        for function in functions(module.tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not wrong, "A function imports: " + ", ".join(wrong)


def test_sql_has_a_name_and_a_sentence() -> None:
    wrong = []
    for module in modules():
        if module.name in SQL_ELSEWHERE or module.package in SQL_ELSEWHERE:
            continue
        named = {id(text) for call in _statements(module.tree) for text in ast.walk(call)}
        composed = _constants_used_in(module.tree, named)
        wrong += [
            module.place(node)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.match(node.value)
            and id(node) not in named | composed
        ]

    assert not wrong, "Make it a kit.db.Statement: " + ", ".join(wrong)


def _statements(tree: ast.AST) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Statement"
    ]


def _constants_used_in(tree: ast.Module, named: set[int]) -> set[int]:
    """Texts that a statement of the same module is composed of, by the name they were given."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) in named}
    # A function that composes a statement may take the text as an argument or build it in a variable.
    composing = [function for function in functions(tree) if _statements(function)]
    held = {id(node) for function in composing for node in ast.walk(function)}
    taken = {
        node.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in {function.name for function in composing}
        for node in ast.walk(call)
        if isinstance(node, ast.Name)
    }
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id in used | taken for target in targets):
            held |= {id(inner) for inner in ast.walk(node)}
    return held


@pytest.mark.parametrize("word", ["Service", "Manager", "Helper", "Util", "Base", "Impl", "Handler"])
def test_no_name_hides_what_it_does_behind(word: str) -> None:
    wrong = [
        module.place(node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and (node.name.endswith(word) or node.name.startswith(word))
    ]

    assert not wrong, "Name it after what it is: " + ", ".join(wrong)

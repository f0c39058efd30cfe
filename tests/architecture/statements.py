"""Every statement of ours, found in the loaded modules, and the names of those in the source."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import product
from types import ModuleType

from architecture.source import modules
from getbill.companies.deletion import delete_statement
from getbill.debts.queries import CONDITIONS, SORTS, count_statement, page_statement
from getbill.kit.database.transactions import Statement


@cache
def loaded() -> list[ModuleType]:
    # Alembic's environment runs when it is imported; `__main__` is the program.
    skipped = ("migrations.env", "__main__")
    return [
        import_module(f"getbill.{module.dotted}".rstrip("."))
        for module in modules()
        if module.dotted not in skipped
    ]


def statements() -> Iterator[Statement]:
    """Every statement of ours, those composed from a list's filters too."""
    seen: dict[str, Statement] = {}
    for module in loaded():
        for value in vars(module).values():
            for item in (
                value.values()
                if isinstance(value, dict)
                else value
                if isinstance(value, list | tuple)
                else [value]
            ):
                if isinstance(item, Statement):
                    assert seen.setdefault(item.name, item) is item, f"Two statements are called {item.name}."
    yield from seen.values()
    yield from (delete_statement(table, "workspace_id") for table in ("debts", "access_log"))
    for names in [(), *((name,) for name in CONDITIONS), tuple(CONDITIONS)]:
        yield count_statement(names)
        for sort, is_after in product(SORTS, (False, True)):
            yield page_statement(names, sort, is_after=is_after)


def names_in_source() -> set[str]:
    """The names of statements that stand in the source as they are."""
    return {
        node.args[0].value
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Statement", "insert_statement", "update_statement"}
        and isinstance(node.args[0], ast.Constant)
    }

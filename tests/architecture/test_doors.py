"""A package is one concept behind one door, no two modules need each other, and SQL has a name and a sentence."""

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from architecture.source import PROGRAM, ROOT, Function, modules, names_of

# Modules that are imported past the door of their package; each with the reason.
SIDE_DOORS = {
    "channels.senders": "a package of its own, behind a door of its own",
    "sftp.server": "asyncssh is loaded only by the process that listens",
    "migrations.actions": "Alembic is loaded only by the processes that migrate",
}
# Packages without a door: their modules are imported one by one.
WITHOUT_DOOR = {
    "kit": "a library: a process loads the parts it needs",
    "kit.files": "as kit",
    "kit.text": "as kit",
    "commands": "a module for each command, loaded by its name",
    "process": "a module for each process, loaded by its command",
}
# Who puts the parts together takes each package's routes and jobs.
COMPOSERS = {"process.app": "api", "process.worker": "jobs"}
# Where SQL stands that is no `kit.database.Statement`; each with the reason.
SQL_ELSEWHERE = {
    "embedded": "the cluster's own set-up, before there is a database of ours",
    "migrations": "what makes the database, run by Alembic and by the check at start",
    "kit.database.notify": "the notification under every transaction",
    "kit.database.transactions": "joins the statements that a transaction deferred",
    "process.bootstrap": "asked before the application's pool is opened",
}
SQL = re.compile(r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s)")


def test_a_package_is_entered_by_its_door() -> None:
    wrong = [
        f"{module.place(node)} imports {target}"
        for module in modules()
        for node, target in module.imports
        if (door := _door_passed(module.dotted, target)) and not _may_pass(module.dotted, target, door)
    ]

    assert not wrong, "Export it in the package's __init__ and take it from there:\n" + "\n".join(wrong)


def _door_passed(importer: str, target: str) -> str:
    """The outermost package around the target that the importer stands outside of, or nothing."""
    parts = target.split(".")
    packages = [".".join(parts[:end]) for end in range(1, len(parts))]
    outside = (package for package in packages if not f"{importer}.".startswith(f"{package}."))
    return next((package for package in outside if package not in WITHOUT_DOOR), "")


def _may_pass(importer: str, target: str, door: str) -> bool:
    is_parent = importer == door.rpartition(".")[0]
    return is_parent or target in SIDE_DOORS or target == f"{door}.{COMPOSERS.get(importer)}"


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {module.dotted: {target for _, target in module.imports} for module in modules()}

    circle = first_circle(graph)

    assert not circle, f"Break the circle {' -> '.join(circle)}: part of one belongs below both."


def first_circle(graph: dict[str, set[str]]) -> list[str]:
    """The first circle of a graph of imports, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for target in sorted(graph.get(name, ())):
                if match := walk(target, [*path, name]):
                    return match
        done.add(name)
        return []

    return next((result for start in sorted(graph) if (result := walk(start, []))), [])


def test_every_public_function_states_its_promise() -> None:
    wrong = [
        module.place(node)
        for module in modules()
        for holder in ast.walk(module.tree)
        if isinstance(holder, ast.Module | ast.ClassDef) and not getattr(holder, "name", "").startswith("_")
        for node in holder.body
        if isinstance(node, Function) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]

    assert not wrong, "One sentence, imperative: " + ", ".join(wrong)


def test_sql_has_a_name_and_a_sentence() -> None:
    wrong = []
    for module in modules():
        if {module.dotted, module.concept} & SQL_ELSEWHERE.keys():
            continue
        locked = _held_by_statements(module.tree)
        wrong += [
            module.place(node)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.match(node.value)
            and id(node) not in locked
        ]

    assert not wrong, "Make it a kit.database.Statement: " + ", ".join(wrong)


def _held_by_statements(tree: ast.Module) -> set[int]:
    """Every text a statement is made of: written in it, composed in a function, or by the name it was given."""
    composing = [
        node for node in ast.walk(tree) if isinstance(node, Function) and _calls(node, {"Statement"})
    ]
    makers = {"Statement", *(function.name for function in composing)}
    holders: list[ast.AST] = [*_calls(tree, makers), *composing]
    named = {node.id for holder in holders for node in ast.walk(holder) if isinstance(node, ast.Name)}
    holders += [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and any(isinstance(target, ast.Name) and target.id in named for target in ast.walk(node))
    ]
    return {id(node) for holder in holders for node in ast.walk(holder)}


def _calls(tree: ast.AST, names: set[str]) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def test_a_name_comes_from_its_module_or_from_a_door() -> None:
    wrong = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("getbill.")):
                continue
            source = PROGRAM.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            if source.exists():
                passed_on = {alias.name for alias in node.names} & imported_names(source)
                wrong += [f"{module.place(node)} imports {name} from {node.module}" for name in passed_on]

    assert not wrong, "Import it from where it is defined:\n" + "\n".join(wrong)


@cache
def imported_names(source: Path) -> frozenset[str]:
    return frozenset(
        alias.asname or alias.name
        for node in ast.parse(source.read_text("utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def test_a_door_offers_what_somebody_uses() -> None:
    doors = {
        ".".join(path.parent.relative_to(PROGRAM.parent).parts): set(
            names_of(ast.parse(path.read_text("utf-8")))
        )
        for path in PROGRAM.rglob("__init__.py")
        if path.parent != PROGRAM
    }
    users = [
        path for folder in ("src", "tests", "bench", "testbed") for path in (ROOT / folder).rglob("*.py")
    ]
    for path in users:
        if "node_modules" in path.parts:
            continue
        for door, name in names_used(ast.parse(path.read_text("utf-8")), doors.keys()):
            doors[door].discard(name)
    unused = {door: sorted(names) for door, names in doors.items() if names}

    assert not unused, f"Nobody imports these from the package; take them from its `__init__`: {unused}"


def names_used(tree: ast.Module, doors: Collection[str]) -> Iterator[tuple[str, str]]:
    """The names that a module takes from doors, each with its door."""
    packages = {door: door for door in doors}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in doors:
                    packages[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                elif node.module in doors:
                    yield node.module, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (door := packages.get(ast.unparse(node.value))):
            yield door, node.attr

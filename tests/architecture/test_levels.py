"""Imports go downward only, through each package's door. The levels are those of docs/architecture.md."""

from architecture.source import modules, names

# From the ground up; packages on one line do not import each other.
LEVELS = [
    ["kit"],
    ["embedded", "migrations"],
    ["vault"],
    ["events"],
    ["companies", "channels"],
    ["access"],
    ["scenarios", "compliance"],
    ["debtors", "creditors"],
    ["debts"],
    ["payments", "followups"],
    ["plans"],
    ["timelines"],
    ["conversations"],
    ["webhooks", "imports", "reports", "todos"],
    ["sandbox", "dashboard", "portal"],
]
# What is put together from all of it: no package imports these.
TOP = {
    "__main__",
    "app",
    "children",
    "cli",
    "commands",
    "demo",
    "explorer",
    "first_run",
    "greeting",
    "health",
    "listener",
    "reactions",
    "serve",
    "settings",
    "worker",
}
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}

# Rooms that may be entered past the door, with the reason.
SIDE_DOORS = {
    "debts.queries": "tests/architecture parses the statements it composes",
    "migrations.actions": "Alembic is loaded only by the processes that migrate",
}


def test_every_package_has_its_level() -> None:
    found = {module.package for module in modules() if module.name}

    unknown = found - LEVEL.keys() - TOP

    assert not unknown, f"Give {sorted(unknown)} a level in {__file__} and in docs/architecture.md."


def test_imports_go_downward_only() -> None:
    wrong = []
    for module in modules():
        for node, target, _ in module.imports():
            package = target.split(".")[0]
            if package == module.package or module.package in TOP or package.startswith("_"):
                continue
            if package in TOP or LEVEL[package] >= LEVEL.get(module.package, -1):
                wrong.append(f"{module.place(node)} imports {target}")

    assert not wrong, "Record an event and react in reactions.py, or move it up:\n" + "\n".join(wrong)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {module.name: set[str]() for module in modules()}
    for module in modules():
        for _, target, taken in module.imports():
            inner = f"{target}.{taken}" if f"{target}.{taken}" in names() else target
            # A package's own door re-exports its rooms; a room asks the room, not the door.
            if inner in graph and inner != module.name:
                graph[module.name].add(inner)

    assert not (circle := _circle(graph)), (
        f"Break the circle {' -> '.join(circle)}: one of them belongs below."
    )


def _circle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph[name]):
            if found := walk(target, [*path, name]):
                return found
        done.add(name)
        return []

    for start in sorted(graph):
        if found := walk(start, []):
            return found
    return []


def test_a_package_is_entered_by_its_door() -> None:
    wrong = []
    for module in modules():
        for node, target, taken in module.imports():
            package, _, room = target.partition(".")
            inner = f"{target}.{taken}" if f"{target}.{taken}" in names() else target
            room = inner.partition(".")[2]
            if package in {module.package, "kit", "commands"} or not room or inner in SIDE_DOORS:
                continue
            # The application alone takes each package's routes and jobs.
            if module.package in TOP and room in {"api", "jobs"}:
                continue
            wrong.append(f"{module.place(node)} imports {inner}")

    assert not wrong, "Export it in the package's __init__ and take it from there:\n" + "\n".join(wrong)

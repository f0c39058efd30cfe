"""The plan of the house: few rooms, none overcrowded, and each needs only those below it."""

from collections import Counter, defaultdict

from architecture.source import PROGRAM, modules
from architecture.test_doors import first_circle

CONCEPTS_MAX = 35
MODULES_MAX = 12
# Folders that grow by one module a command or a revision.
UNBOUNDED = {"commands", "migrations", "migrations/versions"}


def test_there_are_few_concepts() -> None:
    concepts = {module.concept for module in modules()} - {"__init__", "__main__"}

    assert len(concepts) <= CONCEPTS_MAX, f"Put it into the room of its noun: {sorted(concepts)}"


def test_no_folder_is_overcrowded() -> None:
    sizes = Counter(
        str(module.path.parent.relative_to(PROGRAM))
        for module in modules()
        if module.path.name not in {"__init__.py", "__main__.py"}
    )

    crowded = {folder: size for folder, size in sizes.items() if size > MODULES_MAX}

    assert crowded.keys() <= UNBOUNDED, f"Split the folder by noun: {crowded}"


def test_the_parts_of_a_package_do_not_need_each_other_in_a_circle() -> None:
    packages = {module.dotted for module in modules() if module.path.name == "__init__.py"}
    circles = [circle for package in sorted(packages) if (circle := first_circle(_parts(package)))]

    assert not circles, f"Part of one belongs below both: {circles}"


def _parts(package: str) -> dict[str, set[str]]:
    """Which direct parts of a package, modules and sub-packages, import which others."""
    inside = f"{package}." if package else ""
    graph = defaultdict[str, set[str]](set)
    for module in modules():
        for _, target in module.imports:
            if module.dotted.startswith(inside) and target.startswith(inside):
                importer = module.dotted.removeprefix(inside).partition(".")[0]
                imported = target.removeprefix(inside).partition(".")[0]
                graph[importer] |= {imported} - {importer}
    return graph

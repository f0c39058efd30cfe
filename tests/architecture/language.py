"""The language of the code, counted: names that say nothing, class names and function names of several meanings."""

import ast
from collections import defaultdict
from collections.abc import Sequence

from architecture.source import Function, Module

# Participles and pronouns: as a name, each leaves open what the thing is.
BARE_WORDS = frozenset(
    [
        "found",
        "one",
        "asked",
        "told",
        "shown",
        "wanted",
        "known",
        "taken",
        "made",
        "given",
        "held",
        "opened",
        "said",
        "placed",
        "met",
        "tried",
        "claimed",
        "carried",
        "settled",
        "owed",
        "heard",
        "meant",
        "others",
    ]
)
CANONICAL = {"model", "actions", "queries", "wire", "api", "jobs", "__init__"}
DEFINITIONS_MAX = 4


def bare_names(program: Sequence[Module]) -> list[str]:
    """Every variable and parameter whose whole name is one of the bare words, with its place."""
    return [
        f"{module.place(node)} {name}"
        for module in program
        for node in ast.walk(module.tree)
        if (name := _name_of(node)) in BARE_WORDS
    ]


def _name_of(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else None


def ambiguous_classes(program: Sequence[Module]) -> dict[str, list[str]]:
    """Public class names that are defined in more than one file, with the files."""
    places = defaultdict[str, set[str]](set)
    for module in program:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(module.name)
    return {name: sorted(files) for name, files in sorted(places.items()) if len(files) > 1}


def repeated_functions(program: Sequence[Module]) -> dict[str, list[str]]:
    """Function names with so many definitions that a search finds no single one, with the files."""
    places = defaultdict[str, list[str]](list)
    for module in program:
        for function in module.functions():
            if not _is_magic(function):
                places[function.name].append(module.name)
    return {name: files for name, files in sorted(places.items()) if len(files) > DEFINITIONS_MAX}


def _is_magic(function: Function) -> bool:
    return function.name.startswith("__")


def canonical_share(program: Sequence[Module]) -> float:
    """The share of files in packages that bear one of the canonical names."""
    inside = [module for module in program if len(module.path.parts) and "/" in module.name]
    return sum(module.path.stem in CANONICAL for module in inside) / max(len(inside), 1)

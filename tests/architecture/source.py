"""The source as the architecture tests read it: every module of the package, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import getbill

HOME = Path(getbill.__file__).parent
ROOT = HOME.parents[1]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One file of the package: its dotted name below `getbill`, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The concept the file belongs to."""
        return self.name.split(".")[0]

    def place(self, node: ast.AST) -> str:
        """Where a node stands, as an editor opens it."""
        return f"src/getbill/{self.path.relative_to(HOME)}:{getattr(node, 'lineno', 1)}"

    def imports(self) -> Iterator[tuple[ast.AST, str, str]]:
        """Every import of ours: the node, the dotted name below `getbill`, and the name taken from it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.startswith("getbill."):
                        yield node, alias.name.removeprefix("getbill."), ""
            elif isinstance(node, ast.ImportFrom) and node.module == "getbill":
                for alias in node.names:
                    yield node, alias.name, ""
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("getbill."):
                for alias in node.names:
                    yield node, str(node.module).removeprefix("getbill."), alias.name


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, in the order of their names."""
    found = []
    for path in sorted(HOME.rglob("*.py")):
        if "static" in path.relative_to(HOME).parts:
            continue
        parts = path.relative_to(HOME).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        text = path.read_text("utf-8")
        found.append(Module(name, path, text, ast.parse(text, str(path))))
    return tuple(found)


@cache
def names() -> frozenset[str]:
    """The dotted names of all modules."""
    return frozenset(module.name for module in modules())


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a tree, methods and nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))

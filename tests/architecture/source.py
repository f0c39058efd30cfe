"""The program's own source as the architecture tests read it: parsed once, file by file."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "src" / "getbill"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of Python."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        """Its place in the package, as in `debts/actions.py`."""
        return str(self.path.relative_to(PROGRAM))

    @property
    def concept(self) -> str:
        """The package or top-level module it belongs to; a package's first word."""
        return self.path.relative_to(PROGRAM).with_suffix("").parts[0]

    @property
    def dotted(self) -> str:
        """Its name below `getbill`, as an import writes it."""
        parts = self.path.relative_to(PROGRAM).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def place(self, node: ast.AST) -> str:
        """Where a node stands, as an editor opens it."""
        return f"src/getbill/{self.name}:{getattr(node, 'lineno', 1)}"

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    @cached_property
    def imports(self) -> tuple[tuple[ast.stmt, str], ...]:
        """Every module of ours that this one imports, by its dotted name below `getbill`, with the import."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[tuple[ast.stmt, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.startswith("getbill."):
                        yield node, alias.name.removeprefix("getbill.")
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "getbill":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}".removeprefix("getbill.")
                    package = (node.module or "").removeprefix("getbill.")
                    is_room = _is_module(whole) and (
                        package == self.concept or alias.name not in _exports(package)
                    )
                    yield node, whole if is_room else package

    def imported_concepts(self) -> Iterator[tuple[str, int]]:
        """Every concept of ours this module imports, with the line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    if name.name.startswith("getbill."):
                        yield name.name.split(".")[1], node.lineno
            elif isinstance(node, ast.ImportFrom) and node.module == "getbill":
                for name in node.names:
                    if (PROGRAM / name.name).exists() or (PROGRAM / f"{name.name}.py").exists():
                        yield name.name, node.lineno
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("getbill."):
                yield (node.module or "").split(".")[1], node.lineno


def _is_module(dotted: str) -> bool:
    place = PROGRAM.joinpath(*dotted.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


@cache
def _exports(package: str) -> frozenset[str]:
    """What a package's door hands out: such a name is not the module of that name."""
    door = PROGRAM.joinpath(*package.split("."), "__init__.py")
    if not door.exists():
        return frozenset()
    return frozenset(names_of(ast.parse(door.read_text("utf-8"))))


def names_of(tree: ast.Module) -> Iterator[str]:
    """Every name that a module binds at its top."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (
                part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
            )


@cache
def modules(folder: Path = PROGRAM) -> list[Module]:
    """Every module of a folder, read and parsed once a run."""
    return [Module(path) for path in sorted(folder.rglob("*.py"))]

"""What a database distributed by workspace cannot run over all workspaces.

Such a statement locks and writes nothing, is not recursive, calls no function that differs from machine to
machine, and joins or compares rows of one workspace with rows of the same.
"""

from collections.abc import Iterable
from typing import Any

from pglast import ast, parse_sql
from pglast.visitors import Visitor

from architecture.tenancy import COLUMN, Reading, Scope, Source, readings

# Functions that lock, notify, or answer differently on each machine.
VOLATILE = {
    "gen_random_uuid",
    "nextval",
    "pg_advisory_xact_lock",
    "pg_notify",
    "pg_try_advisory_xact_lock",
    "random",
}


def undistributable(text: str, tables: Iterable[str]) -> list[str]:
    """Say why a distributed database cannot run a statement over all workspaces."""
    forbidden = _Forbidden()
    forbidden(parse_sql(text))
    return sorted(forbidden.results) + [
        result for reading in readings(text, tables) for result in _apart(reading)
    ]


def named_tables(text: str) -> set[str]:
    """The tables and expressions that a statement names."""
    return {node.relname for node in _nodes(text, ast.RangeVar)}


def written_tables(text: str) -> set[str]:
    """The tables that a statement writes."""
    return {node.relation.relname for node in _nodes(text, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)}


def _nodes(text: str, *kinds: type[ast.Node]) -> list[Any]:
    class Nodes(Visitor):
        def __init__(self) -> None:
            self.results: list[Any] = []

        def visit(self, _ancestors: Any, node: ast.Node) -> None:
            if isinstance(node, kinds):
                self.results.append(node)

    nodes = Nodes()
    nodes(parse_sql(text))
    return nodes.results


class _Forbidden(Visitor):
    """What is run in one workspace only."""

    def __init__(self) -> None:
        self.results: set[str] = set()

    def visit(self, _ancestors: Any, node: ast.Node) -> None:
        """Note what stands here, if it is forbidden."""
        if isinstance(node, ast.LockingClause):
            self.results.add("locks rows")
        elif isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt):
            self.results.add("writes")
        elif isinstance(node, ast.WithClause) and node.recursive:
            self.results.add("is recursive")
        elif isinstance(node, ast.FuncCall) and node.funcname[-1].sval in VOLATILE:
            self.results.add(f"calls {node.funcname[-1].sval}")


class _Names(Visitor):
    """Which sources a query names, and which of them are its own."""

    def __init__(self) -> None:
        self.qualifiers: set[str] = set()
        self.aliases: set[str] = set()

    def visit(self, _ancestors: Any, node: ast.Node) -> None:
        """Note the names at a node."""
        if isinstance(node, ast.ColumnRef) and len(node.fields) == 2:
            self.qualifiers.add(node.fields[0].sval)
        elif isinstance(node, ast.RangeVar):
            self.aliases.add(node.alias.aliasname if node.alias else node.relname)
        elif isinstance(node, ast.RangeSubselect | ast.RangeFunction) and node.alias:
            self.aliases.add(node.alias.aliasname)


def _apart(reading: Reading) -> list[str]:
    """What is joined or compared with rows of other workspaces than its own."""
    groups = _Groups(reading)
    wrong = []
    for scope in reading.scopes:
        own = [source for source in scope.sources.values() if source.table in reading.tables]
        compared = _compared(scope) if own else []
        names = ", ".join(str(source.table) for source in own)
        if any(source.table and source.table not in reading.tables for source in compared):
            wrong.append(f"looks {names} up for each row of a reference table")
        elif len({groups.of(source) for source in [*own, *compared]}) > 1:
            wrong.append(f"compares {names} across workspaces")
    return wrong


def _compared(scope: Scope) -> list[Source]:
    """The sources further out that a query compares its own rows with."""
    names = _Names()
    names(scope.node)
    outer = scope.outer
    return [source for name in names.qualifiers - names.aliases if outer and (source := outer.named(name))]


class _Groups:
    """Columns that are equal by conditions, or handed on, are in one group."""

    def __init__(self, reading: Reading) -> None:
        sources = [source for scope in reading.scopes for source in scope.sources.values()]
        values = {
            id(value): value
            for value in (
                *reading.values,
                *(value for source in sources for value in source.columns.values()),
            )
        }
        self._groups = {key: key for key in values}
        for key, value in values.items():
            for other in (*value.equals, *value.origins):
                self._join(key, id(other))

    def of(self, source: Source) -> int:
        """The group of a source's workspace."""
        key = id(source.column(COLUMN))
        return self._groups.setdefault(key, key)

    def _join(self, key: int, other: int) -> None:
        one, two = self._groups[key], self._groups.setdefault(other, other)
        for member, group in self._groups.items():
            if group == two:
                self._groups[member] = one

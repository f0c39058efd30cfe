"""Reads a statement the way a tenant would: is every table of theirs held to one workspace?

A table is held when its `workspace_id` equals a parameter, or that of another table that is held. What a condition
under OR says holds nothing. Common table expressions, subqueries and functions hand on what was held inside them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, SetOperation, SubLinkType

COLUMN = "workspace_id"
EQUALITIES = {A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_IN}


@dataclass(eq=False)
class Source:
    """Something rows come from: a table, or what a subquery, an expression or a function hands on."""

    table: str | None
    is_held: bool = False
    # Held as soon as one of these is.
    follows: list["Source"] = field(default_factory=list)


@dataclass
class Scope:
    """What names mean inside one query."""

    outer: "Scope | None"
    sources: dict[str, Source] = field(default_factory=dict)

    def named(self, alias: str) -> Source | None:
        """The source of an alias, here or further out."""
        return self.sources.get(alias) or (self.outer.named(alias) if self.outer else None)

    def owns(self, source: Source) -> bool:
        """Whether the source is one of this query's own."""
        return source in self.sources.values()


class Reading:
    """One statement, read."""

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = frozenset(tables)
        self.met: list[Source] = []
        self.wrong: list[str] = []

    def query(self, node: Any, names: frozenset[str], outer: Scope | None) -> None:
        """Read a query and everything inside it."""
        names = self._expressions(node, names, outer)
        if isinstance(node, ast.SelectStmt) and node.op != SetOperation.SETOP_NONE:
            self.query(node.larg, names, outer)
            self.query(node.rarg, names, outer)
            return
        scope = Scope(outer)
        if isinstance(node, ast.InsertStmt):
            self._insert(node, names, scope)
        elif isinstance(node, ast.UpdateStmt | ast.DeleteStmt):
            self._source(node.relation, names, scope)
        origins = (
            getattr(node, "usingClause", None)
            if isinstance(node, ast.DeleteStmt)
            else getattr(node, "fromClause", None)
        )
        for origin in origins or ():
            self._source(origin, names, scope)
        self._holds(getattr(node, "whereClause", None), scope)
        for inner in _subqueries(node):
            self.query(inner, names, scope)

    def _expressions(self, node: Any, names: frozenset[str], outer: Scope | None) -> frozenset[str]:
        clause = getattr(node, "withClause", None)
        if clause is None:
            return names
        for expression in clause.ctes:
            self.query(expression.ctequery, names | {expression.ctename}, outer)
            names |= {expression.ctename}
        return names

    def _insert(self, node: ast.InsertStmt, names: frozenset[str], scope: Scope) -> None:
        table = node.relation.relname
        columns = {column.name for column in node.cols or ()}
        if table in self.tables and COLUMN not in columns:
            self.wrong.append(f"inserts into {table} without {COLUMN}")
        alias = node.relation.alias.aliasname if node.relation.alias else table
        scope.sources[alias] = Source(None, is_held=True)
        if node.selectStmt is not None:
            self.query(node.selectStmt, names, scope)

    def _source(self, node: Any, names: frozenset[str], scope: Scope) -> list[Source]:
        if isinstance(node, ast.JoinExpr):
            left, right = self._source(node.larg, names, scope), self._source(node.rarg, names, scope)
            if any(name.sval == COLUMN for name in node.usingClause or ()):
                for item in left:
                    for other in right:
                        item.follows.append(other)
                        other.follows.append(item)
            self._holds(node.quals, scope)
            for inner in _subqueries(node.quals):
                self.query(inner, names, scope)
            return left + right
        if isinstance(node, ast.RangeVar):
            name = node.relname
            source = Source(None, is_held=True) if name in names else Source(name)
            scope.sources[node.alias.aliasname if node.alias else name] = source
        else:
            if isinstance(node, ast.RangeSubselect):
                self.query(node.subquery, names, scope)
            source = Source(None, is_held=True)
            scope.sources[node.alias.aliasname if node.alias else f"unnamed {len(scope.sources)}"] = source
        self.met.append(source)
        return [source]

    def _holds(self, condition: Any, scope: Scope) -> None:
        if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
            for part in condition.args:
                self._holds(part, scope)
        elif (
            isinstance(condition, ast.A_Expr)
            and condition.kind in EQUALITIES
            and condition.name[0].sval == "="
        ):
            for item, other in _pairs(condition.lexpr, condition.rexpr):
                self._equal(item, other, scope)
                self._equal(other, item, scope)
        elif isinstance(condition, ast.SubLink) and condition.subLinkType == SubLinkType.ANY_SUBLINK:
            for item, _ in _pairs(condition.testexpr, None):
                source = self._meant(item, scope)
                if source is not None and scope.owns(source):
                    source.is_held = True

    def _equal(self, item: Any, other: Any, scope: Scope) -> None:
        source = self._meant(item, scope)
        if source is None or not scope.owns(source):
            return
        while isinstance(other, ast.TypeCast):
            other = other.arg
        if isinstance(other, ast.ParamRef | ast.SubLink):
            source.is_held = True
        elif isinstance(other, ast.ColumnRef):
            fields = [part.sval for part in other.fields]
            giver = scope.named(fields[0]) if len(fields) == 2 else None
            if giver is not None and (giver.table is None or fields[-1] == COLUMN):
                source.follows.append(giver)

    def _meant(self, node: Any, scope: Scope) -> Source | None:
        if not isinstance(node, ast.ColumnRef) or getattr(node.fields[-1], "sval", None) != COLUMN:
            return None
        if len(node.fields) == 2:
            return scope.named(node.fields[0].sval)
        # Unqualified it is the only one, or the one that USING made of several.
        return next((source for source in scope.sources.values() if source.table), None)

    def loose(self) -> list[str]:
        """The tables that are held to no workspace."""
        changed = True
        while changed:
            changed = False
            for source in self.met:
                if not source.is_held and any(other.is_held for other in source.follows):
                    source.is_held = changed = True
        free = [source.table for source in self.met if source.table in self.tables and not source.is_held]
        return [f"reads {table} of every workspace" for table in free] + self.wrong


def _pairs(item: Any, other: Any) -> list[tuple[Any, Any]]:
    if isinstance(item, ast.RowExpr):
        rest = other.args if isinstance(other, ast.RowExpr) else [other] * len(item.args)
        return list(zip(item.args, rest, strict=True))
    return [(item, other)]


def _subqueries(node: Any) -> Iterator[Any]:
    """The queries that stand in a node's expressions, not those its FROM and WITH were read from already."""
    if isinstance(node, tuple | list):
        for part in node:
            yield from _subqueries(part)
    elif isinstance(node, ast.SubLink):
        yield node.subselect
        yield from _subqueries(node.testexpr)
    elif isinstance(node, ast.Node):
        read = {"withClause", "fromClause", "usingClause", "selectStmt", "larg", "rarg", "relation"}
        for name in node:
            if not (
                name in read
                and isinstance(node, ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt)
            ):
                yield from _subqueries(getattr(node, name))


def loose_tables(text: str, tables: Iterable[str]) -> list[str]:
    """Say which of these tables a statement touches without holding them to one workspace."""
    reading = Reading(tables)
    for statement in parse_sql(text):
        node = statement.stmt
        if isinstance(node, ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
            reading.query(node, frozenset(), None)
        elif isinstance(node, ast.MergeStmt):
            reading.wrong.append("is a MERGE, which this reading does not know")
    return reading.loose()

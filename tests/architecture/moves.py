"""Reads what a statement does to a column of states: the values it writes, over which, and those it compares with.

A written value is a word, or comes at run time: a parameter, or a column of something else. What is written over is
said by the WHERE, by that of a subquery which locks the same row, and by the WHEN of a CASE.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, SubLinkType

QUERIES = ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt
LISTS = {A_Expr_Kind.AEXPR_IN, A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_OP_ALL}


@dataclass(frozen=True)
class Column:
    """A column of states, and all of its values."""

    table: str
    name: str
    values: frozenset[str]
    # The column whose comparison counts for this one, because both are always written together.
    beside: str = ""


@dataclass(frozen=True)
class Write:
    """A write of the column: the word, or None for what comes at run time; over which states, or None for a new row."""

    word: str | None
    over: frozenset[str] | None
    # Whether the statement compares the column with what comes at run time too.
    is_compared: bool = False


@dataclass(frozen=True)
class Condition:
    """The states in which a condition may hold, and those in which it certainly does."""

    may: frozenset[str]
    must: frozenset[str]
    is_compared: bool = False


class ColumnReading:
    """One statement, read for one column."""

    def __init__(self, text: str, column: Column, *, is_of_package: bool = False) -> None:
        self.column = column
        # Words of a package's own statement, where a column of that name belongs to no table: `tried.state`.
        self.is_of_package = is_of_package
        self.writes: list[Write] = []
        self.words: set[str] = set()
        for statement in parse_sql(text):
            self._query(statement.stmt, {})

    def _query(self, node: Any, expressions: dict[str, Any]) -> None:
        clause = getattr(node, "withClause", None)
        for expression in clause.ctes if clause else ():
            self._query(expression.ctequery, expressions)
            expressions = expressions | {expression.ctename: expression.ctequery}
        if isinstance(node, ast.SelectStmt) and node.larg is not None:
            self._query(node.larg, expressions)
            self._query(node.rarg, expressions)
            return
        sources = dict(_sources(node))
        self._compared(node, sources)
        if isinstance(node, ast.UpdateStmt) and node.relation.relname == self.column.table:
            self._update(node, sources, expressions)
        elif isinstance(node, ast.InsertStmt) and node.relation.relname == self.column.table:
            self._insert(node)
        elif isinstance(node, ast.SelectStmt):
            self._shown(node)
        for inner in _inner_queries(node):
            self._query(inner, expressions)

    def _update(self, node: ast.UpdateStmt, sources: dict[str, Any], expressions: dict[str, Any]) -> None:
        own = node.relation.alias.aliasname if node.relation.alias else node.relation.relname
        where = self._condition(node.whereClause, own, sources)
        over = where.may
        for query in _locking_queries(node, expressions):
            inner = dict(_sources(query))
            aliases = [alias for alias, table in inner.items() if table == self.column.table]
            for alias in aliases:
                over &= self._condition(query.whereClause, alias, inner).may
        for target in node.targetList:
            if target.name == self.column.name:
                for word, states in self._results(target.val, over, own, sources):
                    self.writes.append(Write(word, states, where.is_compared))

    def _insert(self, node: ast.InsertStmt) -> None:
        names = [column.name for column in node.cols or ()]
        if self.column.name in names:
            place = names.index(self.column.name)
            query = node.selectStmt
            rows = query.valuesLists or [[target.val for target in (query.targetList or ())]]
            for row in rows:
                self.writes += [
                    Write(word, None) for word, _ in self._results(row[place], frozenset(), "", {})
                ]
        if node.onConflictClause is not None:
            own = node.relation.alias.aliasname if node.relation.alias else node.relation.relname
            sources = {own: self.column.table}
            over = self._condition(node.onConflictClause.whereClause, own, sources)
            for target in node.onConflictClause.targetList or ():
                if target.name == self.column.name:
                    for word, states in self._results(target.val, over.may, own, sources):
                        self.writes.append(Write(word, states, over.is_compared))

    def _shown(self, node: ast.SelectStmt) -> None:
        """A word that a package's query hands on under the column's name is a state too."""
        for target in node.targetList or ():
            if self.is_of_package and target.name == self.column.name:
                self.words |= {word for word in _constants(target.val) if word is not None}

    def _results(
        self, value: Any, over: frozenset[str], own: str, sources: dict[str, Any]
    ) -> Iterator[tuple[str | None, frozenset[str]]]:
        """Every value an expression may have, with the states in which it has it."""
        if isinstance(value, ast.TypeCast):
            yield from self._results(value.arg, over, own, sources)
        elif isinstance(value, ast.CaseExpr):
            for branch in value.args:
                condition = self._condition(branch.expr, own, sources)
                yield from self._results(branch.result, over & condition.may, own, sources)
                over -= condition.must
            if value.defresult is not None:
                yield from self._results(value.defresult, over, own, sources)
        elif isinstance(value, ast.A_Const):
            if not value.isnull:
                yield value.val.sval, over
        elif not self._is_column(value, own, sources):
            yield None, over

    def _condition(self, node: Any, own: str, sources: dict[str, Any]) -> Condition:
        if isinstance(node, ast.BoolExpr):
            parts = [self._condition(part, own, sources) for part in node.args]
            is_compared = any(part.is_compared for part in parts)
            if node.boolop == BoolExprType.NOT_EXPR:
                values = self.column.values
                return Condition(values - parts[0].must, values - parts[0].may, is_compared)
            joined = frozenset.intersection if node.boolop == BoolExprType.AND_EXPR else frozenset[str].union
            return Condition(
                joined(*(part.may for part in parts)), joined(*(part.must for part in parts)), is_compared
            )
        if isinstance(node, ast.A_Expr) and self._is_column(node.lexpr, own, sources):
            words = list(_constants(node.rexpr))
            if None in words or not words:
                return Condition(self.column.values, frozenset(), is_compared=node.name[0].sval == "=")
            states = frozenset(word for word in words if word is not None)
            if node.name[0].sval == "<>":
                states = self.column.values - states
            return Condition(states, states)
        is_compared = isinstance(node, ast.A_Expr) and _named(node.lexpr) == (self.column.beside or None)
        return Condition(self.column.values, frozenset(), is_compared)

    def _is_column(self, node: Any, own: str, sources: dict[str, Any]) -> bool:
        if _named(node) != self.column.name:
            return False
        return node.fields[0].sval == own if len(node.fields) > 1 else sources.get(own) == self.column.table

    def _compared(self, node: Any, sources: dict[str, Any]) -> None:
        for expression in _expressions(node):
            is_case = isinstance(expression, ast.CaseExpr)
            left = expression.arg if is_case else expression.lexpr
            if not isinstance(left, ast.ColumnRef) or not self._is_meant(left, sources):
                continue
            right = tuple(branch.expr for branch in expression.args) if is_case else expression.rexpr
            self.words |= {word for word in _constants(right) if word is not None}

    def _is_meant(self, node: ast.ColumnRef, sources: dict[str, Any]) -> bool:
        if _named(node) != self.column.name:
            return False
        if len(node.fields) > 1:
            table = sources.get(node.fields[0].sval)
            return table == self.column.table or (table is None and self.is_of_package)
        return self.column.table in sources.values()


def _named(node: Any) -> str | None:
    """The name of a column."""
    return getattr(node.fields[-1], "sval", None) if isinstance(node, ast.ColumnRef) else None


def _sources(node: Any) -> Iterator[tuple[str, str | None]]:
    """The aliases of a query, each with its table; None for what is no table."""
    origins = [getattr(node, "relation", None), *(getattr(node, "fromClause", None) or ())]
    origins += getattr(node, "usingClause", None) or ()
    while origins:
        origin = origins.pop()
        if isinstance(origin, ast.JoinExpr):
            origins += [origin.larg, origin.rarg]
        elif isinstance(origin, ast.RangeVar):
            yield origin.alias.aliasname if origin.alias else origin.relname, origin.relname
        elif origin is not None and getattr(origin, "alias", None) is not None:
            yield origin.alias.aliasname, None


def _constants(node: Any) -> Iterator[str | None]:
    """The words of an expression; None for what is no word."""
    if isinstance(node, tuple | list):
        for part in node:
            yield from _constants(part)
    elif isinstance(node, ast.TypeCast):
        yield from _constants(node.arg)
    elif isinstance(node, ast.A_ArrayExpr):
        yield from _constants(node.elements)
    elif isinstance(node, ast.A_Const) and not node.isnull:
        text = getattr(node.val, "sval", None)
        yield from text[1:-1].split(",") if text and text.startswith("{") else [text]
    else:
        yield None


def _locking_queries(node: ast.UpdateStmt, expressions: dict[str, Any]) -> Iterator[ast.SelectStmt]:
    """The queries that choose the rows of an update and lock them."""
    for origin in node.fromClause or ():
        query = origin.subquery if isinstance(origin, ast.RangeSubselect) else None
        if isinstance(origin, ast.RangeVar):
            query = expressions.get(origin.relname)
        if isinstance(query, ast.SelectStmt) and query.lockingClause:
            yield query
    for part in _conjuncts(node.whereClause):
        for query in _chosen(part):
            if query.lockingClause:
                yield query


def _conjuncts(node: Any) -> Iterator[Any]:
    if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.AND_EXPR:
        for part in node.args:
            yield from _conjuncts(part)
    elif node is not None:
        yield node


def _chosen(node: Any) -> Iterator[ast.SelectStmt]:
    if isinstance(node, ast.SubLink) and node.subLinkType == SubLinkType.ANY_SUBLINK:
        yield node.subselect
    elif isinstance(node, ast.A_Expr) and node.name[0].sval == "=" and isinstance(node.rexpr, ast.SubLink):
        yield node.rexpr.subselect


def _expressions(node: Any, *, is_top: bool = True) -> Iterator[Any]:
    """The comparisons of a query, without those of the queries inside it."""
    if isinstance(node, tuple | list):
        for part in node:
            yield from _expressions(part, is_top=False)
    elif isinstance(node, ast.Node) and (is_top or not isinstance(node, QUERIES)):
        if isinstance(node, ast.A_Expr | ast.CaseExpr):
            yield node
        for name in node:
            if name != "withClause":
                yield from _expressions(getattr(node, name), is_top=False)


def _inner_queries(node: Any, *, is_top: bool = True) -> Iterator[Any]:
    """The queries inside a query, apart from those of its WITH."""
    if isinstance(node, tuple | list):
        for part in node:
            yield from _inner_queries(part, is_top=False)
    elif isinstance(node, QUERIES) and not is_top:
        yield node
    elif isinstance(node, ast.Node):
        for name in node:
            if name != "withClause":
                yield from _inner_queries(getattr(node, name), is_top=False)


def faults(
    text: str,
    column: Column,
    moves: dict[str, frozenset[str]],
    first: Iterable[str],
    *,
    is_of_package: bool = False,
) -> list[str]:
    """Say where a statement leaves the table of moves."""
    reading = ColumnReading(text, column, is_of_package=is_of_package)
    wrong = [f"compares {column.name} with {word!r}, which is none" for word in reading.words - column.values]
    for write in reading.writes:
        if write.word is not None and write.word not in column.values:
            wrong.append(f"writes {write.word!r}, which is none")
        elif write.over is None:
            if write.word is not None and write.word not in first:
                wrong.append(f"begins with {write.word!r}")
        elif write.word is None:
            if write.over == column.values and not write.is_compared:
                wrong.append("writes what comes at run time over any state: compare with the state before")
        else:
            wrong += [
                f"moves from {before!r} to {write.word!r}"
                for before in sorted(write.over)
                if write.word not in moves[before] | {before}
            ]
    return wrong


def writes_at_run_time(text: str, column: Column) -> bool:
    """Whether a statement writes a state that it does not name."""
    return any(write.word is None for write in ColumnReading(text, column).writes)

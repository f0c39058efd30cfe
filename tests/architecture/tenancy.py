"""Reads a statement as a distributed database does: is every business table held to one workspace?

A table is held when its `workspace_id` equals one scalar parameter, or that of another table that is held. Arrays
of workspaces hold nothing (`= ANY`, `IN`, a join with `unnest`), nor does a condition under OR. Common table
expressions and subqueries hand on, column by column, what was held inside them. A row that is written takes its
`workspace_id` from the same parameter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, SetOperation, SubLinkType

COLUMN = "workspace_id"
QUERIES = ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt

Columns = dict[str, "Value"]
Output = list[tuple[str, "Value | None"]]


@dataclass(eq=False)
class Value:
    """A column that may be a workspace: which parameter it equals, if any is known."""

    parameters: set[int] = field(default_factory=set)
    # Equal to each of these.
    equals: list["Value"] = field(default_factory=list)
    # Equal to one of these, whichever row it is: held only if all are.
    origins: list["Value"] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Whether it equals a parameter."""
        return bool(self.parameters)

    def learn(self) -> bool:
        """Take over what is known of those it equals; return whether that was new."""
        known = {parameter for other in self.equals for parameter in other.parameters}
        if self.origins and all(origin.is_held for origin in self.origins):
            known |= {parameter for origin in self.origins for parameter in origin.parameters}
        is_new = not known <= self.parameters
        self.parameters |= known
        return is_new


@dataclass(eq=False)
class Source:
    """Something rows come from: a table, or what a subquery, an expression or a function hands on."""

    table: str | None
    columns: Columns = field(default_factory=dict)

    def column(self, name: str) -> Value:
        """The column of a name; of a table only the workspace means anything."""
        return self.columns.setdefault(name, Value())


@dataclass
class Scope:
    """What names mean inside one query."""

    outer: "Scope | None"
    sources: dict[str, Source] = field(default_factory=dict)
    node: Any = None

    def named(self, alias: str) -> Source | None:
        """The source of an alias, here or further out."""
        return self.sources.get(alias) or (self.outer.named(alias) if self.outer else None)

    def owns(self, value: Value) -> bool:
        """Whether the column is of one of this query's own sources."""
        return any(value in source.columns.values() for source in self.sources.values())

    def unqualified(self) -> Source | None:
        """The source of a column without a qualifier: the only one, or one of those that USING made one."""
        return next(iter(self.sources.values()), None) or (self.outer.unqualified() if self.outer else None)


class Reading:
    """One statement, read."""

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = frozenset(tables)
        self.met: list[Source] = []
        self.written: list[tuple[str, Value | None]] = []
        self.values: list[Value] = []
        self.scopes: list[Scope] = []
        self._read: dict[int, Output] = {}

    def query(self, node: Any, names: dict[str, Columns], outer: Scope | None) -> Output:
        """Read a query and everything inside it, once; return its columns."""
        if id(node) not in self._read:
            self._read[id(node)] = self._query(node, names, outer)
        return self._read[id(node)]

    def _query(self, node: Any, names: dict[str, Columns], outer: Scope | None) -> Output:
        names = self._expressions(node, names, outer)
        if isinstance(node, ast.SelectStmt) and node.op != SetOperation.SETOP_NONE:
            left, right = self.query(node.larg, names, outer), self.query(node.rarg, names, outer)
            return [
                (name, self._either(one, other)) for (name, one), (_, other) in zip(left, right, strict=False)
            ]
        self.scopes.append(scope := Scope(outer, node=node))
        if isinstance(node, ast.InsertStmt):
            self._insert(node, names, scope)
        elif isinstance(node, ast.UpdateStmt | ast.DeleteStmt):
            self._source(node.relation, names, scope)
        clause = "usingClause" if isinstance(node, ast.DeleteStmt) else "fromClause"
        for origin in getattr(node, clause, None) or ():
            self._source(origin, names, scope)
        self._holds(getattr(node, "whereClause", None), names, scope)
        for inner in _subqueries(node):
            self.query(inner, names, scope)
        return self._output(node, scope)

    def _expressions(self, node: Any, names: dict[str, Columns], outer: Scope | None) -> dict[str, Columns]:
        clause = getattr(node, "withClause", None)
        if clause is None:
            return names
        for expression in clause.ctes:
            columns: Columns = {}
            # Inside a recursive one its own name has no column that is held.
            result = self.query(expression.ctequery, names | {expression.ctename: {}}, outer)
            aliases = [name.sval for name in expression.aliascolnames or ()]
            self._hand_on(columns, result, aliases)
            names = names | {expression.ctename: columns}
        return names

    def _hand_on(self, columns: Columns, result: Output, aliases: list[str]) -> None:
        for place, (name, value) in enumerate(result):
            if value is not None:
                columns[aliases[place] if place < len(aliases) else name] = value

    def _either(self, one: Value | None, other: Value | None) -> Value | None:
        return None if one is None or other is None else self._value(origins=[one, other])

    def _value(self, **facts: Any) -> Value:
        self.values.append(value := Value(**facts))
        return value

    def _output(self, node: Any, scope: Scope) -> Output:
        if isinstance(node, ast.SelectStmt) and node.valuesLists:
            rows = [[self._meaning(item, scope) for item in row] for row in node.valuesLists]
            columns = rows[0]
            for row in rows[1:]:
                columns = [self._either(one, other) for one, other in zip(columns, row, strict=True)]
            return [(f"column{place}", value) for place, value in enumerate(columns, 1)]
        targets = (
            node.targetList
            if isinstance(node, ast.SelectStmt)
            else getattr(node.returningClause, "exprs", None)
        )
        return [column for target in targets or () for column in self._target(target, scope)]

    def _target(self, target: ast.ResTarget, scope: Scope) -> Output:
        node = target.val
        if isinstance(node, ast.ColumnRef) and isinstance(node.fields[-1], ast.A_Star):
            alias = node.fields[0].sval if len(node.fields) == 2 else None
            sources = [scope.named(alias)] if alias else list(scope.sources.values())
            return [column for source in sources if source for column in self._all_of(source)]
        name = target.name or (node.fields[-1].sval if isinstance(node, ast.ColumnRef) else "")
        return [(name, self._meaning(node, scope))]

    def _all_of(self, source: Source) -> Output:
        if source.table is not None:
            # Whatever its other columns are; the workspace stands first in every table.
            return [(COLUMN, source.column(COLUMN))]
        return list(source.columns.items())

    def _insert(self, node: ast.InsertStmt, names: dict[str, Columns], scope: Scope) -> None:
        table = node.relation.relname
        source = Source(None)
        if node.selectStmt is not None:
            result = self.query(node.selectStmt, names, scope)
            columns = [column.name for column in node.cols or ()]
            taken = dict(zip(columns, (value for _, value in result), strict=False))
            if (value := taken.get(COLUMN)) is not None:
                source.columns[COLUMN] = value
            if table in self.tables:
                self.written.append((table, value))
        elif table in self.tables:
            self.written.append((table, None))
        scope.sources[node.relation.alias.aliasname if node.relation.alias else table] = source

    def _source(self, node: Any, names: dict[str, Columns], scope: Scope) -> list[Source]:
        if isinstance(node, ast.JoinExpr):
            return self._join(node, names, scope)
        alias = node.alias.aliasname if node.alias else None
        if isinstance(node, ast.RangeVar):
            is_expression = node.relname in names and not node.schemaname
            source = (
                Source(None, self._copies(names[node.relname])) if is_expression else Source(node.relname)
            )
            alias = alias or node.relname
        elif isinstance(node, ast.RangeSubselect):
            source = Source(None)
            aliases = [name.sval for name in (node.alias.colnames if node.alias else None) or ()]
            columns: Columns = {}
            self._hand_on(columns, self.query(node.subquery, names, scope), aliases)
            source.columns = self._copies(columns)
        else:
            for inner in _subqueries(node):
                self.query(inner, names, scope)
            source = Source(None)
        scope.sources[alias or f"unnamed {len(scope.sources)}"] = source
        self.met.append(source)
        return [source]

    def _copies(self, columns: Columns) -> Columns:
        """What is said of a column out here is not said of the rows inside."""
        return {name: self._value(origins=[value]) for name, value in columns.items()}

    def _join(self, node: ast.JoinExpr, names: dict[str, Columns], scope: Scope) -> list[Source]:
        left, right = self._source(node.larg, names, scope), self._source(node.rarg, names, scope)
        if any(name.sval == COLUMN for name in node.usingClause or ()):
            for one in left:
                for other in right:
                    self._are_equal(one.column(COLUMN), other.column(COLUMN), scope)
        self._holds(node.quals, names, scope)
        for inner in _subqueries(node.quals):
            self.query(inner, names, scope)
        return left + right

    def _holds(self, condition: Any, names: dict[str, Columns], scope: Scope) -> None:
        if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
            for part in condition.args:
                self._holds(part, names, scope)
        elif (
            isinstance(condition, ast.A_Expr)
            and condition.kind == A_Expr_Kind.AEXPR_OP
            and condition.name[0].sval == "="
        ):
            for one, other in _pairs(condition.lexpr, condition.rexpr):
                first, second = self._meaning(one, scope), self._meaning(other, scope)
                if first is not None and second is not None:
                    self._are_equal(first, second, scope)
        elif isinstance(condition, ast.SubLink) and condition.subLinkType == SubLinkType.ANY_SUBLINK:
            result = self.query(condition.subselect, names, scope)
            for (item, _), (_, value) in zip(_pairs(condition.testexpr, None), result, strict=False):
                meaning = self._meaning(item, scope)
                if meaning is not None and value is not None and scope.owns(meaning):
                    meaning.equals.append(value)

    def _are_equal(self, one: Value, other: Value, scope: Scope) -> None:
        for item, equal in ((one, other), (other, one)):
            if scope.owns(item):
                item.equals.append(equal)

    def _meaning(self, node: Any, scope: Scope) -> Value | None:
        """What an expression means as a workspace: a scalar parameter or a column; None if anything else."""
        while isinstance(node, ast.TypeCast):
            if node.typeName.arrayBounds:
                return None
            node = node.arg
        if isinstance(node, ast.ParamRef):
            return self._value(parameters={node.number})
        if not isinstance(node, ast.ColumnRef) or isinstance(node.fields[-1], ast.A_Star):
            return None
        name = node.fields[-1].sval
        source = scope.named(node.fields[0].sval) if len(node.fields) == 2 else scope.unqualified()
        if source is None or (source.table is not None and name != COLUMN):
            return None
        return source.column(name)

    def loose(self) -> list[str]:
        """What is held to no workspace, or to more than one."""
        known = {id(value): value for value in self.values}
        for source in self.met:
            known |= {id(value): value for value in source.columns.values()}
        while any(value.learn() for value in known.values()):
            pass
        of_tables = [
            (source.table, source.column(COLUMN)) for source in self.met if source.table in self.tables
        ]
        wrong = [f"reads {table} of several workspaces" for table, value in of_tables if not value.is_held]
        wrong += [
            f"writes {table} of several workspaces"
            for table, value in self.written
            if value is None or not value.is_held
        ]
        named = [value for _, value in [*of_tables, *self.written] if value is not None and value.is_held]
        if named and not set.intersection(*(value.parameters for value in named)):
            wrong.append("names two workspaces")
        return wrong


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
            if not (name in read and isinstance(node, QUERIES)):
                yield from _subqueries(getattr(node, name))


def readings(text: str, tables: Iterable[str]) -> Iterator[Reading]:
    """Read each query of a text."""
    for statement in parse_sql(text):
        reading = Reading(tables)
        if isinstance(statement.stmt, QUERIES):
            reading.query(statement.stmt, {}, None)
        yield reading


def loose_tables(text: str, tables: Iterable[str]) -> list[str]:
    """Say which of these tables a statement touches without holding them to one workspace."""
    wrong = [result for reading in readings(text, tables) for result in reading.loose()]
    if any(isinstance(statement.stmt, ast.MergeStmt) for statement in parse_sql(text)):
        wrong.append("is a MERGE, which this reading does not know")
    return wrong

"""What expressions are made of."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Dialect,
    Integer,
    Interval,
    Select,
    literal_column,
)
from sqlalchemy.engine.default import DefaultDialect, StrCompileDialect
from sqlalchemy.orm import (
    Mapper,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BooleanClauseList,
    ClauseElement,
    ClauseList,
    CollectionAggregate,
    ColumnClause,
    FunctionFilter,
    Grouping,
    Label,
    Over,
    TextClause,
    UnaryExpression,
    WithinGroup,
    _anonymous_label,
    _label_reference,
    _textual_label_reference,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import (
    FromClause,
    Subquery,
    _OffsetLimitParam,
)
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import TypeDecorator, TypeEngine

# Variadic on 2.1, of one parameter on 2.0.
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"
AnyCompound: TypeAlias = "CompoundSelect[*tuple[Any, ...]]"
Statement: TypeAlias = "AnySelect | AnyCompound"

# From here on, SQLAlchemy takes a number for a BIGINT.
_LARGE_BITS: Final = 32


def is_anonymous(column: ColumnElement[Any]) -> bool:
    """Tell whether a column of a subquery has no name of its own."""
    return isinstance(column.key, _anonymous_label)


def comparison_of(clause: ClauseElement) -> tuple[Any, ClauseElement, ClauseElement] | None:
    """Return the operator and the two sides of a condition that has two."""
    if not isinstance(clause, BinaryExpression):
        return None
    return clause.operator, clause.left, clause.right


def conjuncts_of(condition: ClauseElement) -> Iterator[ClauseElement]:
    """Yield the conditions that all have to hold for one to hold."""
    if isinstance(condition, Grouping):
        yield from conjuncts_of(condition.element)  # type: ignore[arg-type]
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from conjuncts_of(clause)
    else:
        yield condition


def source_of(column: ClauseElement) -> FromClause | None:
    """Return the table or subquery that a column is of."""
    return column.table if isinstance(column, ColumnClause) else None


def source_name_of(source: FromClause) -> str:
    """Return what to call a table or subquery in a message."""
    name = getattr(source, "name", None)
    return "a subquery" if name is None or isinstance(name, _anonymous_label) else str(name)


def ordinal_of(clause: ClauseElement) -> int | None:
    """Return the number in an ORDER BY or GROUP BY that counts the columns."""
    bare = bare_of(clause)
    literal_text = getattr(bare, "name", "") if getattr(bare, "is_literal", False) else ""
    text = bare.text if isinstance(bare, TextClause) else str(literal_text)
    return int(text) if text.isdecimal() else None


def windowed_by(clause: ClauseElement) -> ClauseElement | None:
    """Return the function of a window."""
    over: Any = clause
    return over.element if isinstance(clause, Over) else None


def function_name_of(clause: ClauseElement) -> str | None:
    """Return the name of a function, in lower case; None of anything else."""
    return str(clause.name).lower() if isinstance(clause, FunctionElement) else None


def number_of_arguments(function: ClauseElement) -> int:
    """Return how many arguments a function has."""
    return len(tuple(getattr(function, "clauses", ())))


def is_collection(clause: ClauseElement) -> bool:
    """Tell whether it is ANY or ALL of something."""
    return isinstance(clause, CollectionAggregate)


def windowed_parts_of(clause: ClauseElement) -> Iterator[ClauseElement]:
    """Yield what a window is made of: the arguments of its function, and what it is over."""
    over: Any = clause
    for part in (over.partition_by, over.order_by):
        if part is not None:
            yield part
    function = over.element
    while isinstance(function, FunctionFilter | WithinGroup):
        function = function.element
    yield from getattr(function, "clauses", ())


def row_number_partition_of(clause: ClauseElement) -> tuple[ClauseElement, ...] | None:
    """Return what row_number() is partitioned by; None if it is something else."""
    windowed = windowed_by(clause)
    if windowed is None or getattr(windowed, "name", "") != "row_number":
        return None
    partition = cast("Any", clause).partition_by
    return () if partition is None else tuple(flat((partition,)))


def parts_within(clause: ClauseElement) -> Iterator[ClauseElement]:
    """Yield all that a clause is made of, the inside of its subqueries too."""
    for part in iterate(clause):
        if isinstance(part, ClauseElement):
            yield part


def columns_within(clause: ClauseElement) -> Iterator[ColumnClause[Any]]:
    """Yield all columns in a clause, those in its subqueries too."""
    for part in iterate(clause):
        if isinstance(part, ColumnClause):
            column: ColumnClause[Any] = part
            yield column


def text_of(clause: ClauseElement, dialect: Dialect) -> tuple[str, list[str]]:
    """Return the text of a clause in a database, and the values of its parameters.

    It is the same in every process, and for every driver.
    """
    compiled = clause.compile(dialect=_without_driver(cast("Any", type(dialect))))
    return str(compiled), [repr(value) for value in (compiled.params or {}).values()]


@cache
def _without_driver(kind: Any) -> Dialect:
    """Return the dialect of the database that a driver's dialect is for."""
    for base in kind.__mro__:
        if base.__module__.endswith(".base") and issubclass(base, DefaultDialect):
            dialect: Any = base(paramstyle="named")
            # MySQL's says no casts to FLOAT unless it knows the server: 2.0 by its version, 2.1 so.
            dialect.server_version_info = (99, 0, 0)
            if getattr(base, "_support_float_cast", None) is False:
                dialect._support_float_cast = True
            return cast("Dialect", dialect)
    return StrCompileDialect()


def grouped(clause: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a clause that can be compared: SQLAlchemy makes `NOT b IS NULL` of a negation."""
    return Grouping(clause) if isinstance(clause, AsBoolean) else clause


def number(value: int) -> ColumnElement[int]:
    """Return a number as it is, not as a parameter."""
    return literal_column(str(value), Integer())


def parameter_of_rows(name: str, number: int) -> ColumnElement[int]:
    """Return a number of rows for LIMIT or OFFSET, as a parameter with a name of its own."""
    return _OffsetLimitParam(name, number, unique=False)


def is_large(number: int) -> bool:
    """Tell whether a number makes a parameter of another type than most do."""
    return number.bit_length() >= _LARGE_BITS


def of_subquery(clause: ColumnElement[Any], subquery: Subquery) -> ColumnElement[Any]:
    """Return a sort key of a statement in terms of the statement as a subquery."""

    def replaced(element: Any, **_: Any) -> Any:
        is_column = cast("ClauseElement", element).__visit_name__ == "column"
        return subquery.corresponding_column(element) if is_column else None

    adapted: ColumnElement[Any] = replacement_traverse(clause, {}, replaced)
    return adapted


def label_name_of(clause: ClauseElement) -> str | None:
    """Return the name in an ORDER BY or GROUP BY that is written as a string."""
    return str(clause.element) if isinstance(clause, _textual_label_reference) else None


def renamed(
    clause: ColumnElement[Any], resolve: Callable[[ClauseElement], ClauseElement]
) -> ColumnElement[Any]:
    """Return a sort key with something else for each name that is written as a string."""

    def replaced(element: Any, **_: Any) -> Any:
        return resolve(element) if isinstance(element, _textual_label_reference) else None

    adapted: ColumnElement[Any] = replacement_traverse(clause, {}, replaced)
    return adapted


def direction_of(clause: ClauseElement) -> tuple[bool, bool | None]:
    """Return whether a sort key descends, and whether its NULLs come first; None if not said."""
    descending, nulls_first = False, None
    while isinstance(clause, Grouping | _label_reference | UnaryExpression):
        modifier = getattr(clause, "modifier", None)
        if isinstance(clause, UnaryExpression) and modifier is None:
            break
        descending = descending or modifier is operators.desc_op
        if modifier in (operators.nulls_first_op, operators.nulls_last_op):
            nulls_first = modifier is operators.nulls_first_op
        clause = cast("ClauseElement", clause.element)
    return descending, nulls_first


def bare_of(clause: ClauseElement) -> ClauseElement:
    """Return a sort key without its direction, its placement of NULLs and its label."""
    while (
        isinstance(clause, Label | Grouping | _label_reference)
        or (isinstance(clause, UnaryExpression) and clause.modifier is not None)
    ):  # fmt: skip
        clause = cast("ClauseElement", clause.element)
    return clause  # pyright: ignore[reportUnknownVariableType]


def columns_of(source: ClauseElement) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a table or subquery."""
    return tuple(cast("FromClause[Any]", source).c)


def expressions_of(clauses: Iterable[ClauseElement]) -> list[ColumnElement[Any]]:
    """Return those of the clauses that can be sorted by."""
    return [clause for clause in clauses if isinstance(clause, ColumnElement)]


def is_text(clause: ClauseElement) -> bool:
    """Tell whether nothing but its text is known of a sort key."""
    return isinstance(clause, TextClause | _textual_label_reference)


def is_relationship(clause: ClauseElement) -> bool:
    """Tell whether a sort key was written as a relationship."""
    annotations: Mapping[str, Any] = clause._annotations
    owner, name = annotations.get("proxy_owner"), str(annotations.get("proxy_key"))
    return isinstance(owner, Mapper) and name in owner.relationships


def is_textual(clause: ClauseElement) -> bool:
    """Tell whether a sort key is written as a text, a name or an ordinal."""
    bare = bare_of(clause)
    if isinstance(bare, ColumnClause):
        # The * of count(*) names nothing. What is of no table may be anything.
        return bare.table is None and bare.name != "*"
    return isinstance(bare, TextClause | _textual_label_reference)


def flat(clauses: tuple[ClauseElement, ...]) -> Iterator[ClauseElement]:
    """Yield the clauses, those of bundles and tuples one by one."""
    return _flat(clauses)


def _flat(clauses: tuple[Any, ...]) -> Iterator[ClauseElement]:
    for clause in clauses:
        if isinstance(clause, ClauseList):
            yield from _flat(tuple(clause.clauses))
        else:
            yield clause


def stored_type_of(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the type that the database knows of, below variants and decorators."""
    while True:
        type_ = type_._variant_mapping.get(dialect.name, type_)
        if not isinstance(type_, TypeDecorator) or isinstance(type_, Interval):
            return type_
        type_ = type_.load_dialect_impl(dialect)

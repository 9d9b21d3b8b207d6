"""Hypothesis strategies for the ORDER BY of a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import case, desc, extract, func, not_, select, text

from .schemas import DrawFn, Schema, kind_of

# MariaDB has no NULLS FIRST and NULLS LAST.
PLACES_NULLS = {"sqlite", "postgresql"}


@dataclass(frozen=True, eq=False)
class Key:
    """An element of an ORDER BY, and the expression that it sorts by."""

    clause: Any
    expression: Any


@st.composite
def orderings(
    draw: DrawFn, schema: Schema, columns: Sequence[Any], *, plain: bool = False
) -> tuple[Key, ...]:
    """Up to four sort keys of the columns: expressions of them too, unless they are to be plain."""
    found: list[Key] = []
    nullable = [column for column in columns if getattr(column, "nullable", True)]
    for _ in range(draw(st.sampled_from([1, 1, 2, 2, 3, 4, 0]))):
        column = draw(st.sampled_from([*columns, *nullable, *nullable]))
        expression = column if plain else draw(expressions(schema, column, columns))
        found.append(Key(draw(directed(schema, expression)), expression))
        if draw(st.integers(0, 9)) == 9:  # once more, which says nothing
            found.append(Key(draw(directed(schema, expression)), expression))
    return tuple(found)


@st.composite
def directed(draw: DrawFn, schema: Schema, expression: Any) -> Any:
    """Ascending or descending, and on some databases with NULLs placed."""
    clause = draw(st.sampled_from([expression, expression.asc(), expression.desc()]))
    if schema.backend in PLACES_NULLS and draw(st.integers(0, 2)) == 2:
        clause = draw(st.sampled_from([clause.nulls_first(), clause.nulls_last()]))
    return clause


@st.composite
def named(draw: DrawFn, labels: Sequence[Any]) -> Key:
    """A selected column by its label, by the label's name or by its number."""
    n = draw(st.integers(0, len(labels) - 1))
    label = labels[n]
    clauses = [label, label.desc(), label.name, desc(label.name), text(str(n + 1))]
    return Key(draw(st.sampled_from(clauses)), label.element)


@st.composite
def expressions(draw: DrawFn, schema: Schema, column: Any, columns: Sequence[Any]) -> Any:
    """The column, or something made of it."""
    if draw(st.booleans()):
        return column
    kind = kind_of(column)
    choices = ["null", "case"]
    if kind is not None:
        choices += ["coalesce", "nullif", "condition", "subquery"]
        choices += _OF_KIND.get(type(kind.type).__name__, [])
    value = None if kind is None else draw(st.sampled_from(kind.few))
    match draw(st.sampled_from(choices)):
        case "null":
            return column.is_(None)
        case "case":
            return case((column.is_(None), 1), else_=0)
        case "coalesce":
            return func.coalesce(column, value)
        case "nullif":
            return func.nullif(column, value)
        case "condition":
            return column == value
        case "subquery":
            inner = draw(st.sampled_from(schema.tables)).alias()
            like = [other for other in inner.c if type(other.type) is type(column.type)]
            if not like:
                return column
            matching = select(func.count()).where(draw(st.sampled_from(like)) == column)
            return matching.scalar_subquery()
        case "modulo":
            return column % 2
        case "minus":
            return -column
        case "sum":
            like = [other for other in columns if type(other.type) is type(column.type)]
            return column + draw(st.sampled_from(like))
        case "lower":
            return func.lower(column)
        case "length":
            return func.length(column)
        case "concat":
            return column + "x"
        case "year":
            return extract("year", column)
        case "not":
            return not_(column)
    raise AssertionError("every choice is a case")


_OF_KIND = {
    "Integer": ["modulo", "minus", "sum"],
    "Numeric": ["minus", "sum"],
    "String": ["lower", "length", "concat"],
    "Date": ["year"],
    "DateTime": ["year"],
    "Boolean": ["not"],
}

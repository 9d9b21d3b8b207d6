"""The total order of a statement: what it sorts by, and the tie-breaker that makes it total."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.sql.elements import BindParameter, ClauseElement

from . import _sqla
from ._sqla import AnySelect
from .errors import OrderingNotTotalError
from .expressions import is_plain_column
from .identity import Facts
from .ordering import SortKey, is_clock, sort_keys_of


@dataclass(frozen=True, slots=True, eq=False)
class TotalOrder:
    """Sort keys that no two rows share.

    Those that earlier ones determine are left out, since they sort nothing. The last
    `tie_breakers` of them were added to what the statement says. `is_certain` is false where a
    function may repeat rows, which only the rows can show.
    """

    keys: tuple[SortKey, ...]
    tie_breakers: int
    is_certain: bool


def total_order_of(statement: AnySelect, facts: Facts) -> TotalOrder:
    """Return the total order of a statement.

    Raises:
        OrderingNotTotalError: it sorts by what cannot be sought, or nothing proves a row unique.
    """
    if facts.identity is None:
        raise OrderingNotTotalError(_no_identity(facts))
    keys = _effective(statement, facts)
    missing = facts.missing([key.expression for key in keys])
    if missing is None:
        raise OrderingNotTotalError(
            "an association table is joined under a name that only SQLAlchemy knows, and its rows "
            "tell those of this statement apart: join it by itself, with .outerjoin(table)"
        )
    # In the direction of the last key, so that an index can serve both.
    descending = bool(keys) and keys[-1].descending
    added = tuple(SortKey(column, descending) for column in missing)
    _refuse_unselected(statement, facts, (*keys, *added))
    return TotalOrder((*keys, *added), len(added), facts.identity.is_certain)


def _effective(statement: AnySelect, facts: Facts) -> tuple[SortKey, ...]:
    keys: list[SortKey] = []
    known: list[ClauseElement] = []
    for key in sort_keys_of(statement):
        # What a function may repeat, only what it returns tells apart.
        is_proven = facts.identity is not None and facts.identity.is_certain
        if is_proven and facts.covers(known):
            break
        _refuse(key)
        if not facts.closure(known).has(key.expression):
            keys.append(key)
            known.append(key.expression)
    return tuple(keys)


def _refuse(key: SortKey) -> None:
    if _sqla.is_text(key.expression):
        raise OrderingNotTotalError(
            "ordering by a text cannot be sought: order by columns or expressions, "
            "or use offset pages"
        )
    if isinstance(key.expression, BindParameter):
        raise OrderingNotTotalError(
            "ordering by a parameter alone: a number may be taken for that of a column; leave it "
            "out, or order by the column"
        )
    if _sqla.is_relationship(key.expression):
        raise OrderingNotTotalError(
            "ordering by a relationship sorts by whether a join matches: order by a column"
        )
    if is_clock(key):
        raise OrderingNotTotalError(
            "ordering by an expression of the current time changes from page to page: "
            "order by the columns in it"
        )


def _refuse_unselected(statement: AnySelect, facts: Facts, keys: Iterable[SortKey]) -> None:
    """Refuse a DISTINCT that sorts by what it does not select: rows that are one would be many."""
    if not _sqla.is_distinct(statement) or _sqla.distinct_on_of(statement):
        return
    closure = facts.closure(statement.selected_columns)
    for key in keys:
        if not closure.has(key.expression):
            raise OrderingNotTotalError(
                f"DISTINCT rows cannot be ordered by {name_of(key.column)}, which is not selected: "
                "select it too"
            )


def name_of(column: ColumnElement[Any]) -> str:
    """Return what to call a sort key in a message."""
    if not is_plain_column(column):
        return "an expression"
    table = getattr(getattr(column, "table", None), "name", None)
    return f"{table}.{column.key}" if table else str(column.key)


def _no_identity(facts: Facts) -> str:
    names = [_sqla.source_name_of(leaf) for leaf in facts.keyless]
    if not names and facts.has_full_join:
        return (
            "rows that a FULL JOIN leaves alone cannot be told from rows whose keys are NULL: let "
            "each of its sides select a column that is NOT NULL, as part of its key"
        )
    if not names:
        return (
            "what tells the groups of this statement apart is not known: group by columns, "
            "without ROLLUP, CUBE or GROUPING SETS, or use offset pages"
        )
    return (
        f"nothing is known to tell the rows of {', '.join(names)} apart: declare a primary key or "
        "unique NOT NULL columns; let a subquery select them; or use offset pages"
    )

"""The count of the rows that a statement returns: the cheapest statement with the same result.

What makes a count cheap is leaving out what cannot change it. Each such rewrite is one step with a
name, in `COUNT_REWRITES`; a step says nothing where it is not known to be safe.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, get_args

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, select
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ScalarSelect, SelectBase

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .expressions import (
    has_aggregate,
    has_outer_aggregate,
    has_window,
    is_one_row,
    is_one_row_by_order,
    is_one_value,
    is_plain_column,
    is_plain_or_nested,
    parts_of,
)
from .identity import Facts
from .outer_joins import without_outer_joins
from .repeats import repeated_entity, with_eager_filters

CountRewrite: TypeAlias = Literal[
    "order_by", "loading", "distinct", "distinct_keys", "group_by", "columns", "outer_joins"
]

COUNT_REWRITES: Final[Mapping[CountRewrite, str]] = MappingProxyType(
    {
        "order_by": "ORDER BY is dropped, unless ties or an aggregate in it decide the number",
        "loading": "loader options and FOR UPDATE are dropped; loader criteria stay",
        "distinct": "DISTINCT is dropped where what is selected tells the rows apart anyway",
        "distinct_keys": "DISTINCT is of the fewest columns that determine all that is selected",
        "group_by": "groups are selected as 1, without their aggregates",
        "columns": "the select list is dropped, if nothing in it can change the number of rows",
        "outer_joins": "LEFT JOINs are dropped that nothing refers to, and that find one row each "
        "or stand where duplicates do not matter",
    }
)
"""The rewrites of a count, in the order in which they are tried, and what each does."""


@dataclass(frozen=True, slots=True, eq=False)
class CountPlan:
    """How a statement is counted.

    Attributes:
        rows: a statement with as many rows.
        rewrites: those of `COUNT_REWRITES` that it was made by.
    """

    rows: Statement
    rewrites: tuple[CountRewrite, ...]

    @property
    def statement(self) -> "Select[Any]":
        """The statement that counts the rows."""
        rows = self.rows
        if isinstance(rows, Select) and _is_one(rows) and _is_plain(rows):
            return _sqla.with_columns(rows, func.count())
        return self._counted(rows)

    def up_to(self, number: int) -> "Select[Any]":
        """Return the statement that counts the rows, but stops at this number of them."""
        rows = self.rows
        if _sqla.is_limited(rows) or not isinstance(rows, Select):
            # A LIMIT of its own may be an expression.
            rows = self._outer(select(_ONE).select_from(rows.subquery()))
        return self._counted(rows.limit(number))

    def _counted(self, rows: Statement) -> "Select[Any]":
        labels = _sqla.labels_of(rows) if isinstance(rows, Select) else ()
        if isinstance(rows, Select) and len(set(labels)) < len(labels):
            # MariaDB selects from no subquery that has a name twice.
            selected = enumerate(_sqla.expressions_of(map(_sqla.bare_of, rows.selected_columns)))
            rows = _sqla.with_columns(rows, *(column.label(f"_c{n}") for n, column in selected))
        return self._outer(select(func.count()).select_from(rows.subquery()))

    def _outer(self, outer: AnySelect) -> "Select[Any]":
        # Criteria on the inner statement alone are not applied to it as a subquery.
        outer = outer.options(*_sqla.criteria_of(self.rows))
        return outer.execution_options(**self.rows.get_execution_options())


def count_statement(
    statement: Statement, *, without: Collection[CountRewrite] = ()
) -> "Select[Any]":
    """Return the cheapest statement that counts the rows of another one.

    Entities that a collection loaded by a join repeats are counted once, as `unique()` returns
    them.

    Args:
        statement: a select(), or a union of them.
        without: rewrites of `COUNT_REWRITES` that are not to be made.

    Raises:
        StatementNotPageableError: how many rows there are cannot be known; says what to change.
        ValueError: there is no such rewrite.

    Example:
        >>> from sqlalchemy import column, select, table
        >>> user = table("user", column("id"), column("name"))
        >>> print(count_statement(select(user).order_by(user.c.name)))
        SELECT count(*) AS count_1
        FROM "user"
    """
    return plan_count(statement, without=without).statement


def plan_count(statement: Statement, *, without: Collection[CountRewrite] = ()) -> CountPlan:
    """Return how a statement is counted, and by which rewrites.

    Arguments and errors are those of `count_statement`.

    Example:
        >>> from sqlalchemy import column, select, table
        >>> user = table("user", column("id"), column("name"))
        >>> plan_count(select(user).order_by(user.c.name)).rewrites
        ('order_by', 'columns')
    """
    check_rewrites(without)
    return count_plan_of(statement, without)


def count_plan_of(
    statement: Statement,
    without: Collection[CountRewrite],
    facts: Facts | None = None,
    loading: Loading | None = None,
) -> CountPlan:
    """Return how a statement is counted; what is known of it already saves time."""
    if isinstance(statement, CompoundSelect):
        is_dropped = "order_by" not in without and _sqla.order_by_of(statement)
        if not is_dropped or _sqla.has_ties(statement):
            return CountPlan(statement, ())
        return CountPlan(statement.order_by(None), ("order_by",))
    rows = _once_each(statement, facts, loading or _sqla.loading_of(statement))
    applied: list[CountRewrite] = []
    # Another select list would lose what the joins are filtered by.
    steps = _STEPS[:2] if _sqla.has_joined_criteria(statement) else _STEPS
    for name, step in steps:
        if name not in without and (fewer := step(rows, facts)) is not None:
            rows = fewer
            applied.append(name)
    return CountPlan(rows, tuple(dict.fromkeys(applied)))


def check_rewrites(names: Collection[str]) -> None:
    """Refuse names that are none of a rewrite.

    Raises:
        ValueError: there is no such rewrite.
    """
    if unknown := set(names) - set(COUNT_REWRITES):
        raise ValueError(
            f"no such rewrite of a count: {', '.join(sorted(unknown))}; "
            f"there are {', '.join(COUNT_REWRITES)}"
        )


def _once_each(statement: AnySelect, facts: Facts | None, loading: Loading) -> AnySelect:
    """Return a statement of the rows that `unique()` leaves."""
    statement = with_eager_filters(statement, loading)
    if not loading.repeats:
        return statement
    entity = repeated_entity(statement, Facts(statement) if facts is None else facts)
    if not entity:
        return statement
    bare = _sqla.without_loading(statement.order_by(None))
    return _sqla.with_columns(bare, *entity).distinct()


# Each of these returns a statement with as many rows, or None where it has nothing to leave out.
# The facts, if there are any yet, are those of the statement that is counted: of the same joins.


def _drop_order(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    order = _sqla.order_by_of(rows)
    if not order or _sqla.has_ties(rows) or is_one_row_by_order(rows):
        return None
    if not all(_is_one_value(_sqla.bare_of(key)) for key in _sqla.flat(order)):
        return None  # A function may return several rows.
    return rows.order_by(None)


def _drop_loading(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    bare = _sqla.without_loading(rows)
    is_same = len(_sqla.options_of(bare)) == len(_sqla.options_of(rows))
    return None if is_same and not _sqla.is_locking(rows) else bare


def _drop_distinct(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    if not _sqla.is_distinct(rows) or _sqla.distinct_on_of(rows):
        return None
    every = _sqla.without_distinct(rows)
    facts = Facts(every)
    selected = _selected_in(rows, facts)
    if selected is None or facts.identity is None or not facts.identity.is_certain:
        return None
    return every if facts.covers(selected) else None


def _reduce_distinct(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    is_distinct = _sqla.is_distinct(rows) and not _sqla.distinct_on_of(rows)
    if not is_distinct or _sqla.order_by_of(rows) or _sqla.group_by_of(rows) or is_one_row(rows):
        return None
    if _sqla.has_extension(rows) or any(map(_sqla.is_text, _sqla.raw_columns_of(rows))):
        return None
    facts = Facts(_sqla.without_distinct(rows))
    selected = _selected_in(rows, facts)
    if selected is None or not all(map(is_plain_or_nested, selected)):
        return None
    kept = list(selected)
    for leaf in facts.leaves:
        own, hashes = set(map(hash, _sqla.columns_of(leaf))), set(map(hash, kept))
        keys = (set(map(hash, key)) for key in _sqla.keys_of(leaf))
        key = next((key for key in keys if key <= hashes), own)
        fewer = [column for column in kept if hash(column) in key or hash(column) not in own]
        if facts.covers(fewer, selected):
            kept = fewer
    if len(kept) == len(_sqla.expressions_of(rows.selected_columns)):
        return None
    return _sqla.with_columns(rows, *kept)


def _reduce_groups(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    groups = _sqla.group_by_of(rows)
    if not groups or any(map(_sqla.is_textual, groups)) or not _is_list_droppable(rows):
        return None
    if any(_may_name(part) for part in _parts_of_all(_sqla.having_of(rows))):
        return None
    # MariaDB knows of no other columns in HAVING than those selected.
    named = filter(is_plain_column, _parts_of_all(_sqla.having_of(rows), within=False))
    kept = {hash(column): column for column in _sqla.expressions_of(named)}
    return _sqla.with_columns(rows, *kept.values() or (_ONE,))


def _drop_columns(rows: AnySelect, _: Facts | None) -> "AnySelect | None":
    is_kept = _is_one(rows) or _sqla.group_by_of(rows) or is_one_row(rows)
    if is_kept or not _is_list_droppable(rows):
        return None
    return _sqla.with_columns(rows, _ONE)


def _drop_outer_joins(rows: AnySelect, facts: Facts | None) -> "AnySelect | None":
    groups, having = _sqla.group_by_of(rows), _sqla.having_of(rows)
    used = (*_sqla.raw_columns_of(rows), *_sqla.order_by_of(rows), *groups, *having)
    if _sqla.distinct_on_of(rows):
        return None
    # What comes several times is one row, or group, unless an aggregate or a window counts it.
    is_counted = any(has_aggregate(clause) or has_window(clause) for clause in used)
    is_merged = (_sqla.is_distinct(rows) or bool(groups)) and not is_counted
    fewer = without_outer_joins(rows, used, keeps_duplicates=not is_merged, facts=facts)
    return None if fewer is rows else fewer


_Step: TypeAlias = Callable[[AnySelect, Facts | None], "AnySelect | None"]
_STEPS: Final[tuple[tuple[CountRewrite, _Step], ...]] = (
    ("order_by", _drop_order),
    ("loading", _drop_loading),
    ("distinct", _drop_distinct),
    ("distinct_keys", _reduce_distinct),
    ("group_by", _reduce_groups),
    ("columns", _drop_columns),
    ("outer_joins", _drop_outer_joins),
    # Without a join, rows that were several may be one each.
    ("distinct", _drop_distinct),
    ("columns", _drop_columns),
)
# With a name, since SQL Server has no column of a subquery without one.
_ONE: Final = _sqla.number(1).label("_one")


def _is_list_droppable(rows: AnySelect) -> bool:
    """Tell whether the select list cannot change how many rows there are."""
    return (
        not _sqla.is_distinct(rows)
        and not _sqla.has_extension(rows)
        and not _sqla.order_by_of(rows)
        and not _sqla.has_loader_options(rows)
        and all(map(is_one_value, _sqla.flat(_sqla.raw_columns_of(rows))))
        and not has_outer_aggregate(rows)
    )


def _may_name(part: ClauseElement) -> bool:
    """Tell whether a part of HAVING may speak of what is selected, in a way that is not seen."""
    return _sqla.is_textual(part) or isinstance(part, SelectBase | ScalarSelect)


def _is_one_value(key: ClauseElement) -> bool:
    # A text without parentheses calls no function.
    return "(" not in str(key) if _sqla.is_textual(key) else is_one_value(key)


def _is_one(rows: AnySelect) -> bool:
    """Tell whether it selects the number one for each row."""
    return all(column is _ONE for column in _sqla.raw_columns_of(rows))


def _is_plain(rows: AnySelect) -> bool:
    """Tell whether it has a row for each of its tables' rows."""
    return (
        not _sqla.is_limited(rows)
        and not _sqla.is_locking(rows)
        and not _sqla.is_distinct(rows)
        and not _sqla.group_by_of(rows)
        and not _sqla.having_of(rows)
    )


def _selected_in(rows: AnySelect, facts: Facts) -> "tuple[ColumnElement[Any], ...] | None":
    """Return what is selected, of each entity its key; None where the key is not all of it."""
    found: list[ColumnElement[Any]] = []
    for selected in _sqla.flat(_sqla.raw_columns_of(rows)):
        keys = _sqla.entity_keys_of(selected)
        if keys and not facts.covers(keys, _sqla.columns_of(selected)):
            return None
        found += keys or _sqla.expressions_of([_sqla.bare_of(selected)])
        if not keys and not isinstance(selected, ColumnElement):
            return None
    return tuple(found)


def _parts_of_all(
    clauses: tuple[ClauseElement, ...], *, within: bool = True
) -> list[ClauseElement]:
    """Return what clauses are made of; unless `within`, without what aggregates are of."""
    return [part for clause in clauses for part in parts_of(clause, within_aggregates=within)]


assert set(get_args(CountRewrite)) == set(COUNT_REWRITES)  # noqa: S101

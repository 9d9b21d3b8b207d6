"""The count of the rows that a statement returns: the cheapest statement with the same result.

What makes a count cheap is leaving out what cannot change it. Each such rewrite is one step with a
name, in `COUNT_REWRITES`; a step says nothing where it is not known to be safe.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, select

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .identity import Facts
from .repeats import repeated_entity, with_eager_filters
from .rewrites import ONE, STEPS, CountRewrite, check_rewrites, is_plain_rows, selects_one
from .unordered import with_any_order


@dataclass(frozen=True, eq=False)
class CountPlan:
    """How a statement is counted.

    Attributes:
        rows: a statement with as many rows.
        rewrites: those of `COUNT_REWRITES` that it was made by.
    """

    rows: Statement
    rewrites: tuple[CountRewrite, ...]

    @cached_property
    def statement(self) -> "Select[Any]":
        """The statement that counts the rows."""
        rows = self.rows
        if isinstance(rows, Select) and selects_one(rows) and is_plain_rows(rows):
            return _sqla.with_columns(rows, func.count())
        return self._counted(rows)

    def up_to(self, number: int) -> "Select[Any]":
        """Return the statement that counts the rows, but stops at this number of them."""
        rows = self.rows
        if _sqla.is_limited(rows) or not isinstance(rows, Select):
            # A LIMIT of its own may be an expression.
            rows = self._outer(select(ONE).select_from(rows.subquery()))
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
        return CountPlan(with_any_order(statement.order_by(None)), ("order_by",))
    rows = _once_each(statement, facts, loading or _sqla.loading_of(statement))
    applied: list[CountRewrite] = []
    # Another select list would lose what the joins are filtered by.
    steps = STEPS[:2] if _sqla.has_joined_entities(statement) else STEPS
    for name, step in steps:
        if name not in without and (fewer := step(rows, facts)) is not None:
            rows = fewer
            applied.append(name)
    return CountPlan(with_any_order(rows), tuple(dict.fromkeys(applied)))


def can_replay(rewrites: Collection[CountRewrite]) -> bool:
    """Tell whether these rewrites of a count are the same for all statements built alike."""
    return set(rewrites) <= {"order_by", "loading", "columns"}


def replayed(statement: AnySelect, rewrites: Collection[CountRewrite]) -> CountPlan:
    """Return how a statement is counted by rewrites that were found safe for one built alike."""
    rows = statement.order_by(None) if "order_by" in rewrites else statement
    rows = _sqla.without_loading(rows) if "loading" in rewrites else rows
    rows = _sqla.with_columns(rows, ONE) if "columns" in rewrites else rows
    return CountPlan(with_any_order(rows), tuple(rewrites))


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

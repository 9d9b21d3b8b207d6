"""From a statement and a page request to the statements of an offset page."""

from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias

from sqlalchemy import ColumnElement, Dialect, Executable, Select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .beside_count import beside_count
from .content import expressions_of, ordered_of, sortable
from .count import CountPlan, count_plan_of
from .deep import (
    TURN_FROM,
    DeepOffset,
    Deferral,
    deferral_of,
    defers_from,
    turns_behind,
)
from .errors import PageRequestError, StatementNotPageableError
from .frame import frame_of
from .identity import Facts
from .models import M
from .plan import MAX_OFFSET, check_limit
from .projection import Parents
from .repeats import filters_late, repeated_entity, with_eager_filters
from .snapshots import Counted, snapshot_of, with_snapshot
from .totals import CountPolicy

Form: TypeAlias = Literal["offset", "deferred", "parents"]

AUTO: Final = DeepOffset()


@dataclass(frozen=True, slots=True)
class OffsetRequest:
    """The part of a collection that is asked for: `limit` items after the first `offset`.

    Raises:
        PageRequestError: a negative or too large offset, or a limit below one.
    """

    offset: int
    limit: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 <= self.offset <= MAX_OFFSET:
            raise PageRequestError(f"offset must be from 0 to {MAX_OFFSET}, not {self.offset}")
        check_limit(self.limit)


@dataclass(frozen=True, slots=True, eq=False)
class OffsetPlan(Generic[M]):
    """The statements for an offset page.

    Attributes:
        request: the part that is asked for.
        form: `offset` where the statement itself is limited, `deferred` where its rows are found
            by their keys, `parents` where its rows repeat entities, which are limited.
        ordered: the statement under its total order.
        rows: None where the statement's own LIMIT ends before the page begins.
        rows_and_total: what to run in place of both, if anything.
        count: how the total is counted.
        policy: how much of it is.
        turnable: how the page is found from the end, where the total is to be asked for first.
        is_turn_forced: whether it is to be found so at any offset.
        dialect: of the database.
    """

    request: OffsetRequest
    form: Form
    ordered: "Statement"
    rows: Executable | None
    rows_and_total: Executable | None
    count: CountPlan
    policy: CountPolicy[M]
    turnable: Deferral | None
    is_turn_forced: bool
    dialect: Dialect

    @property
    def count_first(self) -> AnySelect:
        """The statement that counts before the page is found: see `with_snapshot`."""
        return with_snapshot(self.count.statement, self._snapshot)

    @property
    def knows_snapshot(self) -> bool:
        """Whether the database can tell if the page sees the rows that were counted."""
        return self._snapshot is not None

    @property
    def _snapshot(self) -> ColumnElement[str] | None:
        if self.turnable is None:
            return None
        return snapshot_of(self.turnable.ordered, self.dialect)

    def turned(self, counted: Counted) -> "AnySelect | None":
        """Return the statement that finds the page from the end; None where that does not pay."""
        offset, limit = self.request.offset, self.request.limit
        is_near = self.is_turn_forced or offset > counted.rows * turns_behind(self.dialect, counted)
        if self.turnable is None or not is_near or offset >= counted.rows:
            return None
        return self.turnable.turned(limit, offset, counted, self.count.statement, self.dialect)


def offset_plan(
    statement: "Statement",
    request: OffsetRequest,
    dialect: Dialect,
    policy: CountPolicy[M],
    deep: DeepOffset = AUTO,
    outer: FromStatement[Any] | None = None,
) -> OffsetPlan[M]:
    """Return what to run for the page of a statement, which `outer` loads its entities from.

    Raises:
        StatementNotPageableError: no pages of this statement could be right, or not in the way
            that is forced; says what to change.
    """
    limit = request.limit + policy.reads_ahead
    loading, facts = Loading(), None
    if isinstance(statement, Select):
        facts = Facts(statement)
        loading = _sqla.loading_of(statement) if outer is None else loading
    count = count_plan_of(statement, policy.without, facts, loading)
    if facts is not None and isinstance(statement, Select):
        if loading.repeats and repeated_entity(statement, facts):
            _refuse_forced(deep, "its rows repeat entities")
            return _plan_of_parents(statement, request, limit, dialect, count, policy)
        if filters_late(statement, loading):
            statement = with_eager_filters(statement, loading)
    ordered = _ordered_of(statement, facts)
    limited = _limited(statement, ordered, request.offset, limit)
    if request.offset > 0 and facts is not None and facts.is_one_row:
        limited = None  # MariaDB skips no row of a DISTINCT constant.
    rows: Executable | None = limited
    if outer is not None and limited is not None:
        rows = _sqla.loaded_from(outer, limited)
    form: Form = "offset"
    may_pay = request.offset >= defers_from(dialect)
    deferral = _deferral_of(ordered, facts, loading, deep, outer, may_pay=may_pay)
    if limited is None:
        deferral = None
    if deferral is not None and (deep.defer or (deep.defer is None and deferral.pays)):
        form, rows = "deferred", deferral.page(limit, request.offset)
    is_deep = deep.turn or (deep.turn is None and request.offset >= TURN_FROM)
    rows_and_total = None
    if limited is not None and policy.in_page:
        page = rows if isinstance(rows, Select) else limited
        rows_and_total = beside_count(page, count.statement, loading, outer)
    return OffsetPlan(
        request=request,
        form=form,
        ordered=ordered,
        rows=rows,
        rows_and_total=rows_and_total,
        count=count,
        policy=policy,
        turnable=deferral if policy.is_exact and is_deep else None,
        is_turn_forced=bool(deep.turn),
        dialect=dialect,
    )


def _deferral_of(
    ordered: Statement,
    facts: Facts | None,
    loading: Loading,
    deep: DeepOffset,
    outer: FromStatement[Any] | None,
    *,
    may_pay: bool,
) -> Deferral | None:
    """Return how the page is found by keys, if that is forced, or may pay and is possible."""
    is_forced = deep.defer or deep.turn
    if deep.defer is False or (not is_forced and not may_pay):
        return None
    if facts is None or not isinstance(ordered, Select) or outer is not None:
        found: Deferral | str = "it is a union, or loaded by from_statement()"
    else:
        found = deferral_of(ordered, facts, loading)
    if isinstance(found, Deferral):
        return found
    _refuse_forced(deep, found)
    return None


def _refuse_forced(deep: DeepOffset, reason: str) -> None:
    if deep.defer or deep.turn:
        raise StatementNotPageableError(
            f"the pages of this statement cannot be found by keys, as DeepOffset asks: {reason}; "
            "leave it to the planner"
        )


def _plan_of_parents(
    statement: AnySelect,
    request: OffsetRequest,
    limit: int,
    dialect: Dialect,
    count: CountPlan,
    policy: CountPolicy[M],
) -> OffsetPlan[M]:
    frame = frame_of(statement, dialect)
    parents, order = frame.projection, frame.order
    if not isinstance(parents, Parents):
        raise AssertionError("entities that are repeated are paged as parents")
    added = order.keys[len(order.keys) - order.tie_breakers :]
    return OffsetPlan(
        request=request,
        form="parents",
        ordered=statement.order_by(*(key.clause() for key in added)),
        rows=parents.page(parents.keys, (), None, limit, request.offset),
        rows_and_total=None,
        count=count,
        policy=policy,
        turnable=None,
        is_turn_forced=False,
        dialect=dialect,
    )


def _ordered_of(statement: Statement, facts: Facts | None) -> Statement:
    """Return the statement with keys added to its ORDER BY, so that it is the same on every page.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    if facts is not None and isinstance(statement, Select) and not _sqla.distinct_on_of(statement):
        known = tuple(expressions_of(statement))
        missing = facts.missing(known)
        if missing is not None and facts.identity is not None and facts.identity.is_certain:
            descending = _sqla.direction_of(_sqla.order_by_of(statement)[-1])[0] if known else False
            added = (column.desc() if descending else column for column in map(sortable, missing))
            return statement.order_by(*added)
    return ordered_of(statement)


def _limited(
    statement: "Statement", ordered: "Statement", offset: int, limit: int
) -> "Statement | None":
    """Return the rows of the page, within the statement's own LIMIT and OFFSET; None if none."""
    if _sqla.has_fetch_options(statement):
        raise StatementNotPageableError(
            "a FETCH with WITH TIES or PERCENT has no pages of its own: "
            "select from it as a subquery"
        )
    try:
        own_limit, own_offset = _sqla.limit_of(statement), _sqla.offset_of(statement)
    except ValueError as error:
        raise StatementNotPageableError(
            "a LIMIT or OFFSET that is an expression has no pages of its own: "
            "give a number, or select from it as a subquery"
        ) from error
    if own_limit is not None:
        limit = min(limit, own_limit - offset)
    if limit <= 0 or own_offset + offset > MAX_OFFSET:
        return None
    return ordered.limit(limit).offset(own_offset + offset)

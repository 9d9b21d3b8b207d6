"""From a statement and a page request to the statements of an offset page."""

from dataclasses import dataclass
from typing import Any, Final, Generic

from sqlalchemy import Dialect
from sqlalchemy.orm import FromStatement

from ._sqla import AnySelect, Statement
from .counts import CountPlan
from .deep import TURN_FROM, DeepOffset, Deferral, defers_from, turns_behind
from .errors import PageRequestError, StatementNotPageableError
from .models import M
from .offset_frame import Form, OffsetFrame, offset_frame_of
from .plan import MAX_OFFSET, Step, check_limit
from .snapshots import Counted
from .totals import CountPolicy

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
        frame: how any page of the statement is selected.
        form: `offset` where the statement itself is limited, `deferred` where its rows are found
            by their keys, `parents` where its rows repeat entities, which are limited.
        rows: None where the statement's own LIMIT ends before the page begins.
        rows_and_total: what to run in place of both, if anything.
        policy: how much is counted.
        turnable: how the page is found from the end, where the total is to be asked for first.
        is_turn_forced: whether it is to be found so at any offset.
        dialect: of the database.
    """

    request: OffsetRequest
    frame: OffsetFrame
    form: Form
    rows: Step | None
    rows_and_total: Step | None
    policy: CountPolicy[M]
    turnable: Deferral | None
    is_turn_forced: bool
    dialect: Dialect

    @property
    def count(self) -> CountPlan:
        """How the total is counted."""
        return self.frame.count(self.policy.without)

    @property
    def count_first(self) -> AnySelect:
        """The statement that counts before the page is found: see `with_snapshot`."""
        return self.frame.count_first(self.policy.without)

    @property
    def knows_snapshot(self) -> bool:
        """Whether the database can tell if the page sees the rows that were counted."""
        return self.turnable is not None and self.frame.seen is not None

    def turned(self, counted: Counted) -> Step | None:
        """Return what finds the page from the end; None where that does not pay."""
        offset = self.request.offset
        is_near = self.is_turn_forced or offset > counted.rows * turns_behind(self.dialect, counted)
        if self.turnable is None or not is_near or offset >= counted.rows:
            return None
        limit = min(self.request.limit, counted.rows - offset)
        return self.frame.turned(self.turnable, offset, limit, counted, self.policy.without)


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
    return plan_of(offset_frame_of(statement, dialect, outer), request, dialect, policy, deep)


def plan_of(
    frame: OffsetFrame,
    request: OffsetRequest,
    dialect: Dialect,
    policy: CountPolicy[M],
    deep: DeepOffset,
) -> OffsetPlan[M]:
    """Return what to run for a page, given how any page of its statement is selected.

    Raises:
        StatementNotPageableError: pages cannot be found in the way that is forced.
    """
    found = frame.within(request.offset, request.limit + policy.reads_ahead)
    deferral = _deferral_of(frame, deep, may_pay=request.offset >= defers_from(dialect))
    form: Form = "offset" if frame.parents is None else "parents"
    rows = rows_and_total = turnable = None
    if found is not None:
        if deferral is not None:
            is_deep = deep.turn or (deep.turn is None and request.offset >= TURN_FROM)
            turnable = deferral if policy.is_exact and is_deep else None
            if deep.defer or (deep.defer is None and deferral.pays):
                form = "deferred"
        rows = frame.page(form, *found)
        if policy.in_page:
            rows_and_total = frame.page_and_total(form, *found, policy.without)
    return OffsetPlan(
        request=request,
        frame=frame,
        form=form,
        rows=rows,
        rows_and_total=rows_and_total,
        policy=policy,
        turnable=turnable,
        is_turn_forced=bool(deep.turn),
        dialect=dialect,
    )


def _deferral_of(frame: OffsetFrame, deep: DeepOffset, *, may_pay: bool) -> Deferral | None:
    """Return how the page is found by keys, if that is forced, or may pay and is possible."""
    is_forced = deep.defer or deep.turn
    if deep.defer is False or not (is_forced or may_pay):
        return None
    deferral = frame.deferral
    if isinstance(deferral, Deferral):
        return deferral
    if is_forced:
        raise StatementNotPageableError(
            f"the pages of this statement cannot be found by keys, as DeepOffset asks: {deferral}; "
            "leave it to the planner"
        )
    return None

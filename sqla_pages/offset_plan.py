"""From a statement and a page request to the statements to run, and from results to the page.

`offset_steps` yields statements and receives their results; it does no I/O itself, so that one
generator serves sync and asyncio, and can be tested without a database.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Executable, Result, Select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Statement
from .content import expressions_of, ordered_of, sortable
from .count import count_statement
from .errors import PageRequestError, StatementNotPageableError
from .identity import Facts
from .models import Page, PageMeta
from .parents import parent_plan
from .plan import MAX_OFFSET, check_limit, items_of

PageSteps: TypeAlias = Generator[Executable, Result[Any], Page[Any]]


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


@dataclass(frozen=True, slots=True)
class OffsetPlan:
    """The statements for an offset page.

    `ordered` is the statement under its total order. `rows` is None where the statement's own LIMIT
    ends before the page begins.
    """

    request: OffsetRequest
    statement: "Statement"
    ordered: "Statement"
    rows: Executable | None
    count: AnySelect


def offset_plan(
    statement: "Statement", request: OffsetRequest, outer: FromStatement[Any] | None = None
) -> OffsetPlan:
    """Return what to run for the page of a statement, which `outer` loads its entities from.

    Raises:
        StatementNotPageableError: no pages of this statement could be right; says what to change.
    """
    ordered = _ordered_of(statement)
    rows: Executable | None = _limited(statement, ordered, request)
    if outer is not None and rows is not None:
        rows = _sqla.loaded_from(outer, rows)
    return OffsetPlan(request, statement, ordered, rows, count_statement(statement))


def offset_steps(plan: OffsetPlan, *, scalars: bool, total: int | None = None) -> PageSteps:
    """Yield the statements of the plan, receive their results, return the page.

    The count is left out where `total` is given or the rows prove it: when there are some, but
    fewer than were asked for, or none on the first page.
    """
    offset, limit = plan.request.offset, plan.request.limit
    items: Sequence[Any] = ()
    count = plan.count
    if plan.rows is not None:
        result = yield plan.rows
        is_repeating = _sqla.is_unique_demanded(result)
        parents = parent_plan(plan.statement, plan.ordered) if is_repeating else None
        if parents is None:
            items = items_of(result, scalars=scalars)
        else:
            result.close()
            count = parents.count_statement()
            keys = (yield parents.keys_statement(limit=limit, offset=offset)).all()
            if keys:
                items = items_of((yield parents.page_statement(keys)), scalars=scalars)
    if total is None:
        is_proven = 0 < len(items) < limit or (not items and offset == 0)
        total = offset + len(items) if is_proven else int((yield count).scalar_one())
    meta = PageMeta.of(offset=offset, limit=limit, total_items=total)
    return Page(data=list(items), meta=meta)


def _ordered_of(statement: Statement) -> Statement:
    """Return the statement with keys added to its ORDER BY, so that it is the same on every page.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    if isinstance(statement, Select) and not _sqla.distinct_on_of(statement):
        facts = Facts(statement)
        known = tuple(expressions_of(statement))
        missing = facts.missing(known)
        if missing is not None and facts.identity is not None and facts.identity.is_certain:
            descending = _sqla.direction_of(_sqla.order_by_of(statement)[-1])[0] if known else False
            added = (column.desc() if descending else column for column in map(sortable, missing))
            return statement.order_by(*added)
    return ordered_of(statement)


def _limited(
    statement: "Statement", ordered: "Statement", request: OffsetRequest
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
    limit = request.limit
    if own_limit is not None:
        limit = min(limit, own_limit - request.offset)
    if limit <= 0 or own_offset + request.offset > MAX_OFFSET:
        return None
    return ordered.limit(limit).offset(own_offset + request.offset)

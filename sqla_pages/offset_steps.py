"""From the plan of an offset page to the page: the statements that are run, and in which order.

`offset_steps` yields statements and receives their results; it does no I/O itself, so that one
generator serves sync and asyncio, and can be tested without a database.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Result

from .models import M, OffsetPage, Page, PageMeta
from .offset_plan import OffsetPlan
from .plan import Step, Steps, items_and_hidden, items_of
from .snapshots import Counted
from .totals import Seen, Total

Items: TypeAlias = Sequence[Any]

_log: Final = logging.getLogger(__name__)


def offset_steps(
    plan: OffsetPlan[M], *, scalars: bool, total: int | None = None
) -> Steps[OffsetPage[Any, M]]:
    """Yield the statements of the plan, receive their results, return the page.

    The total is not asked for where it is given or the rows prove it: when there are some, but
    fewer than were asked for, or none on the first page.
    """
    found: Total | None = None
    if total is not None:
        items = yield from _rows_of(plan, scalars)
    elif plan.rows_and_total is not None:
        items, found = _with_total((yield plan.rows_and_total), scalars)
    elif plan.turnable is not None:
        row: Any = (yield Step(plan.count_first)).one()
        counted = Counted(*row)
        found = Total(counted.rows)
        items = yield from _from_either_end(plan, counted, scalars)
    else:
        items = yield from _rows_of(plan, scalars)
    limit = plan.request.limit
    has_next = len(items) > limit if plan.policy.reads_ahead else None
    items = items[:limit]
    seen = Seen(plan.request.offset, limit, len(items), has_next)
    if total is not None:
        found = _believed(total, seen)
    if found is None:
        found = seen.total
    if found is None:
        found = yield from plan.policy.total_steps(plan.count, plan.dialect, seen.at_least)
    # Others may have deleted rows between the page and the count.
    found = Total(max(found.rows, seen.at_least), found.is_exact)
    meta = plan.policy.meta_of(seen, found)
    kind: Any = Page if isinstance(meta, PageMeta) else OffsetPage
    return kind(data=list(items), meta=meta)  # type: ignore[no-any-return]


def _rows_of(plan: OffsetPlan[Any], scalars: bool) -> Steps[Items]:
    return () if plan.rows is None else items_of((yield plan.rows), scalars=scalars)


def _with_total(result: Result[Any], scalars: bool) -> tuple[Items, Total]:
    """Return the rows of a page, and the total that each of them has beside it."""
    items, hidden = items_and_hidden(result, 2, scalars=scalars)
    is_empty = hidden[0][0] is None
    return () if is_empty else items, Total(int(hidden[0][1]))


def _from_either_end(plan: OffsetPlan[Any], counted: Counted, scalars: bool) -> Steps[Items]:
    """Yield the page counted from the end where that is nearer, else from the beginning."""
    if plan.request.offset >= counted.rows:
        return ()
    turned = plan.turned(counted)
    if turned is not None:
        items, hidden = items_and_hidden((yield turned), 1, scalars=scalars)
        if items and int(hidden[0][0]) == counted.rows:
            return items
        # Others have written between the count and the page, which may be another one now.
    return (yield from _rows_of(plan, scalars))


def _believed(total: int, seen: Seen) -> Total | None:
    """Return the total that an application gives; None if the page shows that there are more."""
    if total >= seen.at_least:
        return Total(int(total))
    _log.warning(
        "the query_count of a page returned %d, but there are at least %d items: "
        "they are counted instead",
        total,
        seen.at_least,
    )
    return None

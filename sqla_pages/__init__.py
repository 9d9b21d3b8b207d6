"""Exact pages of any SQLAlchemy Select.

The names of the FastAPI face are imported when they are first used: the rest works without FastAPI
and without `sqla_session`.
"""

from typing import TYPE_CHECKING

from .by_cursor import async_cursor_page, cursor_page
from .by_offset import async_offset_page, offset_page
from .count import CountPlan, count_statement, plan_count
from .cursor import CursorCodec
from .deep import DeepOffset
from .errors import (
    DialectNotSupportedError,
    InvalidCursorError,
    OrderingNotTotalError,
    PageRequestError,
    PagesError,
    SortKeyNotSeekableError,
    StatementNotPageableError,
)
from .execute import async_count, count
from .explain import PageSQL, plan_page
from .iterate import async_iter_pages, async_iter_rows, iter_pages, iter_rows
from .models import (
    CappedPage,
    CappedPageMeta,
    Collection,
    CountedCursorPage,
    CountedCursorPageMeta,
    CursorPage,
    CursorPageMeta,
    EstimatedPage,
    EstimatedPageMeta,
    Item,
    OffsetPage,
    Page,
    PageMeta,
    UncountedPage,
    UncountedPageMeta,
)
from .rewrites import COUNT_REWRITES, CountRewrite
from .signatures import (
    AsyncCountedCursorPaginateSignature,
    AsyncCountedPaginateSignature,
    AsyncCursorPaginateSignature,
    AsyncPaginateSignature,
    CountedCursorPaginateSignature,
    CountedPaginateSignature,
    CursorPaginateSignature,
    PaginateSignature,
)
from .totals import CappedCount, CountPolicy, EstimatedCount, ExactCount, NoCount

if TYPE_CHECKING:
    from .fastapi import (
        AsyncCursorPaginate,
        AsyncCursorPagination,
        AsyncPaginate,
        AsyncPagination,
        CursorPaginate,
        CursorPagination,
        Paginate,
        Pagination,
    )

__all__ = [
    "COUNT_REWRITES",
    "AsyncCountedCursorPaginateSignature",
    "AsyncCountedPaginateSignature",
    "AsyncCursorPaginate",
    "AsyncCursorPaginateSignature",
    "AsyncCursorPagination",
    "AsyncPaginate",
    "AsyncPaginateSignature",
    "AsyncPagination",
    "CappedCount",
    "CappedPage",
    "CappedPageMeta",
    "Collection",
    "CountPlan",
    "CountPolicy",
    "CountRewrite",
    "CountedCursorPage",
    "CountedCursorPageMeta",
    "CountedCursorPaginateSignature",
    "CountedPaginateSignature",
    "CursorCodec",
    "CursorPage",
    "CursorPageMeta",
    "CursorPaginate",
    "CursorPaginateSignature",
    "CursorPagination",
    "DeepOffset",
    "DialectNotSupportedError",
    "EstimatedCount",
    "EstimatedPage",
    "EstimatedPageMeta",
    "ExactCount",
    "InvalidCursorError",
    "Item",
    "NoCount",
    "OffsetPage",
    "OrderingNotTotalError",
    "Page",
    "PageMeta",
    "PageRequestError",
    "PageSQL",
    "PagesError",
    "Paginate",
    "PaginateSignature",
    "Pagination",
    "SortKeyNotSeekableError",
    "StatementNotPageableError",
    "UncountedPage",
    "UncountedPageMeta",
    "async_count",
    "async_cursor_page",
    "async_iter_pages",
    "async_iter_rows",
    "async_offset_page",
    "count",
    "count_statement",
    "cursor_page",
    "iter_pages",
    "iter_rows",
    "offset_page",
    "plan_count",
    "plan_page",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import fastapi

    value = globals()[name] = getattr(fastapi, name)
    return value


def __dir__() -> list[str]:
    return __all__

"""Exact pages of any SQLAlchemy Select.

Names are imported when they are first used. All but those of the FastAPI face work without FastAPI
and without `sqla_session`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .by_cursor import async_cursor_page, cursor_page
    from .by_offset import async_offset_page, offset_page
    from .counts import CountPlan, count_statement, plan_count
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

_HOMES = {
    "by_cursor": ("async_cursor_page", "cursor_page"),
    "by_offset": ("async_offset_page", "offset_page"),
    "counts": ("CountPlan", "count_statement", "plan_count"),
    "cursor": ("CursorCodec",),
    "deep": ("DeepOffset",),
    "errors": (
        "DialectNotSupportedError",
        "InvalidCursorError",
        "OrderingNotTotalError",
        "PageRequestError",
        "PagesError",
        "SortKeyNotSeekableError",
        "StatementNotPageableError",
    ),
    "execute": ("async_count", "count"),
    "explain": ("PageSQL", "plan_page"),
    "fastapi": (
        "AsyncCursorPaginate",
        "AsyncCursorPagination",
        "AsyncPaginate",
        "AsyncPagination",
        "CursorPaginate",
        "CursorPagination",
        "Paginate",
        "Pagination",
    ),
    "iterate": ("async_iter_pages", "async_iter_rows", "iter_pages", "iter_rows"),
    "models": (
        "CappedPage",
        "CappedPageMeta",
        "Collection",
        "CountedCursorPage",
        "CountedCursorPageMeta",
        "CursorPage",
        "CursorPageMeta",
        "EstimatedPage",
        "EstimatedPageMeta",
        "Item",
        "OffsetPage",
        "Page",
        "PageMeta",
        "UncountedPage",
        "UncountedPageMeta",
    ),
    "rewrites": ("COUNT_REWRITES", "CountRewrite"),
    "signatures": (
        "AsyncCountedCursorPaginateSignature",
        "AsyncCountedPaginateSignature",
        "AsyncCursorPaginateSignature",
        "AsyncPaginateSignature",
        "CountedCursorPaginateSignature",
        "CountedPaginateSignature",
        "CursorPaginateSignature",
        "PaginateSignature",
    ),
    "totals": ("CappedCount", "CountPolicy", "EstimatedCount", "ExactCount", "NoCount"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__

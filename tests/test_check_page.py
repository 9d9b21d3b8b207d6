"""What a page alone shows to be wrong."""

from types import SimpleNamespace
from typing import Any

import pytest

from sqla_pages import CursorPage, CursorPageMeta, Page, PageMeta
from sqla_pages.testing import PagesMismatchError, check_page


def page(items: int, **meta: Any) -> dict[str, Any]:
    return {"data": [None] * items, "meta": meta}


def counted(items: int, offset: int, total: int, pages: int, number: int) -> dict[str, Any]:
    return page(items, offset=offset, total_items=total, total_pages=pages, page_number=number)


def linked(items: int, following: Any, previous: Any, **meta: Any) -> dict[str, Any]:
    return page(items, next_cursor=following, previous_cursor=previous, **meta)


RIGHT: list[tuple[Any, dict[str, int]]] = [
    (counted(2, 40, 42, 5, 5), {}),
    (counted(2, 40, 42, 5, 5), {"offset": 40, "limit": 10, "total": 42}),
    (counted(0, 0, 0, 0, 1), {"limit": 10}),
    (counted(0, 50, 42, 5, 6), {"limit": 10}),
    (counted(10, 35, 100, 10, 4), {"limit": 10}),
    (counted(7, 3, 10, 1, 1), {}),
    (counted(1, 0, 1, 1, 1), {"limit": 2**62}),
    ({**counted(3, 3, 6, 2, 2), "more": 1}, {}),
    (page(3, offset=3, page_number=2, has_next=True), {"limit": 3}),
    (page(2, offset=3, page_number=2, has_next=False), {"limit": 3}),
    (page(0, offset=30, page_number=11, has_next=False), {"limit": 3}),
    (
        page(3, offset=3, total_items=5, total_items_exact=False, total_pages=2, page_number=2),
        {"limit": 3, "total": 9},
    ),
    (linked(0, None, None), {}),
    (linked(3, None, None), {"limit": 3}),
    (linked(3, "AAAA", None), {"limit": 3}),
    (linked(3, "AAAA", "AAAB"), {"limit": 3}),
    (linked(0, None, "AAAA"), {"limit": 3}),
    (linked(1, "AAAA", None), {"limit": 3}),
    (linked(3, "AAAA", "AAAB", total_items=5, total_items_exact=True), {"limit": 3}),
    (linked(3, "AAAA", None, total_items=2, total_items_exact=False), {"limit": 3}),
]


@pytest.mark.parametrize(("right", "known"), RIGHT)
def test_a_page_that_can_be_passes(right: Any, known: dict[str, int]) -> None:
    check_page(right, **known)


def test_models_and_responses_are_pages_too() -> None:
    meta = PageMeta(offset=0, total_items=1, total_pages=1, page_number=1)
    body = Page[str](data=["a"], meta=meta).model_dump()

    check_page(Page[str](data=["a"], meta=meta))
    check_page(
        CursorPage[str](data=["a"], meta=CursorPageMeta(next_cursor=None, previous_cursor=None))
    )
    check_page(SimpleNamespace(status_code=200, json=lambda: body))
    with pytest.raises(PagesMismatchError, match="status 500, not 200"):
        check_page(SimpleNamespace(status_code=500, json=lambda: body))


WRONG: list[tuple[Any, dict[str, int], str]] = [
    (None, {}, "no page"),
    ([], {}, "no page"),
    ({"data": []}, {}, "no page"),
    ({"data": {}, "meta": {}}, {}, "no page"),
    ({"data": [], "meta": {"offset": 0}}, {}, "no page"),
    (counted(1, -1, 1, 1, 1), {}, "offset cannot be"),
    (counted(1, 0, 1, 1, 0), {}, "page_number cannot be"),
    (counted(1, 0, True, 1, 1), {}, "total_items cannot be"),
    (page(0, offset=0, page_number=1, has_next=0), {}, "has_next cannot be"),
    (linked(1, "", None), {}, "next_cursor cannot be"),
    (linked(1, None, "x" * 8193), {}, "previous_cursor cannot be"),
    (linked(1, None, "é"), {}, "previous_cursor cannot be"),
    (counted(11, 0, 11, 1, 1), {"limit": 10}, "11 items for a limit of 10"),
    (counted(10, 10, 20, 2, 2), {"offset": 0}, "offset is 10, not 0"),
    (counted(1, 0, 1, 1, 1), {"total": 2}, "total_items is 1, not 2"),
    # A page in the middle that is not full, or too many pages, or too few.
    (counted(9, 0, 20, 2, 1), {"limit": 10}, "9 items at offset 0 do not fit"),
    (counted(9, 0, 20, 2, 1), {}, "9 items at offset 0 do not fit"),
    (counted(10, 0, 20, 3, 1), {}, "do not fit"),
    (counted(10, 0, 21, 2, 1), {}, "do not fit"),
    (counted(0, 0, 20, 2, 1), {}, "do not fit"),
    (counted(0, 0, 0, 1, 1), {}, "total_pages is 1 for 0 items"),
    (counted(1, 0, 1, 0, 1), {}, "total_pages is 0 for 1 items"),
    (counted(3, 40, 42, 5, 5), {}, "3 items at offset 40 of 42"),
    (counted(1, 50, 42, 5, 6), {}, "1 items at offset 50 of 42"),
    (counted(2, 40, 42, 5, 4), {"limit": 10}, "page_number is 4 at offset 40"),
    (counted(2, 40, 42, 5, 6), {"limit": 10}, "page_number is 6 at offset 40"),
    (counted(0, 1, 0, 0, 3), {}, "page_number is 3 at offset 1"),
    (page(2, offset=0, page_number=1, has_next=True), {"limit": 3}, "do not fit"),
    (page(3, offset=0, page_number=1, has_next=True), {"total": 3}, "has_next is True, with 3"),
    (page(3, offset=0, page_number=1, has_next=False), {"total": 4}, "has_next is False, with 4"),
    (linked(0, "AAAA", "AAAA"), {}, "past one end only"),
    (linked(2, "AAAA", "AAAA"), {"limit": 3}, "2 items for a limit of 3"),
    (linked(2, "AAAA", None, total_items=2, total_items_exact=True), {}, "more elsewhere"),
    (linked(2, None, None, total_items=3, total_items_exact=True), {}, "none elsewhere"),
]


@pytest.mark.parametrize(("wrong", "known", "message"), WRONG)
def test_a_page_that_cannot_be_is_named(wrong: Any, known: dict[str, int], message: str) -> None:
    with pytest.raises(PagesMismatchError, match=message):
        check_page(wrong, **known)

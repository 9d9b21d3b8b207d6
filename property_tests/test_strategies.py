"""The strategies for users, on a small application: what they promise, an endpoint answers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select, union

from sqla_pages import (
    CursorPage,
    CursorPaginate,
    InvalidCursorError,
    Page,
    PageMeta,
    Paginate,
)
from sqla_pages.cursor import UNSIGNED
from sqla_pages.testing import check_page
from sqla_pages.testing.strategies import (
    bad_offset_requests,
    cursors,
    hostile_cursors,
    offset_requests,
    page_metas,
    pages,
)
from sqla_session import SessionRegistry, setup

NUMBERS = union(*(select(literal(number).label("n")) for number in range(23))).subquery()
BY_NUMBER = select(NUMBERS.c.n).order_by(NUMBERS.c.n)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    setup(app, SessionRegistry({"sqlalchemy_url": "sqlite://"}))

    @app.get("/offset", response_model=Page[int])
    def offset(paginate: Paginate):
        return paginate(BY_NUMBER)

    @app.get("/cursor", response_model=CursorPage[int])
    def cursor(paginate: CursorPaginate):
        return paginate(BY_NUMBER)

    with TestClient(app) as client:
        yield client


@given(params=offset_requests())
def test_requests_within_the_bounds_are_answered(client: TestClient, params: Any) -> None:
    response = client.get("/offset", params=params)

    check_page(response, offset=params.get("offset", 0), limit=params.get("limit", 10), total=23)


@given(params=bad_offset_requests())
def test_requests_out_of_bounds_are_refused(client: TestClient, params: Any) -> None:
    assert client.get("/offset", params=params).status_code == 422


@given(cursor=cursors())
def test_cursors_of_elsewhere_are_refused_for_their_ordering(
    client: TestClient, cursor: str
) -> None:
    response = client.get("/cursor", params={"cursor": cursor})

    assert response.status_code == 400
    assert response.json()["detail"][0]["ctx"] == {"reason": "ordering"}


@given(data=st.data())
def test_texts_that_are_no_cursors_are_refused(client: TestClient, data: st.DataObject) -> None:
    given = [
        client.get("/cursor", params={"limit": limit}).json()["meta"]["next_cursor"]
        for limit in (2, 9)
    ]
    cursor = data.draw(hostile_cursors() | hostile_cursors(given))

    response = client.get("/cursor", params={"cursor": cursor})

    assert response.status_code == 400
    assert response.json()["detail"][0]["ctx"]["reason"] in ("malformed", "too_long")
    with pytest.raises(InvalidCursorError):
        UNSIGNED.decode(cursor)


@given(meta=page_metas(max_page_size=7))
def test_metas_are_those_of_some_page(meta: PageMeta) -> None:
    # That of the fullest page there can be is one of them.
    left = max(meta.total_items - meta.offset, 0)
    sizes = [
        size
        for size in range(1, 8)
        if (-(-meta.total_items // size), meta.offset // size + 1)
        == (meta.total_pages, meta.page_number)
    ]

    assert sizes
    check_page({"data": [None] * min(left, sizes[0]), "meta": meta.model_dump()})


@given(page=pages(st.integers()))
def test_pages_can_be(page: Page[int]) -> None:
    check_page(page)
    assert all(isinstance(item, int) for item in page.data)


def test_some_requests_and_cursors_are_of_each_kind() -> None:
    """So that the tests above do not pass for want of examples."""

    def find_any(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> None:
        # Not the smallest, which takes long.
        find(strategy, condition, settings=settings(max_examples=5_000, phases=[Phase.generate]))

    find_any(offset_requests(), lambda params: not params)
    find_any(offset_requests(), lambda params: params.get("offset", 0) > 2**62)
    find_any(bad_offset_requests(), lambda params: params.get("limit") == 101)
    find_any(bad_offset_requests(), lambda params: params.get("offset") == -1)
    find_any(hostile_cursors(), lambda text: len(text) > 8192)
    find_any(hostile_cursors(["abcd"]), lambda text: text == "abc")
    find_any(hostile_cursors(["abcd", "efgh"]), lambda text: text[:2] + text[-2:] == "abgh")
    find_any(pages(st.none()), lambda page: page.meta.offset > page.meta.total_items > 0)

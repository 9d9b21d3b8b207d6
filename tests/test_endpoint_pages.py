"""The verification kit on endpoints: right ones pass, each fault of a hand-written one is named."""

import asyncio
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from fastapi.testclient import TestClient
from pydantic import AfterValidator
from sqlalchemy import literal, select, union

from sqla_pages import (
    CappedCount,
    CappedPage,
    CountedCursorPage,
    CountedCursorPaginateSignature,
    CountedPaginateSignature,
    CursorPage,
    CursorPaginate,
    CursorPagination,
    ExactCount,
    NoCount,
    Page,
    Paginate,
    PaginateSignature,
    Pagination,
    UncountedPage,
)
from sqla_pages.testing import (
    PagesMismatchError,
    assert_endpoint_pages,
    async_assert_endpoint_pages,
)
from sqla_session import SessionRegistry, setup

ROWS = list(range(1, 24))
NUMBERS = union(*(select(literal(number).label("n")) for number in ROWS)).subquery()
BY_NUMBER = select(NUMBERS.c.n).order_by(NUMBERS.c.n)

Uncounted = Annotated[CountedPaginateSignature[Any], Depends(Pagination(count=NoCount()))]
Capped = Annotated[CountedPaginateSignature[Any], Depends(Pagination(count=CappedCount(5)))]
Bounded = Annotated[PaginateSignature, Depends(Pagination(max_offset=10))]
Counted = Annotated[CountedCursorPaginateSignature, Depends(CursorPagination(count=ExactCount()))]
Of = Annotated[int | None, Query()]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    setup(app, SessionRegistry({"sqlalchemy_url": "sqlite://"}))

    @app.get("/exact", response_model=Page[int])
    def exact(paginate: Paginate, of: Of = None):
        return paginate(BY_NUMBER if of is None else BY_NUMBER.where(NUMBERS.c.n <= of))

    @app.get("/uncounted", response_model=UncountedPage[int])
    def uncounted(paginate: Uncounted):
        return paginate(BY_NUMBER)

    @app.get("/capped", response_model=CappedPage[int])
    def capped(paginate: Capped):
        return paginate(BY_NUMBER)

    @app.get("/bounded", response_model=Page[int])
    def bounded(paginate: Bounded):
        return paginate(BY_NUMBER)

    @app.get("/cursors", response_model=CursorPage[int])
    def cursors(paginate: CursorPaginate, of: Of = None):
        return paginate(BY_NUMBER if of is None else BY_NUMBER.where(NUMBERS.c.n <= of))

    @app.get("/counted", response_model=CountedCursorPage[int])
    def counted(paginate: Counted):
        return paginate(BY_NUMBER)

    @app.get("/secret", response_model=Page[int])
    def secret(paginate: Paginate, key: Annotated[str, Header()]):
        if key != "right":
            raise HTTPException(401)
        return paginate(BY_NUMBER)

    return app


@pytest.mark.parametrize("path", ["/exact", "/uncounted", "/capped", "/cursors", "/counted"])
def test_an_endpoint_of_each_kind_of_page_passes(app: FastAPI, path: str) -> None:
    assert assert_endpoint_pages(app, path) == ROWS
    assert asyncio.run(async_assert_endpoint_pages(app, path, limits=[5])) == ROWS
    assert assert_endpoint_pages(app, path, expected=ROWS, limits=[23, 24, 100]) == ROWS


@pytest.mark.parametrize("path", ["/exact", "/cursors"])
@pytest.mark.parametrize("number", [0, 1, 2, 10])
def test_the_number_of_items_may_be_any(app: FastAPI, path: str, number: int) -> None:
    with TestClient(app) as client:
        found = assert_endpoint_pages(client, path, params={"of": number})

    assert found == ROWS[:number]


def test_headers_are_sent_with_each_request(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert assert_endpoint_pages(client, "/secret", headers={"key": "right"}) == ROWS
        with pytest.raises(PagesMismatchError, match=r"no parameters of a page: .* status 401"):
            assert_endpoint_pages(client, "/secret", headers={"key": "wrong"})


def test_an_endpoint_is_read_no_further_than_its_max_offset(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert assert_endpoint_pages(client, "/bounded", max_offset=10) == ROWS[:20]
        with pytest.raises(PagesMismatchError, match=r"'offset': 20, .* status 422, not 200"):
            assert_endpoint_pages(client, "/bounded")
        with pytest.raises(PagesMismatchError, match=r"{'offset': 10} is answered with the status"):
            assert_endpoint_pages(client, "/bounded", max_offset=9)


def test_an_endpoint_of_too_many_items_is_refused(app: FastAPI) -> None:
    with TestClient(app) as client:
        for path in ("/exact", "/uncounted", "/capped", "/cursors", "/counted"):
            with pytest.raises(ValueError, match="more than max_items=22"):
                assert_endpoint_pages(client, path, max_items=22)
        with pytest.raises(ValueError, match="nothing to try"):
            assert_endpoint_pages(client, "/exact", limits=[])


def test_items_that_are_not_the_known_ones_are_named(app: FastAPI) -> None:
    with pytest.raises(PagesMismatchError, match=r"not of the statement: 23 \(on page 3\)"):
        assert_endpoint_pages(app, "/exact", expected=[*ROWS[:-1], 24])


# Endpoints as people write them, over a list, and their faults.

Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=100)]
Clamped = Annotated[int, AfterValidator(lambda limit: min(max(limit, 1), 100))]


def offset_endpoint(**fault: Any) -> FastAPI:
    app = FastAPI()
    rows: Callable[[int, int], list[int]] = fault.get(
        "rows", lambda offset, limit: ROWS[offset : offset + limit]
    )
    total: Callable[[list[int]], int] = fault.get("total", lambda page: len(ROWS))
    pages: Callable[[int, int], int] = fault.get("pages", lambda total, limit: -(-total // limit))

    @app.get("/")
    def page(
        offset: fault.get("Offset", Offset) = 0, limit: fault.get("Limit", Limit) = 10
    ) -> dict[str, Any]:
        data = rows(offset, limit)
        items = total(data)
        meta = {
            "offset": offset,
            "total_items": items,
            "total_pages": pages(items, limit),
            "page_number": offset // limit + 1,
        }
        return {"data": data, "meta": meta}

    return app


def test_a_right_endpoint_of_offset_pages_passes() -> None:
    assert assert_endpoint_pages(offset_endpoint(), "/") == ROWS


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"rows": lambda offset, limit: ROWS[offset : offset + limit - 1]}, "do not fit the meta"),
        ({"rows": lambda offset, limit: ROWS[offset:]}, "23 items"),
        # Without a tie-breaker: equal rows in another order for another limit.
        (
            {
                "rows": lambda offset, limit: sorted(ROWS, key=lambda n: (n // 4, n * limit % 7))[
                    offset : offset + limit
                ]
            },
            "offset pages of 3 items:\n- out of order: |offset pages of 1 items:\n- out",
        ),
        # An item on two pages, and another on none.
        (
            {
                "rows": lambda offset, limit: [
                    7 if (n, limit) == (8, 3) else n for n in ROWS[offset : offset + limit]
                ]
            },
            r"- lost: 8 \(row 8, within page 3\)\n- doubled: 7 \(on page 3 and 3\)",
        ),
        ({"total": len}, "10 items at offset 10 of 10"),
        ({"total": lambda page: len(ROWS) + 1}, "do not fit the meta|total_items of page"),
        ({"pages": lambda total, limit: total // limit}, "do not fit"),
        ({"Offset": int}, "{'offset': -1} is answered with the status 200"),
        ({"Limit": Clamped}, "{'limit': 0} is answered with the status 200"),
    ],
)
def test_a_faulty_endpoint_of_offset_pages_is_named(fault: Any, message: str) -> None:
    with pytest.raises(PagesMismatchError, match=message):
        assert_endpoint_pages(offset_endpoint(**fault), "/")


def cursor_endpoint(**fault: Any) -> FastAPI:
    """Return an application whose cursors are a letter and the number that they lead on from."""
    app = FastAPI()
    shown: Callable[[int], bool] = fault.get("shown", lambda number: True)

    @app.get("/")
    def page(cursor: str | None = None, limit: Limit = 10) -> dict[str, Any]:
        forward, place = True, 0
        if cursor is not None:
            if cursor[:1] not in ("a", "b") or not cursor[1:].isdecimal() or len(cursor) != 4:
                if not fault.get("lenient"):
                    raise HTTPException(400)
                cursor = "a000"
            forward, place = cursor[0] == "a", int(cursor[1:])
            if not any(row == place for row in ROWS) and not fault.get("lenient"):
                raise HTTPException(400)
        after = [row for row in ROWS if row > place + fault.get("skipped", 0) * bool(place)]
        before = [row for row in ROWS if row < place]
        data = after[:limit] if forward else before[-limit:]
        following = any(row > data[-1] for row in ROWS) if data else False
        previous = any(row < data[0] for row in ROWS) if data else False
        if fault.get("guessed"):
            following = len(data) == limit
        if fault.get("one way"):
            previous = False
        meta = {
            "next_cursor": f"a{data[-1]:03}" if following else None,
            "previous_cursor": f"b{data[0]:03}" if previous else None,
        }
        return {"data": [row for row in data if shown(row)], "meta": meta}

    return app


def test_a_right_endpoint_of_cursor_pages_passes() -> None:
    assert assert_endpoint_pages(cursor_endpoint(), "/") == ROWS


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"skipped": 1}, r"read backward, of 10 items:\n- \d+ rows, not|- lost: "),
        ({"guessed": True}, r"page 1 of 2 has \d+ rows|page 2 of 2 has no previous_cursor"),
        ({"one way": True}, "has no previous_cursor"),
        ({"shown": lambda number: number != 5}, "has 9 rows|items for a limit"),
        ({"lenient": True}, "{'cursor': '...'} is answered with the status 200"),
    ],
)
def test_a_faulty_endpoint_of_cursor_pages_is_named(fault: Any, message: str) -> None:
    with pytest.raises(PagesMismatchError, match=message):
        assert_endpoint_pages(cursor_endpoint(**fault), "/", limits=[1, 3, 10, 23])


def test_what_is_no_page_is_named() -> None:
    app = FastAPI()
    app.get("/")(lambda: {"items": [], "total": 0})

    with pytest.raises(PagesMismatchError, match="no parameters of a page: no page"):
        assert_endpoint_pages(app, "/")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[FastAPI, dict[str, str]]:
    names = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "shop.py"))
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    names["make_database"](path, 150)
    settings = {
        "sqlalchemy_url": f"sqlite:///{path}",
        "fastapi_sqla__report__sqlalchemy_url": f"sqlite+aiosqlite:///{path}",
    }
    return names["app"], settings


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/customers", 15),
        ("/orders", 150),
        ("/orders/feed", 150),
        ("/orders/largest", 150),
        ("/cities", None),
    ],
)
def test_the_example_application_pages_exactly(
    shop: tuple[FastAPI, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    number: int | None,
) -> None:
    app, settings = shop
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    items = assert_endpoint_pages(app, path, limits=[7, 100])

    assert len(items) == (number if number is not None else len({item["city"] for item in items}))

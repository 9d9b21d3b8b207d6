"""The meta of a page, for every offset, limit and total, from functions and over HTTP."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    create_engine,
    insert,
    select,
)

from sqla_pages import (
    AsyncCursorPaginate,
    AsyncCursorPagination,
    AsyncPaginate,
    AsyncPagination,
    CappedCount,
    CursorPaginate,
    CursorPagination,
    EstimatedCount,
    NoCount,
    PageMeta,
    Paginate,
    Pagination,
)
from sqla_session import SessionRegistry, setup
from tests.databases import ONE_OF_EACH_DRIVERS, Database, database_of

LARGEST = 2**63 - 1  # offset that there is; the largest limit is one less
SIZE = 40
MANY = st.integers(0, LARGEST)
SOME = st.integers(0, SIZE)

metadata = MetaData()
numbers = Table("numbers", metadata, Column("n", Integer, primary_key=True, autoincrement=False))


@dataclass(frozen=True)
class Request:
    """A page of the first `total` numbers, of which the statement has a LIMIT and OFFSET itself."""

    total: int
    own_limit: int | None
    offset: int
    limit: int
    own_offset: int | None = None

    @property
    def statement(self) -> Select[Any]:
        those = select(numbers.c.n).where(numbers.c.n < self.total)
        return those.limit(self.own_limit).offset(self.own_offset)

    @property
    def collection(self) -> list[int]:
        return list(range(self.total))[self.own_offset :][: self.own_limit]

    @property
    def data(self) -> list[int]:
        return self.collection[self.offset : self.offset + self.limit]

    @property
    def end(self) -> int:
        """How many items there are at least, as the page shows."""
        return self.offset + len(self.data) if self.data else 0


def _at_the_end(offset: int, limit: int, more: int) -> Request:
    return Request(offset + limit + more, None, offset, limit)


REQUESTS = st.builds(
    Request,
    total=SOME,
    own_limit=st.none() | SOME,
    offset=SOME | st.sampled_from([1_000, 10_000, LARGEST]) | MANY,
    limit=st.integers(1, SIZE) | st.integers(1, LARGEST - 1),
    own_offset=st.none() | SOME,
) | st.builds(_at_the_end, st.integers(0, 30), st.integers(1, 9), st.integers(-1, 1))


def _fill(connection: Connection) -> None:
    metadata.create_all(connection)
    rows = [{"n": n} for n in range(SIZE)]
    connection.execute(insert(numbers), rows[:3])
    if connection.dialect.name == "postgresql":
        # So that it expects too few of them; of a table that it never looked at, too many.
        connection.exec_driver_sql("ANALYZE numbers")
    connection.execute(insert(numbers), rows[3:])


def _pages(total: int, limit: int) -> int:
    return len(range(0, total, limit))


@given(offset=MANY, limit=st.integers(1, LARGEST), total=MANY)
def test_the_pages_cover_the_items_and_no_more(offset: int, limit: int, total: int) -> None:
    meta = PageMeta.of(offset=offset, limit=limit, total_items=total)

    assert (meta.total_pages - 1) * limit < total <= meta.total_pages * limit or total == 0
    assert (meta.total_pages == 0) == (total == 0)
    assert (meta.page_number - 1) * limit <= offset < meta.page_number * limit
    assert (meta.offset, meta.total_items) == (offset, total)


# On each database.


@pytest.fixture(
    scope="module",
    params=ONE_OF_EACH_DRIVERS,
)
def on(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Iterator[Database]:
    database = database_of(request, databases, request.param)
    with database.tables(metadata):
        with database.connect() as connection:
            _fill(connection)
        yield database


def test_a_page_of_real_rows_is_the_slice_that_its_meta_says(on: Database) -> None:
    with on.core() as caller:

        @given(REQUESTS)
        def ask(request: Request) -> None:
            page = caller(
                "offset_page", request.statement, offset=request.offset, limit=request.limit
            )

            assert page.data == request.data
            assert page.meta.model_dump() == {
                "offset": request.offset,
                "total_items": len(request.collection),
                "total_pages": _pages(len(request.collection), request.limit),
                "page_number": request.offset // request.limit + 1,
            }

        ask()


def test_an_uncounted_page_tells_whether_there_is_a_next_one(on: Database) -> None:
    with on.core() as caller:

        @given(REQUESTS)
        def ask(request: Request) -> None:
            page = caller(
                "offset_page",
                request.statement,
                offset=request.offset,
                limit=request.limit,
                count=NoCount(),
            )

            assert page.data == request.data
            assert page.meta.model_dump() == {
                "offset": request.offset,
                "page_number": request.offset // request.limit + 1,
                "has_next": request.offset + request.limit < len(request.collection),
            }

        ask()


def test_a_capped_total_is_exact_up_to_its_cap_and_a_lower_bound_beyond(on: Database) -> None:
    with on.core() as caller:

        @given(REQUESTS, st.booleans(), st.integers(-1, 1) | st.integers(-SIZE, SIZE))
        def ask(request: Request, is_by_total: bool, more: int) -> None:
            at_most = max(1, (request.total if is_by_total else request.end) + more)
            page = caller(
                "offset_page",
                request.statement,
                offset=request.offset,
                limit=request.limit,
                count=CappedCount(at_most),
            )

            # A page that is not full proves the total, at any offset.
            total = len(request.collection)
            is_exact = total <= at_most or 0 < len(request.data) < request.limit
            shown = total if is_exact else max(at_most, request.end)
            assert page.data == request.data
            assert page.meta.model_dump() == {
                "offset": request.offset,
                "total_items": shown,
                "total_items_exact": is_exact,
                "total_pages": _pages(shown, request.limit),
                "page_number": request.offset // request.limit + 1,
            }

        ask()


def test_an_estimated_total_is_exact_below_its_bound_and_never_under_what_is_seen(
    on: Database,
) -> None:
    seen = Counter[bool]()

    with on.core() as caller:

        @given(REQUESTS, st.integers(0, SIZE + 1))
        def ask(request: Request, exact_below: int) -> None:
            page = caller(
                "offset_page",
                request.statement,
                offset=request.offset,
                limit=request.limit,
                count=EstimatedCount(exact_below),
            )

            meta = page.meta
            assert page.data == request.data
            assert meta.offset == request.offset
            assert meta.page_number == request.offset // request.limit + 1
            assert meta.total_pages == _pages(meta.total_items, request.limit)
            if meta.total_items_exact:
                assert meta.total_items == len(request.collection)
            else:
                assert meta.total_items >= max(exact_below, request.end)
            seen[meta.total_items_exact] += 1

        ask()

    # SQLite has no estimate.
    assert bool(seen[False]) == (on.backend != "sqlite")


# Over HTTP.


async def told(x_total: Annotated[int, Header()]) -> int:
    return x_total


def told_by_a_thread(x_total: Annotated[int, Header()]) -> int:
    return x_total


def _place(offset: int, limit: int) -> dict[str, int]:
    return {"offset": offset, "page_number": offset // limit + 1}


def _counted(request: Request, total: int, **others: Any) -> dict[str, Any]:
    place = _place(request.offset, request.limit)
    return {**place, "total_items": total, "total_pages": _pages(total, request.limit), **others}


def _exact_meta(request: Request, told: int) -> dict[str, Any]:
    return _counted(request, request.total)


def _told_meta(request: Request, told: int) -> dict[str, Any]:
    # What is told is not believed where the page shows that there are more.
    return _counted(request, told if told >= request.end else request.total)


def _uncounted_meta(request: Request, told: int) -> dict[str, Any]:
    has_next = request.offset + request.limit < request.total
    return {**_place(request.offset, request.limit), "has_next": has_next}


def _estimated_meta(request: Request, told: int) -> dict[str, Any]:
    return _counted(request, request.total, total_items_exact=True)


@dataclass(frozen=True)
class Endpoint:
    """Options of the dependency of an endpoint, what they mean, and the meta of its pages."""

    options: dict[str, Any] = field(default_factory=dict)
    meta: Callable[[Request, int], dict[str, Any]] = _exact_meta

    @property
    def limits(self) -> tuple[int, int]:
        return self.options.get("min_page_size", 10), self.options.get("max_page_size", 100)

    @property
    def max_offset(self) -> int:
        return int(self.options.get("max_offset", LARGEST))


ENDPOINTS = {
    "/default": Endpoint(),
    "/small": Endpoint({"min_page_size": 3, "max_page_size": 7}),
    "/one": Endpoint({"min_page_size": 1, "max_page_size": 1}),
    "/huge": Endpoint({"max_page_size": LARGEST - 1}),
    "/shallow": Endpoint({"max_offset": 25}),
    "/only-the-first": Endpoint({"max_offset": 0}),
    "/told": Endpoint({"query_count": told}, _told_meta),
    "/told-by-a-thread": Endpoint({"query_count": told_by_a_thread}, _told_meta),
    "/uncounted": Endpoint({"count": NoCount()}, _uncounted_meta),
    "/estimated": Endpoint({"count": EstimatedCount(SIZE + 1)}, _estimated_meta),
}
# Bounds that are wider than those of a page.
AT_THE_EDGE = {
    "/page-size-too-large": ({"max_page_size": LARGEST}, {"limit": LARGEST}),
    "/max-offset-too-large": ({"max_offset": LARGEST + 1}, {"offset": LARGEST + 1}),
    "/no-room-to-read-ahead": (
        {"max_page_size": LARGEST - 1, "count": NoCount()},
        {"limit": LARGEST - 1},
    ),
}
CURSOR_ENDPOINTS = {
    "/cursor-default": Endpoint(),
    "/cursor-small": Endpoint({"min_page_size": 3, "max_page_size": 7}),
    "/cursor-huge": Endpoint({"max_page_size": LARGEST - 1}),
}


def _application(url: URL) -> FastAPI:
    app = FastAPI()
    is_async = url.get_dialect().is_async
    pagination = AsyncPagination if is_async else Pagination
    cursor_pagination = AsyncCursorPagination if is_async else CursorPagination
    default = AsyncPaginate if is_async else Paginate
    cursor_default = AsyncCursorPaginate if is_async else CursorPaginate

    def add(path: str, annotation: Any) -> None:
        def endpoint(paginate: annotation, total: int) -> Any:
            return paginate(Request(total, None, 0, 1).statement)

        async def async_endpoint(paginate: annotation, total: int) -> Any:
            return await paginate(Request(total, None, 0, 1).statement)

        app.get(path)(async_endpoint if is_async else endpoint)

    for path, endpoint in ENDPOINTS.items():
        made: Any = pagination(**endpoint.options)
        add(path, Annotated[Any, Depends(made)] if endpoint.options else default)
    for path, endpoint in CURSOR_ENDPOINTS.items():
        made = cursor_pagination(**endpoint.options)
        add(path, Annotated[Any, Depends(made)] if endpoint.options else cursor_default)
    for path, (options, _) in AT_THE_EDGE.items():
        add(path, Annotated[Any, Depends(pagination(**options))])
    text = url.render_as_string(hide_password=False)
    setup(app, SessionRegistry({"sqlalchemy_url": text}))
    return app


@pytest.fixture(scope="module", params=["sqlite+pysqlite", "sqlite+aiosqlite"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("numbers") / "numbers.sqlite"
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.begin() as connection:
        _fill(connection)
    engine.dispose()
    with TestClient(_application(URL.create(request.param, database=str(path)))) as client:
        yield client


ODD = [
    *("", " ", " 1", "1 ", "\t2\n", "+1", "-0", "01", "1.0", "1.5", "-1.0", "1e1", "1_0", "0x1"),
    *(
        "\u0661",
        "\uff11",
        "\u00b2",
        "\u00bd",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "null",
        "None",
        "true",
        "[]",
        "1,2",
    ),
    *("1;2", "%31", "1\x00", "\u22121", "9" * 4300, "9" * 5000, "-" + "9" * 5000, "0" * 5000 + "1"),
    *(str(2**power + more) for power in (31, 32, 53, 63, 64) for more in (-2, -1, 0, 1)),
]
PARAMETERS = st.one_of(
    st.none(),
    st.integers(0, 3).map(str),
    st.integers(-2, 2 * SIZE).map(str),
    st.integers().map(str),
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)


@dataclass(frozen=True)
class Sent:
    """A parameter of a request as text, with the bounds that its value has to be in."""

    text: str | None
    default: int
    least: int
    most: int

    @property
    def number(self) -> int | None:
        """The integer that the text could be read as, if it is in the bounds; None if not."""
        if self.text is None:
            return self.default
        try:
            number = Decimal(self.text.strip())
        except InvalidOperation:
            return None
        is_in_bounds = number.is_finite() and self.least <= number <= self.most
        return int(number) if is_in_bounds and number == int(number) else None

    @property
    def must_be_taken(self) -> bool:
        """Whether there is no doubt about it: it is written as Python writes integers."""
        return self.number is not None and self.text in (None, str(self.number))


def _is_answered(response: Any, parameters: dict[str, Sent]) -> bool:
    """Tell whether a request was answered by a page; if not, check how it was refused."""
    impossible = {name for name, sent in parameters.items() if sent.number is None}
    if response.status_code == 200:
        assert not impossible
        return True
    assert response.status_code == 422
    detail = response.json()["detail"]
    assert response.json() == {"detail": detail}
    assert all({"type", "loc", "msg", "input"} <= error.keys() for error in detail)
    named = {error["loc"][1] for error in detail}
    assert [error["loc"][0] for error in detail] == ["query"] * len(detail)
    assert impossible <= named
    assert named <= {name for name, sent in parameters.items() if not sent.must_be_taken}
    return False


def _query_of(parameters: dict[str, Sent]) -> dict[str, str]:
    return {name: sent.text for name, sent in parameters.items() if sent.text is not None}


def test_any_offset_and_limit_are_refused_or_answered_by_the_page_they_say(
    client: TestClient,
) -> None:
    seen = Counter[bool]()

    @settings(max_examples=settings.default.max_examples * 4)
    @given(
        st.sampled_from(list(ENDPOINTS)),
        PARAMETERS,
        PARAMETERS,
        SOME,
        st.booleans(),
        st.integers(-1, 1) | st.integers(-5, 2 * SIZE) | MANY,
    )
    def ask(
        path: str,
        offset: str | None,
        limit: str | None,
        total: int,
        is_by_end: bool,
        more: int,
    ) -> None:
        endpoint = ENDPOINTS[path]
        least, most = endpoint.limits
        sent = {
            "offset": Sent(offset, 0, 0, endpoint.max_offset),
            "limit": Sent(limit, least, 1, most),
        }
        request = Request(total, None, sent["offset"].number or 0, sent["limit"].number or 1)
        told = request.end * is_by_end + more
        response = client.get(
            path, params={**_query_of(sent), "total": total}, headers={"x-total": str(told)}
        )
        is_answered = _is_answered(response, sent)
        seen[is_answered] += 1
        if is_answered:
            assert response.json() == {"data": request.data, "meta": endpoint.meta(request, told)}

    ask()

    assert min(seen[True], seen[False]) > seen.total() // 5


@pytest.mark.parametrize("path", AT_THE_EDGE)
def test_a_parameter_at_the_edge_is_refused_or_answered(client: TestClient, path: str) -> None:
    _, query = AT_THE_EDGE[path]

    response = client.get(path, params={**query, "total": SIZE})

    assert response.status_code in (200, 422)


def test_any_limit_of_cursor_pages_is_refused_or_honoured(client: TestClient) -> None:
    seen = Counter[bool]()

    @settings(max_examples=settings.default.max_examples * 2)
    @given(st.sampled_from(list(CURSOR_ENDPOINTS)), st.lists(PARAMETERS, max_size=4), SOME)
    def ask(path: str, limits: list[str | None], total: int) -> None:
        least, most = CURSOR_ENDPOINTS[path].limits
        cursor, begin = None, 0
        for text in limits:
            sent = {"limit": Sent(text, least, 1, most)}
            query = {**_query_of(sent), "total": total}
            response = client.get(
                path, params=query if cursor is None else {**query, "cursor": cursor}
            )
            is_answered = _is_answered(response, sent)
            seen[is_answered] += 1
            if not is_answered:
                continue
            request = Request(total, None, begin, sent["limit"].number or 0)
            page = response.json()
            assert page["data"] == request.data
            assert (page["meta"]["previous_cursor"] is None) == (begin == 0)
            assert (page["meta"]["next_cursor"] is None) == (request.end in (0, total))
            if page["meta"]["next_cursor"] is None:
                break
            cursor, begin = page["meta"]["next_cursor"], request.end

    ask()

    assert min(seen[True], seen[False]) > seen.total() // 5

"""The dependencies over HTTP, sync and asyncio, on every database."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from sqla_pages import (
    AsyncPaginate,
    AsyncPaginateSignature,
    AsyncPagination,
    Item,
    Page,
    Paginate,
    PaginateSignature,
    Pagination,
    StatementNotPageableError,
)
from sqla_session import (
    AsyncSession,
    Session,
    SessionRegistry,
    setup,
)

from .databases import Database
from .schema import User, rows


class UserModel(BaseModel):
    id: int
    name: str


class Named(BaseModel):
    name: str
    n: int


USERS = sorted(
    (row["id"], row["name"]) for table, values in rows() if table.name == "user" for row in values
)


def endpoints_of(database: Database) -> FastAPI:
    """Return the same endpoints, sync or asyncio as the driver is."""
    return _async_endpoints() if database.is_async else _sync_endpoints()


def _sync_endpoints() -> FastAPI:
    app = FastAPI()

    def own_total(session: Session) -> int:
        return session.scalar(select(func.count()).select_from(User)) + 1000

    async def async_total() -> int:
        return 77

    small = Pagination(min_page_size=2, max_page_size=4, query_count=own_total)

    @app.get("/users", response_model=Page[UserModel])
    def users(paginate: Paginate) -> Any:
        return paginate(select(User))

    @app.get("/named", response_model=Page[Named])
    def named(paginate: Paginate) -> Any:
        n = func.count().label("n")
        return paginate(select(User.name, n).group_by(User.name), scalars=False)

    @app.get("/small", response_model=Page[UserModel])
    def of_its_own(paginate: small = Depends()) -> Any:  # type: ignore[valid-type]
        return paginate(select(User).order_by(User.id))

    @app.get("/total", response_model=Page[UserModel])
    def total(
        paginate: Annotated[PaginateSignature, Depends(Pagination(query_count=async_total))],
    ) -> Any:
        return paginate(select(User).order_by(User.id))

    @app.get("/other", response_model=Page[UserModel])
    def other(paginate: PaginateSignature = Depends(Pagination(session_key="other"))) -> Any:
        return paginate(select(User).order_by(User.id.desc()))

    @app.get("/random", response_model=Page[UserModel])
    def random(paginate: Paginate) -> Any:
        return paginate(select(User).order_by(func.random()))

    return app


def _async_endpoints() -> FastAPI:
    app = FastAPI()

    async def own_total(session: AsyncSession) -> int:
        return await session.scalar(select(func.count()).select_from(User)) + 1000

    def sync_total() -> int:
        return 77

    small = AsyncPagination(min_page_size=2, max_page_size=4, query_count=own_total)

    @app.get("/users", response_model=Page[UserModel])
    async def users(paginate: AsyncPaginate) -> Any:
        return await paginate(select(User))

    @app.get("/named", response_model=Page[Named])
    async def named(paginate: AsyncPaginate) -> Any:
        n = func.count().label("n")
        return await paginate(select(User.name, n).group_by(User.name), scalars=False)

    @app.get("/small", response_model=Page[UserModel])
    async def of_its_own(paginate: small = Depends()) -> Any:  # type: ignore[valid-type]
        return await paginate(select(User).order_by(User.id))

    @app.get("/total", response_model=Page[UserModel])
    async def total(
        paginate: Annotated[
            AsyncPaginateSignature, Depends(AsyncPagination(query_count=sync_total))
        ],
    ) -> Any:
        return await paginate(select(User).order_by(User.id))

    @app.get("/other", response_model=Page[UserModel])
    async def other(
        paginate: AsyncPaginateSignature = Depends(AsyncPagination(session_key="other")),
    ) -> Any:
        return await paginate(select(User).order_by(User.id.desc()))

    @app.get("/random", response_model=Page[UserModel])
    async def random(paginate: AsyncPaginate) -> Any:
        return await paginate(select(User).order_by(func.random()))

    return app


@pytest.fixture
def client(filled: Database) -> Iterator[TestClient]:
    app = endpoints_of(filled)
    url = filled.url_text
    settings = {"sqlalchemy_url": url, "fastapi_sqla__other__sqlalchemy_url": url}
    setup(app, SessionRegistry(settings))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL of every statement executed meanwhile."""
    seen: list[str] = []

    def note(*execution: Any) -> None:
        seen.append(execution[2])

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_a_page_has_its_items_and_its_place(client: TestClient) -> None:
    response = client.get("/users?offset=20&limit=10")

    assert response.json() == {
        "data": [{"id": id_, "name": name} for id_, name in USERS[20:]],
        "meta": {"offset": 20, "total_items": 23, "total_pages": 3, "page_number": 3},
    }


def test_without_parameters_it_is_the_first_ten(client: TestClient) -> None:
    page = client.get("/users").json()

    assert [item["id"] for item in page["data"]] == [id_ for id_, _ in USERS[:10]]
    assert page["meta"] == {"offset": 0, "total_items": 23, "total_pages": 3, "page_number": 1}


def test_a_page_past_the_end_is_empty_and_still_knows_the_total(client: TestClient) -> None:
    page = client.get("/users?offset=1000").json()

    assert page == {
        "data": [],
        "meta": {"offset": 1000, "total_items": 23, "total_pages": 3, "page_number": 101},
    }


def test_the_largest_offset_is_just_an_empty_page(client: TestClient) -> None:
    response = client.get(f"/users?offset={2**63 - 1}&limit=100")

    assert (response.status_code, response.json()["data"]) == (200, [])


def test_rows_are_mappings_where_scalars_is_false(client: TestClient) -> None:
    page = client.get("/named").json()

    assert page["data"] == [
        {"name": f"name {i}", "n": sum(name == f"name {i}" for _, name in USERS)} for i in range(4)
    ]


def test_page_sizes_and_the_total_are_ones_own(client: TestClient) -> None:
    page = client.get("/small").json()

    assert len(page["data"]) == 2
    assert page["meta"]["total_items"] == 1023
    assert client.get("/small?limit=5").status_code == 422


def test_a_total_may_come_from_a_dependency_of_the_other_kind(client: TestClient) -> None:
    assert client.get("/total").json()["meta"]["total_items"] == 77


def test_a_page_may_come_from_a_session_of_another_key(client: TestClient) -> None:
    assert client.get("/other?limit=1").json()["data"][0]["id"] == USERS[-1][0]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("offset=-1", "offset"),
        (f"offset={2**63}", "offset"),
        ("offset=x", "offset"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
    ],
)
def test_a_bad_parameter_is_named_in_a_422(client: TestClient, query: str, parameter: str) -> None:
    response = client.get(f"/users?{query}")

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [["query", parameter]]


def test_what_cannot_be_paged_is_the_developers_error(client: TestClient) -> None:
    with pytest.raises(StatementNotPageableError, match="order by columns"):
        client.get("/random")


@pytest.mark.parametrize(
    ("query", "number"),
    [("offset=0&limit=10", 2), ("offset=20&limit=10", 1), ("limit=100", 1), ("offset=23", 2)],
)
def test_a_page_that_proves_the_total_is_not_counted(
    client: TestClient, statements: list[str], query: str, number: int
) -> None:
    client.get(f"/users?{query}")

    assert len([statement for statement in statements if "SELECT" in statement]) == number


def test_a_total_of_ones_own_replaces_the_count(client: TestClient, statements: list[str]) -> None:
    client.get("/total")

    assert not [statement for statement in statements if "count" in statement]


def test_the_schema_shows_parameters_with_bounds_and_the_models_of_the_page(
    client: TestClient,
) -> None:
    schema = client.get("/openapi.json").json()
    operation = schema["paths"]["/users"]["get"]

    assert {
        parameter["name"]: (
            parameter["schema"].get("minimum"),
            parameter["schema"].get("maximum"),
            parameter["schema"]["default"],
            parameter["description"],
        )
        for parameter in operation["parameters"]
    } == {
        "offset": (0, 2**63 - 1, 0, "Number of items to skip"),
        "limit": (1, 100, 10, "Number of items on a page"),
    }
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    page = schema["components"]["schemas"][answer["$ref"].rsplit("/", 1)[1]]
    assert page["properties"]["data"]["items"] == {"$ref": "#/components/schemas/UserModel"}
    meta = schema["components"]["schemas"][page["properties"]["meta"]["$ref"].rsplit("/", 1)[1]]
    assert list(meta["properties"]) == ["offset", "total_items", "total_pages", "page_number"]
    assert all("description" in field for field in meta["properties"].values())


def test_the_session_of_the_page_is_that_of_the_endpoint(filled: Database) -> None:
    app = FastAPI()
    setup(app, SessionRegistry({"sqlalchemy_url": filled.url_text}))

    if filled.is_async:

        @app.get("/new", response_model=Page[UserModel])
        async def new(session: AsyncSession, paginate: AsyncPaginate) -> Any:
            session.add(User(id=99, name="new", email="new"))
            page = await paginate(select(User).where(User.id == 99))
            page.data = [UserModel.model_validate(user, from_attributes=True) for user in page.data]
            await session.rollback()
            return page
    else:

        @app.get("/new", response_model=Page[UserModel])
        def new(session: Session, paginate: Paginate) -> Any:
            session.add(User(id=99, name="new", email="new"))
            page = paginate(select(User).where(User.id == 99))
            page.data = [UserModel.model_validate(user, from_attributes=True) for user in page.data]
            session.rollback()
            return page

    with TestClient(app) as client:
        page = client.get("/new").json()

    assert page["data"] == [{"id": 99, "name": "new"}]


@pytest.mark.parametrize("make", [Pagination, AsyncPagination])
@pytest.mark.parametrize(("smallest", "largest"), [(0, 10), (11, 10), (-1, -1)])
def test_page_sizes_that_make_no_sense_are_refused_at_once(
    make: Callable[..., Any], smallest: int, largest: int
) -> None:
    with pytest.raises(ValueError, match="1 <= min_page_size <= max_page_size"):
        make(min_page_size=smallest, max_page_size=largest)


def test_an_item_has_its_data() -> None:
    assert Item[UserModel](data=UserModel(id=1, name="a")).model_dump() == {
        "data": {"id": 1, "name": "a"}
    }


def test_a_function_can_be_annotated_with_a_page_of_entities() -> None:
    assert (
        Page[User](
            data=[],
            meta=Page.model_fields["meta"].annotation.of(  # type: ignore[union-attr]
                offset=0, limit=1, total_items=0
            ),
        ).data
        == []
    )

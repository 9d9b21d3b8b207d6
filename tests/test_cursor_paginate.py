"""Cursor pages over HTTP, sync and asyncio, on every database."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import delete, event, func, insert, select
from sqlalchemy.engine import Engine

from sqla_pages import (
    AsyncCursorPaginate,
    AsyncCursorPaginateSignature,
    AsyncCursorPagination,
    CursorCodec,
    CursorPage,
    CursorPaginate,
    CursorPaginateSignature,
    CursorPagination,
    OrderingNotTotalError,
)
from sqla_session import AsyncSession, Session, SessionRegistry, setup

from .databases import Database
from .schema import Animal, Base, Bird, Note, Tag, User, rows


class UserModel(BaseModel):
    id: int
    name: str
    score: int | None


class AnimalModel(BaseModel):
    id: int
    legs: int


class Named(BaseModel):
    name: str
    n: int


class Numbered(BaseModel):
    id: int


TABLES = {table.name: values for table, values in rows()}
USERS: list[Any] = [
    {key: row[key] for key in ("id", "name", "score")}
    for row in sorted(TABLES["user"], key=lambda row: (row["name"], row["id"]))
]
# By id within legs, as `/animals` has them.
ANIMALS: list[Any] = sorted((row["legs"], row["id"]) for row in TABLES["animal"])

SIGNED = CursorCodec(secrets=["the new secret of the tests", "the old secret of the tests"])
OLD = CursorCodec(secrets=["the old secret of the tests"])


def codec_of_tenant(x_tenant: Annotated[str, Header()] = "none") -> CursorCodec:
    return replace(SIGNED, scope=x_tenant)


async def async_codec_of_tenant(x_tenant: Annotated[str, Header()] = "none") -> CursorCodec:
    return codec_of_tenant(x_tenant)


USERS_BY_NAME = select(User).order_by(User.name)
STATEMENTS: dict[str, tuple[type[BaseModel], Any, dict[str, Any]]] = {
    "/opposite": (UserModel, select(User).order_by(User.name.desc(), User.id.desc()), {}),
    "/by-id": (UserModel, select(User).order_by(User.id), {}),
    "/by-score": (UserModel, select(User).order_by(User.score.desc().nulls_last()), {}),
    "/two-of-a-kind": (UserModel, select(User).where(User.score == 1).order_by(User.name), {}),
    "/none": (UserModel, select(User).where(User.id < 0), {}),
    "/notes": (Numbered, select(Note).order_by(Note.kind.desc()), {}),
    "/small": (UserModel, USERS_BY_NAME, {"min_page_size": 2, "max_page_size": 4}),
    "/other": (UserModel, USERS_BY_NAME, {"session_key": "other"}),
    "/signed": (UserModel, USERS_BY_NAME, {"codec": SIGNED}),
    "/old": (UserModel, USERS_BY_NAME, {"codec": OLD}),
    "/tenant": (UserModel, USERS_BY_NAME, {"codec": codec_of_tenant}),
    "/async-tenant": (UserModel, USERS_BY_NAME, {"codec": async_codec_of_tenant}),
    "/random": (UserModel, select(User).order_by(func.random()), {}),
    "/animals": (AnimalModel, select(Animal).order_by(Animal.legs), {}),
    "/birds": (AnimalModel, select(Bird).order_by(Bird.legs), {}),
}
COUNTED_NAMES = select(User.name, func.count().label("n")).group_by(User.name)


def app_of(database: Database) -> FastAPI:
    """Return the same endpoints, sync or asyncio as the driver is."""
    app = FastAPI()
    add = _add_async_endpoints if database.is_async else _add_sync_endpoints
    add(app)
    for path, (model, statement, options) in STATEMENTS.items():
        endpoint = _endpoint_of(statement, options, is_async=database.is_async)
        app.get(path, response_model=CursorPage[model])(endpoint)  # type: ignore[valid-type]
    url = database.url_text
    setup(app, SessionRegistry({"sqlalchemy_url": url, "fastapi_sqla__other__sqlalchemy_url": url}))
    return app


def _endpoint_of(statement: Any, options: dict[str, Any], *, is_async: bool) -> Callable[..., Any]:
    def endpoint(
        paginate: Annotated[CursorPaginateSignature, Depends(CursorPagination(**options))],
    ) -> Any:
        return paginate(statement)

    async def async_endpoint(
        paginate: Annotated[
            AsyncCursorPaginateSignature, Depends(AsyncCursorPagination(**options))
        ],
    ) -> Any:
        return await paginate(statement)

    return async_endpoint if is_async else endpoint


def _add_sync_endpoints(app: FastAPI) -> None:
    @app.get("/users", response_model=CursorPage[UserModel])
    def users(paginate: CursorPaginate) -> Any:
        return paginate(USERS_BY_NAME)

    @app.get("/named", response_model=CursorPage[Named])
    def named(paginate: CursorPaginate) -> Any:
        return paginate(COUNTED_NAMES.order_by(User.name), scalars=False)

    @app.get("/tagging", response_model=CursorPage[UserModel])
    def tagging(session: Session, paginate: CursorPaginate) -> Any:
        session.add(Tag(id=99, label="new"))
        session.flush()
        return paginate(USERS_BY_NAME)


def _add_async_endpoints(app: FastAPI) -> None:
    @app.get("/users", response_model=CursorPage[UserModel])
    async def users(paginate: AsyncCursorPaginate) -> Any:
        return await paginate(USERS_BY_NAME)

    @app.get("/named", response_model=CursorPage[Named])
    async def named(paginate: AsyncCursorPaginate) -> Any:
        return await paginate(COUNTED_NAMES.order_by(User.name), scalars=False)

    @app.get("/tagging", response_model=CursorPage[UserModel])
    async def tagging(session: AsyncSession, paginate: AsyncCursorPaginate) -> Any:
        session.add(Tag(id=99, label="new"))
        await session.flush()
        return await paginate(USERS_BY_NAME)


@pytest.fixture(scope="module")
def client(filled: Database) -> Iterator[TestClient]:
    with TestClient(app_of(filled)) as client:
        yield client


@pytest.fixture
def animals(filled: Database) -> Iterator[Callable[[Any], None]]:
    """Deletes the animals of a condition; afterwards they are all there again."""
    table = Base.metadata.tables["animal"]

    def delete_those(condition: Any) -> None:
        with filled.connect() as connection:
            connection.execute(delete(table).where(condition))

    yield delete_those
    with filled.connect() as connection:
        connection.execute(delete(table))
        connection.execute(insert(table), TABLES["animal"])


def page_of(client: TestClient, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def walk(client: TestClient, path: str, side: str = "next", **parameters: Any) -> list[Any]:
    """Return the pages from one on, the first included, by the cursors of a side."""
    pages = [page_of(client, path, **parameters)]
    while cursor := pages[-1]["meta"][f"{side}_cursor"]:
        pages.append(page_of(client, path, **{**parameters, "cursor": cursor}))
    return pages


def items_of(pages: list[Any]) -> list[Any]:
    return [item for page in pages for item in page["data"]]


def ids_of(page: Any) -> list[int]:
    return [item["id"] for item in page["data"]]


def assert_refused(response: Any, reason: str) -> None:
    assert response.status_code == 400, response.text
    answer = response.json()
    message = answer["detail"][0].pop("msg")
    assert answer == {
        "detail": [
            {"type": "cursor_invalid", "loc": ["query", "cursor"], "ctx": {"reason": reason}}
        ]
    }
    assert message.startswith("the cursor ")


@pytest.mark.parametrize("limit", [1, 5, 22, 23, 24])
def test_all_pages_together_are_all_items_in_order(client: TestClient, limit: int) -> None:
    pages = walk(client, "/users", limit=limit)

    assert items_of(pages) == USERS
    assert [len(page["data"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-len(USERS) // limit)


@pytest.mark.parametrize("limit", [1, 5, 22, 23, 24])
def test_the_way_back_has_the_same_pages(client: TestClient, limit: int) -> None:
    forward = walk(client, "/users", limit=limit)

    last = forward[-1]["meta"]["previous_cursor"]
    backward = walk(client, "/users", "previous", limit=limit, cursor=last) if last else []

    assert [page["data"] for page in backward[::-1]] == [page["data"] for page in forward[:-1]]


def test_both_ends_are_null(client: TestClient) -> None:
    first, *others, last = walk(client, "/users", limit=5)

    assert first["meta"]["previous_cursor"] is None
    assert last["meta"]["next_cursor"] is None
    assert all(page["meta"]["previous_cursor"] for page in [*others, last])
    assert all(page["meta"]["next_cursor"] for page in [first, *others])
    assert page_of(client, "/users", limit=100)["meta"] == {
        "next_cursor": None,
        "previous_cursor": None,
    }


def test_no_items_make_one_empty_page(client: TestClient) -> None:
    assert page_of(client, "/none") == {
        "data": [],
        "meta": {"next_cursor": None, "previous_cursor": None},
    }


def test_items_without_a_value_to_sort_by_are_not_lost(client: TestClient) -> None:
    pages = walk(client, "/by-score", limit=4)

    def place(user: Any) -> tuple[bool, int]:
        return user["score"] is None, -(user["score"] or 0)

    found = items_of(pages)
    assert sorted(user["id"] for user in found) == sorted(user["id"] for user in USERS)
    assert [place(user) for user in found] == sorted(map(place, USERS))


def test_without_a_limit_a_page_has_ten_items(client: TestClient) -> None:
    first = page_of(client, "/users")

    assert first["data"] == USERS[:10]
    assert page_of(client, "/users", cursor=first["meta"]["next_cursor"])["data"] == USERS[10:20]


def test_page_sizes_are_ones_own(client: TestClient) -> None:
    assert page_of(client, "/small")["data"] == USERS[:2]
    assert page_of(client, "/small", limit=4)["data"] == USERS[:4]
    assert client.get("/small?limit=5").status_code == 422


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "", "1.5", str(2**64)])
def test_a_bad_limit_is_named_in_a_422(client: TestClient, limit: str) -> None:
    response = client.get("/users", params={"limit": limit})

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [["query", "limit"]]


def test_the_limit_may_change_from_page_to_page(client: TestClient) -> None:
    first = page_of(client, "/users", limit=3)
    second = page_of(client, "/users", limit=7, cursor=first["meta"]["next_cursor"])
    third = page_of(client, "/users", limit=1, cursor=second["meta"]["next_cursor"])
    back = page_of(client, "/users", limit=2, cursor=third["meta"]["previous_cursor"])

    assert second["data"] == USERS[3:10]
    assert third["data"] == USERS[10:11]
    assert back["data"] == USERS[8:10]


def test_a_page_may_come_from_a_session_of_another_key(client: TestClient) -> None:
    assert items_of(walk(client, "/other", limit=9)) == USERS


def test_rows_are_mappings_where_scalars_is_false(client: TestClient) -> None:
    pages = walk(client, "/named", limit=3)

    assert items_of(pages) == [
        {"name": f"name {i}", "n": sum(user["name"] == f"name {i}" for user in USERS)}
        for i in range(4)
    ]
    back = page_of(client, "/named", limit=3, cursor=pages[-1]["meta"]["previous_cursor"])
    assert back["data"] == pages[0]["data"]


@pytest.mark.parametrize(
    "cursor",
    [
        *(
            "",
            " ",
            "garbage",
            "null",
            "0",
            "A" * 40,
            "é",
            "漢",
            "\x00",
            "=",
            "a+b/c",
            "%",
            "\ud800",
        ),
        *("' OR 1=1 --", "<script>", "A" * 8192),
    ],
)
@pytest.mark.parametrize("path", ["/users", "/signed"])
def test_what_is_no_cursor_is_malformed(client: TestClient, path: str, cursor: str) -> None:
    text = "".join(f"%{byte:02X}" for byte in cursor.encode("utf-8", "surrogatepass"))
    response = client.get(f"{path}?cursor={text}")

    if path == "/signed" and len(cursor) >= 40:
        assert_refused(response, "signature")
    else:
        assert_refused(response, "malformed")


def test_a_refusal_is_of_this_shape(client: TestClient) -> None:
    response = client.get("/users?cursor=garbage")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "detail": [
            {
                "type": "cursor_invalid",
                "loc": ["query", "cursor"],
                "msg": "the cursor is not one that was given out",
                "ctx": {"reason": "malformed"},
            }
        ]
    }


@pytest.mark.parametrize("cursor", ["A" * 8193, "é" * 8193, "A" * 60_000])
def test_a_long_cursor_is_too_long_and_not_a_422(client: TestClient, cursor: str) -> None:
    assert_refused(client.get("/users", params={"cursor": cursor}), "too_long")


@pytest.mark.parametrize("side", ["next", "previous"])
@pytest.mark.parametrize("path", ["/opposite", "/by-id", "/notes"])
def test_a_cursor_of_another_ordering_is_refused(client: TestClient, path: str, side: str) -> None:
    for one, other in (("/users", path), (path, "/users")):
        first = page_of(client, one, limit=5)
        second = page_of(client, one, limit=5, cursor=first["meta"]["next_cursor"])
        cursor = second["meta"][f"{side}_cursor"]
        assert_refused(client.get(other, params={"cursor": cursor}), "ordering")


def test_a_cursor_of_another_filter_keeps_its_place(client: TestClient) -> None:
    # It carries values, not a number of rows, so that where it leads to is well defined.
    first = page_of(client, "/users", limit=9)
    anchor = first["data"][-1]

    page = page_of(client, "/two-of-a-kind", cursor=first["meta"]["next_cursor"])

    assert page["data"] == [
        user
        for user in USERS
        if user["score"] == 1 and (user["name"], user["id"]) > (anchor["name"], anchor["id"])
    ]


@pytest.mark.parametrize("path", ["/signed", "/tenant", "/async-tenant"])
def test_signed_cursors_lead_through_all_pages(client: TestClient, path: str) -> None:
    pages = walk(client, path, limit=5)

    assert items_of(pages) == USERS
    back = page_of(client, path, limit=5, cursor=pages[-1]["meta"]["previous_cursor"])
    assert back["data"] == pages[-2]["data"]


def test_a_cursor_that_is_not_signed_by_a_known_secret_is_refused(client: TestClient) -> None:
    plain = page_of(client, "/users")["meta"]["next_cursor"]
    signed = page_of(client, "/signed")["meta"]["next_cursor"]

    assert_refused(client.get("/signed", params={"cursor": plain}), "signature")
    assert_refused(client.get("/users", params={"cursor": signed}), "malformed")
    assert_refused(client.get("/old", params={"cursor": signed}), "signature")


def test_a_cursor_signed_by_an_older_secret_still_leads_on(client: TestClient) -> None:
    old = page_of(client, "/old")["meta"]["next_cursor"]

    assert page_of(client, "/signed", cursor=old)["data"] == USERS[10:20]


@pytest.mark.parametrize("path", ["/tenant", "/async-tenant"])
def test_a_cursor_of_another_tenant_is_refused(client: TestClient, path: str) -> None:
    ours = client.get(path, headers={"x-tenant": "ours"}).json()["meta"]["next_cursor"]

    kept = client.get(path, params={"cursor": ours}, headers={"x-tenant": "ours"})
    assert kept.json()["data"] == USERS[10:20]
    for headers in ({"x-tenant": "theirs"}, {}):
        response = client.get(path, params={"cursor": ours}, headers=headers)
        assert_refused(response, "signature")


def test_the_last_of_several_cursors_counts(client: TestClient) -> None:
    cursor = page_of(client, "/users")["meta"]["next_cursor"]

    assert client.get(f"/users?cursor=x&cursor={cursor}").json()["data"] == USERS[10:20]


def tags_of(filled: Database) -> list[int]:
    with filled.connect() as connection:
        return list(connection.scalars(select(Tag.id).where(Tag.id == 99)))


FORGED = [
    *(None, True, False, 0, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**40),
    *(1.5, -0.0, 1e308, float("inf"), float("-inf"), float("nan")),
    *(Decimal("NaN"), Decimal("Infinity"), Decimal("1E+131072"), Decimal("1E-131072")),
    *("", "x", "name 1", "\x00", "a\x00b", "1", "NaN", "null", "{1}", "'", "\\", "%s", ":x", "🦉"),
    *(b"", b"\xff", date(2024, 2, 29), [], [1], ["x"], [None], [[]]),
]


@pytest.mark.parametrize(("path", "place"), [("/users", 0), ("/users", 1), ("/by-score", 0)])
def test_a_forged_value_is_a_place_or_malformed_and_never_an_error_of_ours(
    client: TestClient, path: str, place: int
) -> None:
    plain = CursorCodec()
    cursor = plain.decode(page_of(client, path)["meta"]["next_cursor"])
    errors: dict[str, str] = {}

    for number, value in enumerate(FORGED):
        keyset = list(cursor.keyset or ())
        keyset[place] = value
        direction: Any = ("after", "before")[number % 2]
        forged = replace(cursor, direction=direction, keyset=tuple(keyset))
        try:
            response = client.get(path, params={"cursor": plain.encode(forged)})
        except Exception as error:
            errors[repr(value)] = repr(error)
        else:
            if response.status_code != 200:
                assert_refused(response, "malformed")

    assert errors == {}
    assert page_of(client, path)["data"]


@pytest.mark.parametrize("keyset", [(), (1,), ("name 1", 1, 1), ("name 1",), (1, "name 1")])
def test_a_keyset_of_other_values_is_malformed(
    client: TestClient, filled: Database, keyset: tuple[Any, ...]
) -> None:
    plain = CursorCodec()
    cursor = plain.decode(page_of(client, "/users")["meta"]["next_cursor"])

    response = client.get("/users", params={"cursor": plain.encode(replace(cursor, keyset=keyset))})

    # SQLite compares anything with anything.
    if len(keyset) != 2 or filled.backend != "sqlite":
        assert_refused(response, "malformed")


@pytest.mark.parametrize("direction", ["after", "before"])
def test_a_cursor_without_keyset_leads_to_an_end(client: TestClient, direction: Any) -> None:
    plain = CursorCodec()
    cursor = plain.decode(page_of(client, "/users")["meta"]["next_cursor"])
    end = plain.encode(replace(cursor, direction=direction, keyset=None))

    page = page_of(client, "/users", cursor=end)

    assert page["data"] == (USERS[:10] if direction == "after" else USERS[-10:])


@pytest.mark.parametrize("reason", ["malformed", "ordering", "values"])
def test_what_a_refused_request_has_written_is_rolled_back(
    client: TestClient, filled: Database, reason: str
) -> None:
    plain = CursorCodec()
    cursor = page_of(client, "/users")["meta"]["next_cursor"]
    bad = {
        "malformed": "garbage",
        "ordering": page_of(client, "/by-id")["meta"]["next_cursor"],
        "values": plain.encode(replace(plain.decode(cursor), keyset=("a", date(2024, 2, 29)))),
    }[reason]

    response = client.get("/tagging", params={"cursor": bad})

    assert response.status_code == 400
    assert tags_of(filled) == []
    assert page_of(client, "/users", cursor=cursor)["data"] == USERS[10:20]


def test_what_an_answered_request_has_written_is_committed(
    client: TestClient, filled: Database
) -> None:
    assert page_of(client, "/tagging")["data"] == USERS[:10]

    assert tags_of(filled) == [99]
    with filled.connect() as connection:
        connection.execute(delete(Tag).where(Tag.id == 99))


def test_what_cannot_be_paged_is_the_developers_error(client: TestClient) -> None:
    with pytest.raises(OrderingNotTotalError):
        client.get("/random")


def test_a_page_is_one_statement(client: TestClient) -> None:
    seen: list[str] = []

    def note(*execution: Any) -> None:
        seen.append(execution[2])

    cursors = [page["meta"]["next_cursor"] for page in walk(client, "/users", limit=9)]
    event.listen(Engine, "before_cursor_execute", note)
    try:
        for cursor in cursors:
            client.get("/users", params={"cursor": cursor, "limit": 9} if cursor else {})
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert len([statement for statement in seen if "SELECT" in statement]) == len(cursors)


def test_a_page_goes_on_behind_an_item_that_was_deleted(
    client: TestClient, animals: Callable[[Any], None]
) -> None:
    first = page_of(client, "/animals", limit=4)
    anchor = first["data"][-1]["id"]
    expected = [id_ for _, id_ in ANIMALS]

    animals(Animal.id == anchor)

    second = page_of(client, "/animals", limit=4, cursor=first["meta"]["next_cursor"])
    assert ids_of(second) == expected[4:8]
    back = page_of(client, "/animals", limit=4, cursor=second["meta"]["previous_cursor"])
    assert ids_of(back) == expected[:3]
    assert back["meta"]["previous_cursor"] is None


def test_a_page_before_an_item_that_was_deleted_ends_before_it(
    client: TestClient, animals: Callable[[Any], None]
) -> None:
    pages = walk(client, "/animals", limit=4)
    expected = [id_ for _, id_ in ANIMALS]

    animals(Animal.id == pages[2]["data"][0]["id"])

    back = page_of(client, "/animals", limit=4, cursor=pages[2]["meta"]["previous_cursor"])
    assert ids_of(back) == expected[4:8]
    forth = page_of(client, "/animals", limit=4, cursor=back["meta"]["next_cursor"])
    assert ids_of(forth) == expected[9:13]


def test_past_the_end_a_page_is_empty_and_leads_back_to_the_last_page(
    client: TestClient, animals: Callable[[Any], None]
) -> None:
    pages = walk(client, "/animals", limit=4)
    remaining = [id_ for _, id_ in ANIMALS[:7]]

    animals(Animal.id.in_([id_ for _, id_ in ANIMALS[7:]]))

    empty = page_of(client, "/animals", limit=4, cursor=pages[1]["meta"]["next_cursor"])
    assert empty["data"] == []
    assert empty["meta"]["next_cursor"] is None
    last = page_of(client, "/animals", limit=4, cursor=empty["meta"]["previous_cursor"])
    assert ids_of(last) == remaining[-4:]
    assert last["meta"]["next_cursor"] is None
    first = page_of(client, "/animals", limit=4, cursor=last["meta"]["previous_cursor"])
    assert ids_of(first) == remaining[:3]
    assert first["meta"]["previous_cursor"] is None


def test_before_the_start_a_page_is_empty_and_leads_on_to_the_first_page(
    client: TestClient, animals: Callable[[Any], None]
) -> None:
    pages = walk(client, "/animals", limit=4)
    remaining = [id_ for _, id_ in ANIMALS[9:]]

    animals(Animal.id.in_([id_ for _, id_ in ANIMALS[:9]]))

    empty = page_of(client, "/animals", limit=4, cursor=pages[2]["meta"]["previous_cursor"])
    assert empty["data"] == []
    assert empty["meta"]["previous_cursor"] is None
    first = page_of(client, "/animals", limit=4, cursor=empty["meta"]["next_cursor"])
    assert ids_of(first) == remaining[:4]
    assert first["meta"]["previous_cursor"] is None


@pytest.mark.parametrize("side", ["next", "previous"])
def test_where_all_items_were_deleted_both_ends_are_null(
    client: TestClient, animals: Callable[[Any], None], side: str
) -> None:
    cursor = walk(client, "/animals", limit=4)[1]["meta"][f"{side}_cursor"]

    animals(Animal.id > 0)

    assert page_of(client, "/animals", cursor=cursor) == {
        "data": [],
        "meta": {"next_cursor": None, "previous_cursor": None},
    }


def test_a_side_whose_items_were_deleted_has_no_cursor(
    client: TestClient, animals: Callable[[Any], None]
) -> None:
    pages = walk(client, "/animals", limit=4)

    animals(Animal.id.in_([id_ for _, id_ in ANIMALS[:4]]))

    second = page_of(client, "/animals", limit=4, cursor=pages[0]["meta"]["next_cursor"])
    assert ids_of(second) == [id_ for _, id_ in ANIMALS[4:8]]
    assert second["meta"]["previous_cursor"] is None


def test_a_subclass_has_pages_of_its_own(client: TestClient) -> None:
    birds = [row["id"] for row in TABLES["animal"] if row["type"] == "bird"]

    found = items_of(walk(client, "/birds", limit=3))

    assert [item["id"] for item in found] == [id_ for _, id_ in ANIMALS if id_ in birds]


def test_the_schema_shows_parameters_with_bounds_and_the_models_of_the_page(
    client: TestClient,
) -> None:
    schema = client.get("/openapi.json").json()
    operation = schema["paths"]["/users"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}

    assert list(parameters) == ["cursor", "limit"]
    assert not any(parameter["required"] for parameter in parameters.values())
    assert all(parameter["in"] == "query" for parameter in parameters.values())
    assert all(parameter["description"] for parameter in parameters.values())
    assert parameters["cursor"]["schema"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 10)

    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    page = schema["components"]["schemas"][answer["$ref"].rsplit("/", 1)[1]]
    assert page["required"] == ["data", "meta"]
    assert page["properties"]["data"]["items"] == {"$ref": "#/components/schemas/UserModel"}
    meta = schema["components"]["schemas"][page["properties"]["meta"]["$ref"].rsplit("/", 1)[1]]
    assert meta["required"] == ["next_cursor", "previous_cursor"]
    assert [field["anyOf"] for field in meta["properties"].values()] == [
        [{"type": "string"}, {"type": "null"}]
    ] * 2
    assert all("description" in field for field in meta["properties"].values())


@pytest.mark.parametrize("make", [CursorPagination, AsyncCursorPagination])
@pytest.mark.parametrize(("smallest", "largest"), [(0, 10), (11, 10), (-1, -1)])
def test_page_sizes_that_make_no_sense_are_refused_at_once(
    make: Callable[..., Any], smallest: int, largest: int
) -> None:
    with pytest.raises(ValueError, match="1 <= min_page_size <= max_page_size"):
        make(min_page_size=smallest, max_page_size=largest)

"""What is asked for a total and for a deep page, when, and what comes of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import (
    DeclarativeBase,
    Session,
    contains_eager,
    join,
    joinedload,
    with_loader_criteria,
)
from sqlalchemy.orm.interfaces import UserDefinedOption

from sqla_pages import (
    AsyncCountedCursorPaginateSignature,
    AsyncCountedPaginateSignature,
    AsyncCursorPagination,
    AsyncPagination,
    CappedCount,
    CappedPage,
    CappedPageMeta,
    CountedCursorPage,
    CountedCursorPaginateSignature,
    CountedPaginateSignature,
    CountPolicy,
    CursorPagination,
    DeepOffset,
    EstimatedCount,
    EstimatedPage,
    EstimatedPageMeta,
    ExactCount,
    NoCount,
    Page,
    PaginateSignature,
    Pagination,
    StatementNotPageableError,
    UncountedPage,
    UncountedPageMeta,
    count,
    count_statement,
    cursor_page,
    offset_page,
    plan_count,
    plan_page,
)
from sqla_pages.by_offset import offset_page_on
from sqla_pages.estimate import rows_expected
from sqla_pages.offset_plan import OffsetRequest
from sqla_pages.totals import Total
from sqla_session import setup

from .databases import Database, on_each_database
from .schema import Base, Note, Team, User, log, rows

numbered = Table(
    "numbered",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", String(20), nullable=False),
    mysql_engine="InnoDB",
    mariadb_engine="InnoDB",
)
BY_ID = select(numbered).order_by(numbered.c.id)
IDS = select(numbered.c.id).order_by(numbered.c.id)


@pytest.fixture
def forty(database: Database) -> Iterator[Database]:
    """Forty rows, numbered from 1."""
    with database.tables(numbered.metadata):
        with database.connect() as connection:
            connection.execute(
                insert(numbered), [{"id": n, "text": f"row {n}"} for n in range(1, 41)]
            )
        yield database


@contextmanager
def listening(then: Any = None) -> Iterator[list[str]]:
    """Collect the SQL that is sent; call `then` after the first."""
    sent: list[str] = []

    def hear(_: Any, __: Any, sql: str, *___: Any) -> None:
        if "numbered" in sql:
            sent.append(" ".join(sql.split()))
            if then is not None and len(sent) == 1:
                then()

    event.listen(Engine, "after_cursor_execute", hear)
    try:
        yield sent
    finally:
        event.remove(Engine, "after_cursor_execute", hear)


@on_each_database
@pytest.mark.parametrize(
    ("count", "offset", "statements", "meta"),
    [
        (ExactCount(), 0, 2, {"total_items": 40, "total_pages": 4}),
        (ExactCount(), 35, 1, {"total_items": 40, "total_pages": 4}),
        (ExactCount(), 40, 2, {"total_items": 40, "total_pages": 4}),
        (ExactCount(in_page=True), 0, 1, {"total_items": 40, "total_pages": 4}),
        (ExactCount(in_page=True), 40, 1, {"total_items": 40, "total_pages": 4}),
        (NoCount(), 0, 1, {"has_next": True}),
        (NoCount(), 30, 1, {"has_next": False}),
        (NoCount(), 40, 1, {"has_next": False}),
        (CappedCount(15), 0, 2, {"total_items": 15, "total_items_exact": False, "total_pages": 2}),
        (CappedCount(39), 0, 2, {"total_items": 39, "total_items_exact": False, "total_pages": 4}),
        (CappedCount(40), 0, 2, {"total_items": 40, "total_items_exact": True, "total_pages": 4}),
        (CappedCount(15), 20, 1, {"total_items": 30, "total_items_exact": False, "total_pages": 3}),
        (CappedCount(15), 35, 1, {"total_items": 40, "total_items_exact": True, "total_pages": 4}),
    ],
)
def test_a_policy_asks_for_no_more_than_it_says(
    forty: Database, count: CountPolicy[Any], offset: int, statements: int, meta: dict[str, Any]
) -> None:
    with forty.core() as caller, listening() as sent:
        page = caller("offset_page", IDS, offset=offset, limit=10, count=count)

    assert page.data == list(range(1, 41))[offset : offset + 10]
    assert page.meta.model_dump() == {"offset": offset, "page_number": offset // 10 + 1, **meta}
    assert len(sent) == statements


@on_each_database
def test_an_empty_collection_needs_no_count(database: Database) -> None:
    with database.tables(numbered.metadata), database.core() as caller, listening() as sent:
        for count in (ExactCount(), CappedCount(), EstimatedCount()):
            assert caller("offset_page", IDS, count=count).meta.total_items == 0
        assert caller("offset_page", IDS, count=NoCount()).meta.has_next is False
        assert caller("offset_page", IDS, count=ExactCount(in_page=True)).meta.total_items == 0

    assert len(sent) == 5


@on_each_database
def test_an_estimate_is_the_databases_own_above_the_threshold_and_exact_below(
    forty: Database,
) -> None:
    analyze = {"postgresql": "ANALYZE numbered", "mariadb": "ANALYZE TABLE numbered"}
    with forty.connect() as connection:
        if forty.backend in analyze:
            connection.exec_driver_sql(analyze[forty.backend]).close()
    with forty.core() as caller, listening() as sent:
        large = caller("offset_page", IDS, count=EstimatedCount(exact_below=20)).meta
        small = caller("offset_page", IDS, count=EstimatedCount(exact_below=1000)).meta
        few = IDS.where(numbered.c.id.between(11, 25))
        filtered = caller("offset_page", few, count=EstimatedCount(exact_below=1000)).meta

    assert (small.total_items, small.total_items_exact) == (40, True)
    assert (filtered.total_items, filtered.total_items_exact) == (15, True)
    explained = [sql for sql in sent if sql.startswith("EXPLAIN")]
    if forty.backend == "sqlite":
        assert (large.total_items, large.total_items_exact) == (40, True)
        assert not explained
    else:
        assert (large.total_items, large.total_items_exact) == (40, False)
        assert len(explained) == 3


@pytest.mark.parametrize(
    ("plan", "rows"),
    [
        ([{"Plan": {"Plan Rows": 7, "Plans": [{"Plan Rows": 100}]}}], 7),
        ('[{"Plan": {"Plan Rows": 7}}]', 7),
        ({"query_block": {"table": {"rows": 200, "filtered": 25}}}, 50),
        ('{"query_block": {"nested_loop": [{"table": {"rows": 40, "filtered": 50}}, '
         '{"block-nl-join": {"table": {"rows": 3, "filtered": 100}}}]}}', 60),
        ({"query_block": {"nested_loop": [{"table": {"rows_examined_per_scan": 30}}]}}, 30),
        ({"query_block": {"table": {"message": "Impossible WHERE"}}}, None),
        ({"query_block": {"message": "No tables used"}}, None),
    ],
)  # fmt: skip
def test_what_a_plan_expects_is_read_from_each_databases_json(plan: Any, rows: int | None) -> None:
    assert rows_expected(plan) == rows


@on_each_database
@pytest.mark.parametrize("offset", [0, 7, 19, 20, 38, 39])
def test_turned_round_a_page_takes_one_count_and_one_statement(
    forty: Database, offset: int
) -> None:
    with forty.core() as caller, listening() as sent:
        page = caller("offset_page", BY_ID, offset=offset, limit=3, deep=DeepOffset(turn=True))

    assert page.data == list(range(1, 41))[offset : offset + 3]
    assert page.meta.total_items == 40
    assert len(sent) == 2
    assert "DESC" in sent[1]


@on_each_database
def test_past_the_end_a_page_that_is_counted_first_is_not_selected(forty: Database) -> None:
    with forty.core() as caller, listening() as sent:
        page = caller("offset_page", IDS, offset=40, limit=3, deep=DeepOffset(turn=True))

    assert (page.data, page.meta.total_items, len(sent)) == ([], 40, 1)


@on_each_database
def test_a_page_found_from_the_end_is_right_though_others_write_after_the_count(
    forty: Database,
) -> None:
    def write() -> None:
        with forty.connect() as connection:
            more = [{"id": n, "text": "new"} for n in range(100, 105)]
            connection.execute(insert(numbered), more)

    if forty.backend == "sqlite":
        with forty.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    with forty.core() as caller, listening(then=write) as sent:
        page = caller("offset_page", BY_ID, offset=30, limit=3, deep=DeepOffset(turn=True))

    if forty.backend == "sqlite":
        with forty.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    assert page.data == [31, 32, 33]
    # MariaDB holds the snapshot of the count; elsewhere the page is read anew, from the beginning.
    assert len([sql for sql in sent if "INSERT" not in sql]) == (
        2 if forty.backend == "mariadb" else 3
    )


@on_each_database
def test_a_page_from_the_end_may_be_printed_before_it_is_run(forty: Database) -> None:
    printed: list[str] = []

    def hear(connection: Any, clause: Any, *_: Any) -> None:
        printed.append(str(clause))

    event.listen(Engine, "before_execute", hear)
    try:
        with forty.core() as caller:
            page = caller("offset_page", BY_ID, offset=30, limit=3, deep=DeepOffset(turn=True))
    finally:
        event.remove(Engine, "before_execute", hear)

    assert page.data == [31, 32, 33]
    assert [sql.count("numbered.id DESC") for sql in printed if "FROM numbered" in sql] == [0, 1]


@pytest.mark.parametrize("database", ["mariadb+pymysql"], indirect=True)
def test_of_a_mariadb_that_is_called_mysql_the_first_page_of_all_may_be_a_deep_one(
    forty: Database,
) -> None:
    engine = create_engine(forty.url.set(drivername="mysql+pymysql"))
    with Session(engine) as session, listening() as sent:
        page = offset_page(session, BY_ID, offset=30, limit=3, deep=DeepOffset(turn=True))
    engine.dispose()

    assert (page.data, page.meta.total_items) == ([31, 32, 33], 40)
    assert len(sent) == 2


@pytest.mark.parametrize("engine", ["Aria", None])
def test_mariadb_holds_no_snapshot_of_what_may_not_be_of_innodb(engine: str | None) -> None:
    options = {} if engine is None else {"mariadb_engine": engine}
    other = Table("other", MetaData(), Column("id", Integer, primary_key=True), **options)
    nested = BY_ID.where(numbered.c.id.in_(select(other.c.id)))
    joined = BY_ID.join(other, other.c.id == numbered.c.id)

    for statement in (nested, joined, select(other, other.c.id + 1)):
        plan = plan_page(statement, "mariadb+pymysql", offset=20_000)
        assert "tx_isolation" not in plan.statements["count"]
        assert "turned" not in plan.statements
    count = plan_page(BY_ID, "mariadb+pymysql", offset=20_000).statements["count"]
    assert "tx_isolation" in count


@pytest.mark.parametrize(
    ("offset", "deep", "form", "has_turned"),
    [
        (999, DeepOffset(), "offset", False),
        (1_000, DeepOffset(), "deferred", False),
        (1_000, DeepOffset(defer=False), "offset", False),
        (5, DeepOffset(defer=True), "deferred", False),
        (9_999, DeepOffset(), "deferred", False),
        (10_000, DeepOffset(), "deferred", True),
        (10_000, DeepOffset(turn=False), "deferred", False),
        (10_000, DeepOffset(defer=False), "offset", False),
        (5, DeepOffset(turn=True), "deferred", True),
    ],
)
def test_the_plan_shows_what_is_done_about_an_offset(
    offset: int, deep: DeepOffset, form: str, has_turned: bool
) -> None:
    plan = plan_page(BY_ID, "postgresql+psycopg", offset=offset, deep=deep)

    assert plan.form == form
    assert ("turned" in plan.statements) == has_turned


def test_what_the_keys_give_by_themselves_is_not_joined_to_them() -> None:
    assert plan_page(IDS, "sqlite", offset=20_000).form == "offset"


def test_sqlite_skips_rows_so_fast_that_a_deferred_join_pays_later() -> None:
    assert plan_page(BY_ID, "sqlite", offset=9_999).form == "offset"
    assert plan_page(BY_ID, "sqlite", offset=10_000).form == "deferred"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (select(User.name).distinct(), "DISTINCT"),
        (select(User.name, func.count()).group_by(User.name), "GROUP BY"),
        (select(User).limit(5), "LIMIT"),
        (select(User).with_for_update(), "locking"),
        (select(User).order_by(func.custom(User.name)), "unknown function"),
        (select(User).where(func.random() > 0), "same at every call"),
        (select(User).join(User.notes).options(contains_eager(User.notes)), "repeat entities"),
        (select(User).join(Team, User.team_id == Team.id, full=True), "may be NULL"),
        (select(log), "rows apart"),
    ],
)
def test_what_cannot_be_found_by_keys_is_refused_if_that_is_forced(
    statement: Any, reason: str
) -> None:
    with pytest.raises(StatementNotPageableError, match=f"by keys, as DeepOffset asks: .*{reason}"):
        plan_page(statement, "sqlite", offset=5, deep=DeepOffset(defer=True))
    plan_page(statement, "sqlite", offset=100_000)


def test_turning_round_without_deferring_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a deferred join"):
        DeepOffset(defer=False, turn=True)


def test_a_collection_loaded_by_an_inner_join_beneath_a_limit_is_refused() -> None:
    statement = select(User).options(joinedload(User.notes, innerjoin=True)).limit(5)

    with pytest.raises(StatementNotPageableError, match="innerjoin=True"):
        count_statement(statement)
    with pytest.raises(StatementNotPageableError, match="innerjoin=True"):
        plan_page(statement, "sqlite", offset=0)


@pytest.mark.parametrize(
    ("statement", "rewrites", "sql"),
    [
        (select(User).outerjoin(User.team).order_by(Team.name), "order_by columns outer_joins",
         'SELECT count(*) AS count_1 FROM "user"'),
        (select(User).outerjoin(User.notes), "columns",
         'SELECT count(*) AS count_1 FROM "user" LEFT OUTER JOIN note ON "user".id = note.user_id'),
        (select(User).outerjoin(User.notes).distinct(),
         "distinct_keys outer_joins distinct columns", 'SELECT count(*) AS count_1 FROM "user"'),
        (select(User).join(User.notes).distinct(), "distinct_keys",
         'SELECT count(*) AS count_1 FROM (SELECT DISTINCT "user".id AS id FROM "user" '
         'JOIN note ON "user".id = note.user_id) AS anon_1'),
        (select(User.id, func.count()).outerjoin(User.notes).group_by(User.id),
         "group_by outer_joins",
         'SELECT count(*) AS count_1 FROM '
            '(SELECT 1 AS _one FROM "user" GROUP BY "user".id) AS anon_1'),
        (select(User.id).join(User.notes).group_by(User.id).having(User.name != "x"), "group_by",
         'SELECT count(*) AS count_1 FROM (SELECT "user".name AS name FROM "user" JOIN note '
         'ON "user".id = note.user_id GROUP BY "user".id HAVING "user".name != :name_1) AS anon_1'),
        (select(Note).options(joinedload(Note.user, innerjoin=True)), "loading columns",
         'SELECT count(*) AS count_1 FROM note WHERE EXISTS (SELECT 1 FROM "user" AS user_1 '
         "WHERE user_1.id = note.user_id)"),
    ],
)  # fmt: skip
def test_a_count_says_by_which_rewrites_it_was_made(
    statement: Any, rewrites: str, sql: str
) -> None:
    plan = plan_count(statement)

    assert plan.rewrites == tuple(rewrites.split())
    assert " ".join(str(plan.statement).split()) == sql


def test_criteria_that_an_event_adds_filter_pages_and_counts_alike() -> None:
    engine = create_engine("sqlite://")
    statement = select(User.id).select_from(join(User, Note, Note.user_id == User.id))
    with Session(engine) as session:
        Base.metadata.create_all(session.connection())
        for table, values in rows():
            session.execute(insert(table), values)

        @event.listens_for(session, "do_orm_execute")
        def only_some(state: Any) -> None:
            if state.is_select:
                criteria = with_loader_criteria(Note, Note.kind == 1, include_aliases=True)
                state.statement = state.statement.options(criteria)

        for one in (statement, select(User).join(User.notes), select(Note).distinct()):
            assert count(session, one) == len(session.execute(one).all())
            assert offset_page(session, one).meta.total_items == len(session.execute(one).all())
    engine.dispose()


def test_a_function_of_a_schema_is_not_taken_for_one_of_the_database() -> None:
    assert plan_count(select(func.date(User.id))).rewrites == ("columns",)
    assert plan_count(select(func.mine.date(User.id))).rewrites == ()


@pytest.mark.parametrize(
    "condition",
    [
        Note.user_id == func.custom(User.id),
        (Note.user_id == User.id) & (func.random() > 0),
        Note.user_id == select(func.custom(User.id)).scalar_subquery(),
    ],
)
def test_a_join_by_an_unknown_function_is_not_found_by_keys(condition: Any) -> None:
    statement = select(Note).join(User, condition)

    assert plan_page(statement, "sqlite", offset=50_000).form == "offset"


@on_each_database
def test_an_estimate_finds_the_bind_of_a_base_class(forty: Database) -> None:
    engine = create_engine(forty.sync_url)

    class Model(DeclarativeBase):
        metadata = numbered.metadata

    class Numbered(Model):
        __table__ = numbered

    with Session(binds={Model: engine}) as session:
        page = offset_page(session, select(Numbered), count=EstimatedCount(exact_below=2))
    engine.dispose()

    assert page.meta.total_items >= 10


def test_a_total_may_be_a_decimal_as_sum_gives_it() -> None:
    @contextmanager
    def session() -> Iterator[Session]:
        engine = create_engine("sqlite://")
        with Session(engine) as session:
            numbered.create(session.connection())
            session.execute(insert(numbered), [{"id": n, "text": ""} for n in range(1, 41)])
            yield session
        engine.dispose()

    with session() as found:
        request = OffsetRequest(0, 3)
        total: Any = Decimal(40)
        page = offset_page_on(found, IDS, request, True, ExactCount(), DeepOffset(), total)

    assert page.meta.total_pages == 14
    assert type(page.meta.total_items) is int


@pytest.mark.parametrize("make", [CursorPagination, AsyncCursorPagination])
def test_cursor_pages_are_not_declared_to_count_nothing(make: Any) -> None:
    with pytest.raises(ValueError, match="NoCount is for offset pages"):
        make(count=NoCount())


@on_each_database
def test_names_that_come_twice_can_be_counted(forty: Database) -> None:
    twice = select(numbered.c.id.label("x"), numbered.c.text.label("x")).distinct()

    with forty.core() as caller:
        assert caller("count", twice) == 40
        assert caller("count", twice, without=["distinct", "distinct_keys"]) == 40


def test_an_application_finds_its_own_options_on_a_count() -> None:
    option = UserDefinedOption("shard 7")

    for statement in (select(User), select(User).distinct(), select(User).limit(3)):
        assert option in count_statement(statement.options(option))._with_options


@pytest.mark.parametrize(
    "make",
    [
        lambda: count_statement(select(User), without=["order"]),  # type: ignore[list-item]
        lambda: ExactCount(without=["order"]),  # type: ignore[list-item]
        lambda: CappedCount(0),
        lambda: EstimatedCount(-1),
        lambda: Pagination(max_offset=-1),
        lambda: Pagination(query_count=lambda: 3, count=NoCount()),  # type: ignore[call-overload]
        lambda: AsyncPagination(query_count=lambda: 3, count=NoCount()),  # type: ignore[call-overload]
    ],
)
def test_what_is_no_policy_is_refused_when_it_is_made(make: Any) -> None:
    with pytest.raises(ValueError, match=r"rewrite|must be|leave out"):
        make()


@on_each_database
@pytest.mark.parametrize(
    ("count", "total", "is_exact", "statements"),
    [
        (ExactCount(), 40, True, 2),
        (CappedCount(12), 12, False, 2),
        (CappedCount(3), 11, False, 1),
    ],
)
def test_a_cursor_page_has_a_total_if_it_is_asked_for(
    forty: Database, count: CountPolicy[Any], total: int, is_exact: bool, statements: int
) -> None:
    with forty.core() as caller, listening() as sent:
        page = caller("cursor_page", IDS, limit=10, count=count)
        cursor = page.meta.next_cursor

    assert page.data == list(range(1, 11))
    assert (page.meta.total_items, page.meta.total_items_exact) == (total, is_exact)
    assert len(sent) == statements
    with forty.core() as caller:
        assert caller("cursor_page", IDS, limit=10, cursor=cursor).data == list(range(11, 21))


@on_each_database
def test_a_cursor_page_that_is_all_there_is_proves_its_total(forty: Database) -> None:
    with forty.core() as caller, listening() as sent:
        page = caller("cursor_page", IDS, limit=40, count=ExactCount())

    assert (page.meta.total_items, len(sent)) == (40, 1)


def test_a_cursor_page_is_not_asked_to_count_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="NoCount is for offset pages"):
        cursor_page(None, IDS, count=NoCount())  # type: ignore[call-overload]


class Row(BaseModel):
    id: int


def _sync_application() -> FastAPI:
    app = FastAPI()

    def too_few() -> int:
        return 7

    capped = Annotated[
        CountedPaginateSignature[CappedPageMeta], Depends(Pagination(count=CappedCount(15)))
    ]
    uncounted = Annotated[
        CountedPaginateSignature[UncountedPageMeta], Depends(Pagination(count=NoCount()))
    ]
    estimated = Annotated[
        CountedPaginateSignature[EstimatedPageMeta], Depends(Pagination(count=EstimatedCount()))
    ]
    shallow = Annotated[PaginateSignature, Depends(Pagination(max_offset=20))]
    distrusted = Annotated[PaginateSignature, Depends(Pagination(query_count=too_few))]
    cursors = Annotated[
        CountedCursorPaginateSignature, Depends(CursorPagination(count=ExactCount()))
    ]

    @app.get("/capped", response_model=CappedPage[Row])
    def capped_rows(paginate: capped) -> Any:
        return paginate(IDS.add_columns(numbered.c.text), scalars=False)

    @app.get("/uncounted", response_model=UncountedPage[Row])
    def uncounted_rows(paginate: uncounted) -> Any:
        return paginate(BY_ID, scalars=False)

    @app.get("/estimated", response_model=EstimatedPage[Row])
    def estimated_rows(paginate: estimated) -> Any:
        return paginate(BY_ID, scalars=False)

    @app.get("/shallow", response_model=Page[Row])
    def shallow_rows(paginate: shallow) -> Any:
        return paginate(BY_ID, scalars=False)

    @app.get("/distrusted", response_model=Page[Row])
    def distrusted_rows(paginate: distrusted) -> Any:
        return paginate(BY_ID, scalars=False)

    @app.get("/cursors", response_model=CountedCursorPage[Row])
    def cursor_rows(paginate: cursors) -> Any:
        return paginate(BY_ID, scalars=False)

    return app


def _async_application() -> FastAPI:
    app = FastAPI()

    async def too_few() -> int:
        return 7

    capped = AsyncPagination(count=CappedCount(15))
    cursors = AsyncCursorPagination(count=ExactCount())

    @app.get("/capped", response_model=CappedPage[Row])
    async def capped_rows(
        paginate: Annotated[AsyncCountedPaginateSignature[CappedPageMeta], Depends(capped)],
    ) -> Any:
        return await paginate(BY_ID, scalars=False)

    @app.get("/uncounted", response_model=UncountedPage[Row])
    async def uncounted_rows(paginate: Any = Depends(AsyncPagination(count=NoCount()))) -> Any:
        return await paginate(BY_ID, scalars=False)

    @app.get("/estimated", response_model=EstimatedPage[Row])
    async def estimated_rows(
        paginate: Any = Depends(AsyncPagination(count=EstimatedCount())),
    ) -> Any:
        return await paginate(BY_ID, scalars=False)

    @app.get("/shallow", response_model=Page[Row])
    async def shallow_rows(paginate: Any = Depends(AsyncPagination(max_offset=20))) -> Any:
        return await paginate(BY_ID, scalars=False)

    @app.get("/distrusted", response_model=Page[Row])
    async def distrusted_rows(paginate: Any = Depends(AsyncPagination(query_count=too_few))) -> Any:
        return await paginate(BY_ID, scalars=False)

    @app.get("/cursors", response_model=CountedCursorPage[Row])
    async def cursor_rows(
        paginate: Annotated[AsyncCountedCursorPaginateSignature, Depends(cursors)],
    ) -> Any:
        return await paginate(BY_ID, scalars=False)

    return app


@pytest.fixture
def client(forty: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("sqlalchemy_url", forty.url_text)
    app = _async_application() if forty.is_async else _sync_application()
    setup(app)
    with TestClient(app) as client:
        yield client


@on_each_database
@pytest.mark.parametrize(
    ("path", "meta"),
    [
        ("/capped?offset=3&limit=2", {"offset": 3, "total_items": 15, "total_items_exact": False,
                                      "total_pages": 8, "page_number": 2}),
        ("/uncounted?limit=2", {"offset": 0, "page_number": 1, "has_next": True}),
        ("/uncounted?offset=38&limit=2", {"offset": 38, "page_number": 20, "has_next": False}),
        ("/estimated?offset=30", {"offset": 30, "total_items": 40, "total_items_exact": True,
                                  "total_pages": 4, "page_number": 4}),
        ("/shallow?offset=20", {"offset": 20, "total_items": 40, "total_pages": 4,
                                "page_number": 3}),
    ],
)  # fmt: skip
def test_a_response_says_what_its_policy_knows(
    client: TestClient, path: str, meta: dict[str, Any]
) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert response.json()["meta"] == meta
    assert response.json()["data"][0] == {"id": meta["offset"] + 1}


@on_each_database
def test_a_cursor_response_has_its_total_beside_the_links(client: TestClient) -> None:
    meta = client.get("/cursors?limit=3").json()["meta"]

    assert meta["next_cursor"] is not None
    assert (meta["previous_cursor"], meta["total_items"], meta["total_items_exact"]) == (
        None,
        40,
        True,
    )


@on_each_database
def test_too_deep_an_offset_is_a_422_that_names_it_and_the_cure(client: TestClient) -> None:
    response = client.get("/shallow?offset=21")

    assert response.status_code == 422
    (fault,) = response.json()["detail"]
    assert (fault["type"], fault["loc"]) == ("offset_too_deep", ["query", "offset"])
    assert "offset must be 20 or less" in fault["msg"]
    assert "cursor" in fault["msg"]


@on_each_database
def test_the_schema_says_what_the_numbers_mean(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    models = schema["components"]["schemas"]

    (offset,) = (
        parameter["schema"]
        for parameter in schema["paths"]["/shallow"]["get"]["parameters"]
        if parameter["name"] == "offset"
    )
    assert (offset["minimum"], offset["maximum"]) == (0, 20)
    assert "at least" in models["CappedPageMeta"]["properties"]["total_items"]["description"]
    assert "estimate" in models["EstimatedPageMeta"]["properties"]["total_items"]["description"]
    assert set(models["UncountedPageMeta"]["required"]) == {"offset", "page_number", "has_next"}
    assert set(models["PageMeta"]["properties"]) == {
        "offset",
        "total_items",
        "total_pages",
        "page_number",
    }


@on_each_database
def test_a_query_count_that_is_too_low_is_reported_and_not_believed(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "sqla_pages"):
        first = client.get("/distrusted?limit=5").json()["meta"]
        assert not caplog.messages
        second = client.get("/distrusted?offset=5&limit=5").json()["meta"]

    assert (first["total_items"], second["total_items"]) == (7, 40)
    (message,) = caplog.messages
    assert "query_count of a page returned 7, but there are at least 10 items" in message


def test_the_total_is_no_less_than_the_page_shows_though_rows_are_deleted_meanwhile() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        country = Table("country", MetaData(), Column("id", Integer, primary_key=True))
        country.create(connection)
        connection.execute(insert(country), [{"id": number} for number in range(10)])

        @event.listens_for(connection, "before_cursor_execute")
        def delete_all(_: Any, cursor: Any, sql: str, *__: Any) -> None:
            if "count(" in sql:
                cursor.execute("DELETE FROM country")

        page = offset_page(connection, select(country.c.id), limit=5)
    engine.dispose()

    assert (page.data, page.meta.total_items) == ([0, 1, 2, 3, 4], 5)


def test_a_count_that_stops_at_the_threshold_is_not_exact() -> None:
    plan = """SELECT '[{"Plan": {"Plan Rows": 3}}]'"""  # of a table that has grown since
    steps = EstimatedCount(exact_below=5).total_steps(
        plan_count(select(User)), postgresql.dialect(), 0
    )
    next(steps)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        steps.send(connection.execute(text(plan)))
        with pytest.raises(StopIteration) as stopped:
            steps.send(connection.execute(text("SELECT 5")))
    engine.dispose()

    assert stopped.value.value == Total(5, is_exact=False)

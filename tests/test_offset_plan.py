"""The SQL of offset pages and counts, as whole strings, without a database."""

from typing import Any

import pytest
from sqlalchemy import column, desc, func, insert, select, table, text, union, union_all
from sqlalchemy.dialects import mysql, oracle, postgresql, sqlite
from sqlalchemy.dialects.mssql import dialect as mssql_dialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Query, joinedload, load_only

from sqla_pages import (
    DialectNotSupportedError,
    OrderingNotTotalError,
    PageMeta,
    PageRequestError,
    StatementNotPageableError,
    count_statement,
)
from sqla_pages.deep import DeepOffset
from sqla_pages.offset_plan import OffsetPlan, OffsetRequest, offset_plan
from sqla_pages.plan import statement_of
from sqla_pages.snapshots import Counted
from sqla_pages.totals import EXACT, ExactCount

from .schema import Member, Note, Team, User, log

PAGE = OffsetRequest(offset=20, limit=10)
DIALECTS = {
    "postgresql": postgresql.dialect(),
    "sqlite": sqlite.dialect(),
    "mysql": mysql.dialect(),
    "mssql": mssql_dialect(),
    "oracle": oracle.dialect(),
}
# As on a server of version 2012 or newer.
DIALECTS["mssql"]._supports_offset_fetch = True


def sql(statement: Any, dialect: str = "postgresql") -> str:
    compiled = statement.compile(
        dialect=DIALECTS[dialect],
        compile_kwargs={"literal_binds": True, "render_postcompile": True},
    )
    return " ".join(str(compiled).split())


def plan(
    statement: Any, request: OffsetRequest = PAGE, dialect: str = "postgresql", **options: Any
) -> OffsetPlan[PageMeta]:
    return offset_plan(statement, request, DIALECTS[dialect], EXACT, **options)


def rows_of(plan: OffsetPlan[PageMeta]) -> Any:
    assert plan.rows is not None
    return plan.rows.statement


def rows_sql(statement: Any, dialect: str = "postgresql") -> str:
    return sql(rows_of(plan(statement, dialect=dialect)), dialect)


NAMES = select(User.id, User.name).order_by(User.name)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    {
        "postgresql": 'SELECT "user".id, "user".name FROM "user" '
        'ORDER BY "user".name, "user".id LIMIT 10 OFFSET 20',
        "sqlite": "SELECT user.id, user.name FROM user "
        "ORDER BY user.name, user.id LIMIT 10 OFFSET 20",
        "mysql": "SELECT user.id, user.name FROM user ORDER BY user.name, user.id LIMIT 20, 10",
        "mssql": "SELECT [user].id, [user].name FROM [user] "
        "ORDER BY [user].name, [user].id OFFSET 20 ROWS FETCH FIRST 10 ROWS ONLY",
        "oracle": 'SELECT "user".id, "user".name FROM "user" '
        'ORDER BY "user".name, "user".id OFFSET 20 ROWS FETCH FIRST 10 ROWS ONLY',
    }.items(),
)
def test_a_page_is_limited_as_each_dialect_says_it(dialect: str, expected: str) -> None:
    assert rows_sql(NAMES, dialect) == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_count_reads_the_same_in_every_dialect(dialect: str) -> None:
    quoted = {"postgresql": '"user"', "mssql": "[user]", "oracle": '"user"'}.get(dialect, "user")

    assert sql(count_statement(NAMES), dialect) == (f"SELECT count(*) AS count_1 FROM {quoted}")


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        (select(User), '"user".id'),
        (select(User).order_by(User.id.desc()), '"user".id DESC'),
        (select(User).order_by(User.email), '"user".email'),
        (select(User).order_by(User.score.desc()), '"user".score DESC, "user".id DESC'),
        (select(User.name), '"user".id'),
        (select(User.name, Team.name).join(User.team), '"user".id'),
        (select(Note).join(Note.user).order_by(User.name), '"user".name, note.id'),
        (select(Member).order_by(Member.user_id), "member.user_id, member.team_id"),
        (
            # A nullable column lets rows escape a unique constraint.
            select(Member).order_by(Member.team_id, Member.nick),
            "member.team_id, member.nick, member.user_id",
        ),
        (select(log), 'log.level, log.message, log.message COLLATE "C"'),
        (
            select(log).order_by(log.c.message.desc()),
            'log.message DESC, log.level, log.message COLLATE "C"',
        ),
        (select(User.name).distinct(), '"user".name'),
        (select(User.name, func.count()).group_by(User.name), '"user".name'),
        (select(Team.name, func.count()).group_by(Team), "team.id"),
        (select(User.name.label("n"), User.id).order_by("n"), 'n, "user".id'),
        (select(User.id, User.name).order_by(text("1")), "1"),
        (select(User).order_by(text("name desc")), 'name desc, "user".id'),
        (
            # A subquery for each row: the key of the row says as much, and is cheaper to sort by.
            select(User.name, select(func.count(Note.id)).scalar_subquery().label("n")),
            '"user".id',
        ),
        (
            select(Note.kind, func.row_number().over(order_by=Note.id).label("n")).join(Note.user),
            "note.id",
        ),
        (select(User.name, func.unnest(User.score).label("n")), '"user".id, n'),
        (select(func.custom_aggregate(User.name).label("c")), "c"),
        (union_all(select(User.id), select(Team.id)), "1"),
        (
            union_all(select(User.id, User.name), select(Team.id, Team.name)).order_by("id"),
            'anon_1.id, anon_1.name, anon_1.name COLLATE "C"',
        ),
    ],
)
def test_the_fewest_keys_are_added_that_decide_every_place(statement: Any, order: str) -> None:
    _, _, ordered = rows_sql(statement).rpartition("ORDER BY ")

    assert ordered == f"{order} LIMIT 10 OFFSET 20"


@pytest.mark.parametrize(
    ("dialect", "key"),
    {
        "postgresql": 'log.message COLLATE "C"',
        "sqlite": "log.message COLLATE BINARY",
        "mysql": "CAST(log.message AS BINARY)",
        "mssql": "log.message COLLATE Latin1_General_100_BIN2",
        "oracle": "NLSSORT(log.message, 'NLS_SORT=BINARY')",
    }.items(),
)
def test_where_only_a_text_tells_rows_apart_it_is_sorted_by_its_bytes(
    dialect: str, key: str
) -> None:
    ordered = rows_sql(select(log.c.message), dialect).partition("ORDER BY ")[2]

    assert ordered.startswith(f"log.message, {key} ") or ordered.endswith(f"log.message, {key}")


def test_where_the_bytes_of_a_text_cannot_be_sorted_by_it_is_refused() -> None:
    class UnknownDialect(DefaultDialect):
        name = "unknown"

    rows = rows_of(plan(select(log.c.message)))

    assert rows is not None
    with pytest.raises(DialectNotSupportedError, match="select a primary key"):
        rows.compile(dialect=UnknownDialect())


def test_an_aggregate_gets_no_order() -> None:
    statement = select(func.count(User.id))

    assert sql(rows_of(plan(statement, OffsetRequest(0, 10)))) == (
        'SELECT count("user".id) AS count_1 FROM "user" LIMIT 10 OFFSET 0'
    )
    assert plan(statement).rows is None


@pytest.mark.parametrize(
    ("statement", "page", "count"),
    [
        (
            select(func.count(User.id)),
            "SELECT count([user].id) AS count_1 FROM [user] "
            "ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH FIRST 10 ROWS ONLY",
            "SELECT count(*) AS count_1 FROM "
            "(SELECT count([user].id) AS count_2 FROM [user]) AS anon_1",
        ),
        (
            select(func.count(User.id)).distinct(),
            "SELECT DISTINCT count([user].id) AS count_1 FROM [user] "
            "ORDER BY 1 OFFSET 0 ROWS FETCH FIRST 10 ROWS ONLY",
            "SELECT count(*) AS count_1 FROM "
            "(SELECT count([user].id) AS count_2 FROM [user]) AS anon_1",
        ),
        (
            select(User.id).order_by(User.id).offset(2),
            "SELECT [user].id FROM [user] "
            "ORDER BY [user].id OFFSET 2 ROWS FETCH FIRST 10 ROWS ONLY",
            "SELECT count(*) AS count_1 FROM (SELECT 1 AS _one FROM [user] "
            "ORDER BY (SELECT NULL) OFFSET 2 ROWS) AS anon_1",
        ),
        (
            select(User.name).distinct().order_by(User.name).offset(2),
            "SELECT DISTINCT [user].name FROM [user] "
            "ORDER BY [user].name OFFSET 2 ROWS FETCH FIRST 10 ROWS ONLY",
            "SELECT count(*) AS count_1 FROM (SELECT DISTINCT [user].name AS name FROM [user] "
            "ORDER BY 1 OFFSET 2 ROWS) AS anon_1",
        ),
        (
            union(select(User.id), select(Team.id)).order_by("id").offset(2),
            "SELECT [user].id FROM [user] UNION SELECT team.id FROM team "
            "ORDER BY id OFFSET 2 ROWS FETCH FIRST 10 ROWS ONLY",
            "SELECT count(*) AS count_1 FROM (SELECT [user].id AS id FROM [user] "
            "UNION SELECT team.id AS id FROM team ORDER BY 1 OFFSET 2 ROWS) AS anon_1",
        ),
    ],
)
def test_sql_server_has_something_to_sort_by_beside_every_offset(
    statement: Any, page: str, count: str
) -> None:
    planned = plan(statement, OffsetRequest(0, 10), "mssql")

    assert sql(rows_of(planned), "mssql") == page
    assert sql(planned.count.statement, "mssql") == count


def test_an_eager_load_of_one_row_selects_nothing_to_sort_by() -> None:
    statement = select(User).having(func.count() > 1).options(load_only(User.id))
    rows = rows_of(plan(statement.options(joinedload(User.notes)), OffsetRequest(0, 10)))

    assert sql(rows) == (
        "SELECT anon_1.id, anon_1.anon_2, note_1.id AS id_1, note_1.user_id, note_1.kind FROM "
        '(SELECT "user".id AS id, NULL AS anon_2 FROM "user" HAVING count(*) > 1 '
        "LIMIT 10 OFFSET 0) AS anon_1 LEFT OUTER JOIN note AS note_1 ON anon_1.id = note_1.user_id "
        "ORDER BY anon_1.anon_2, note_1.id"
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["n"], "[user].id"),
        ([desc("n"), "name"], "[user].id DESC, [user].name"),
        (["score", "n"], "[user].score, [user].id"),
    ],
)
def test_names_are_resolved_for_sql_server_as_long_as_its_version_is_not_known(
    order: list[Any], expected: str
) -> None:
    statement = select(User.id.label("n")).order_by(*order)
    rows = rows_of(plan(statement))

    assert rows is not None
    compiled = rows.compile(dialect=mssql_dialect(), compile_kwargs={"literal_binds": True})
    assert " ".join(str(compiled).split()) == (
        f"SELECT anon_1.n FROM (SELECT [user].id AS n, ROW_NUMBER() OVER (ORDER BY {expected}) "
        "AS mssql_rn FROM [user]) AS anon_1 WHERE mssql_rn > 20 AND mssql_rn <= 10 + 20"
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            select(User).options(joinedload(User.notes)).where(User.score > 1).order_by(User.name),
            'SELECT count(*) AS count_1 FROM "user" WHERE "user".score > 1',
        ),
        (
            select(User).join(User.notes).with_for_update(),
            'SELECT count(*) AS count_1 FROM "user" JOIN note ON "user".id = note.user_id',
        ),
        (
            select(User.name).distinct().order_by(User.name),
            'SELECT count(*) AS count_1 FROM (SELECT DISTINCT "user".name AS name FROM "user") '
            "AS anon_1",
        ),
        (
            select(User.name, func.count().label("n")).group_by(User.name),
            "SELECT count(*) AS count_1 FROM "
            '(SELECT 1 AS _one FROM "user" GROUP BY "user".name) AS anon_1',
        ),
        (
            select(func.unnest(func.array(User.id))),
            'SELECT count(*) AS count_1 FROM (SELECT unnest(array("user".id)) AS unnest_1 '
            'FROM "user") AS anon_1',
        ),
        (
            select(User.id).order_by(User.name).limit(5).offset(2),
            "SELECT count(*) AS count_1 FROM "
            '(SELECT 1 AS _one FROM "user" LIMIT 5 OFFSET 2) AS anon_1',
        ),
        (
            union_all(select(User.id), select(Team.id)).order_by("id"),
            'SELECT count(*) AS count_1 FROM (SELECT "user".id AS id FROM "user" UNION ALL '
            "SELECT team.id AS id FROM team) AS anon_1",
        ),
        (
            select(User.id).order_by(User.score).fetch(3, with_ties=True),
            'SELECT count(*) AS count_1 FROM (SELECT "user".id AS id FROM "user" '
            'ORDER BY "user".score FETCH FIRST (3) ROWS WITH TIES) AS anon_1',
        ),
    ],
)
def test_a_count_keeps_what_decides_the_number_and_drops_the_rest(
    statement: Any, expected: str
) -> None:
    assert sql(count_statement(statement)) == expected


def test_an_aggregate_in_the_order_alone_still_counts_one_row() -> None:
    thing = table("thing", column("a"))
    statement = select(text("1")).select_from(thing).order_by(func.count(thing.c.a))

    assert "ORDER BY count(thing.a)" in sql(count_statement(statement))


def test_the_own_limit_bounds_the_last_page_and_the_own_offset_is_added() -> None:
    statement = select(User.id).order_by(User.id).limit(25).offset(100)

    assert rows_sql(statement) == (
        'SELECT "user".id FROM "user" ORDER BY "user".id LIMIT 5 OFFSET 120'
    )


def test_an_own_offset_cannot_overflow() -> None:
    statement = select(User.id).offset(5)

    assert plan(statement, OffsetRequest(2**63 - 1, 10)).rows is None


def test_past_the_own_limit_there_is_nothing_to_select() -> None:
    assert plan(select(User).limit(20)).rows is None


@pytest.mark.parametrize(
    "order",
    [
        func.random(),
        func.rand().desc(),
        func.lower(func.gen_random_uuid()),
        text("RANDOM()"),
        func.newid().label("r"),
    ],
)
def test_a_random_order_is_refused(order: Any) -> None:
    with pytest.raises(OrderingNotTotalError, match="changes from page to page"):
        plan(select(User).order_by(order))


def test_a_column_that_is_named_like_a_random_function_is_fine() -> None:
    thing = table("thing", column("random"))

    assert rows_sql(select(thing).order_by(thing.c.random)).endswith(
        "ORDER BY thing.random LIMIT 10 OFFSET 20"
    )


@pytest.mark.parametrize(
    ("statement", "cure"),
    [
        (select(text("name")).select_from(User), "literal_column"),
        (union_all(select(User.extra), select(User.extra)), "select the primary key too"),
        (select(User).fetch(3, with_ties=True), "as a subquery"),
        (select(User).fetch(3, percent=True), "as a subquery"),
        (select(User).limit(func.abs(3)), "give a number"),
    ],
)
def test_what_has_no_right_pages_is_refused_with_the_cure(statement: Any, cure: str) -> None:
    with pytest.raises(StatementNotPageableError, match=cure):
        plan(statement)


def test_a_statement_that_also_writes_is_refused_with_the_cure() -> None:
    statement = select(insert(User).values(id=1).returning(User.id).cte("new"))

    with pytest.raises(StatementNotPageableError, match="run the INSERT, UPDATE or DELETE on its"):
        statement_of(statement)


@pytest.mark.parametrize("thing", [text("SELECT 1"), insert(User), User, "SELECT 1", None])
def test_what_is_no_select_is_refused_with_the_cure(thing: Any) -> None:
    with pytest.raises(StatementNotPageableError, match=r"pass a select\(\)"):
        statement_of(thing)


def test_a_legacy_query_is_its_statement() -> None:
    assert rows_sql(statement_of(Query([User.id]).filter(User.score > 1))) == (
        'SELECT "user".id FROM "user" WHERE "user".score > 1 ORDER BY "user".id LIMIT 10 OFFSET 20'
    )


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (2**63, 10), (0, 0), (0, -5), (0, 2**63)])
def test_a_page_out_of_bounds_is_refused(offset: int, limit: int) -> None:
    with pytest.raises(PageRequestError) as caught:
        OffsetRequest(offset, limit)

    assert caught.value.status_hint == 422
    assert isinstance(caught.value, ValueError)


DEEP = OffsetRequest(offset=20_000, limit=10)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    {
        "postgresql": 'SELECT "user".name, "user".email FROM "user" JOIN team ON team.id = '
        '"user".team_id, (SELECT "user".id AS _e0 FROM "user" JOIN team ON team.id = '
        '"user".team_id ORDER BY "user".name, "user".id LIMIT 10 OFFSET 20000) AS anon_1 '
        'WHERE anon_1._e0 = "user".id ORDER BY "user".name, "user".id',
        "sqlite": "SELECT user.name, user.email FROM user JOIN team ON team.id = "
        "user.team_id, (SELECT user.id AS _e0 FROM user JOIN team ON team.id = "
        "user.team_id ORDER BY user.name, user.id LIMIT 10 OFFSET 20000) AS anon_1 "
        "WHERE anon_1._e0 = user.id ORDER BY user.name, user.id",
        "mysql": "SELECT user.name, user.email FROM user INNER JOIN team ON team.id = "
        "user.team_id, (SELECT user.id AS _e0 FROM user INNER JOIN team ON team.id = "
        "user.team_id ORDER BY user.name, user.id LIMIT 20000, 10) AS anon_1 "
        "WHERE anon_1._e0 = user.id ORDER BY user.name, user.id",
        "mssql": "SELECT [user].name, [user].email FROM [user] JOIN team ON team.id = "
        "[user].team_id, (SELECT [user].id AS _e0 FROM [user] JOIN team ON team.id = "
        "[user].team_id ORDER BY [user].name, [user].id OFFSET 20000 ROWS FETCH FIRST 10 ROWS "
        "ONLY) AS anon_1 WHERE anon_1._e0 = [user].id ORDER BY [user].name, [user].id",
        "oracle": 'SELECT "user".name, "user".email FROM "user" JOIN team ON team.id = '
        '"user".team_id, (SELECT "user".id AS "_e0" FROM "user" JOIN team ON team.id = '
        '"user".team_id ORDER BY "user".name, "user".id OFFSET 20000 ROWS FETCH FIRST 10 ROWS '
        'ONLY) anon_1 WHERE anon_1."_e0" = "user".id ORDER BY "user".name, "user".id',
    }.items(),
)
def test_a_deep_page_is_found_by_its_keys_as_each_dialect_says_it(
    dialect: str, expected: str
) -> None:
    statement = select(User.name, User.email).join(User.team).order_by(User.name)

    assert sql(rows_of(plan(statement, DEEP, dialect)), dialect) == expected


@pytest.mark.parametrize(
    ("dialect", "expected"),
    {
        "postgresql": (
            "SELECT count(*) AS count_1, CASE WHEN NOT pg_is_in_recovery() "
            "THEN CAST(txid_current_snapshot() AS TEXT) END AS _snapshot",
            "CASE WHEN (CASE WHEN NOT pg_is_in_recovery() "
            "THEN CAST(txid_current_snapshot() AS TEXT) END = 'seen') THEN 20010 ELSE "
            '(SELECT count(*) AS count_1 FROM "user") END AS _total',
        ),
        "sqlite": (
            "SELECT count(*) AS count_1 FROM",
            "(SELECT count(*) AS count_1 FROM user) AS _total",
        ),
        "mysql": (
            "SELECT count(*) AS count_1 FROM",
            "(SELECT count(*) AS count_1 FROM user) AS _total",
        ),
        "mssql": (
            "SELECT count(*) AS count_1 FROM",
            "(SELECT count(*) AS count_1 FROM [user]) AS _total",
        ),
        "oracle": (
            "SELECT count(*) AS count_1 FROM",
            '(SELECT count(*) AS count_1 FROM "user") AS "_total"',
        ),
    }.items(),
)
def test_a_page_from_the_end_is_counted_anew_unless_both_statements_see_the_same(
    dialect: str, expected: tuple[str, str]
) -> None:
    snapshot, total = expected
    names = select(User.name).order_by(User.name)
    deep = plan(names, DEEP, dialect, deep=DeepOffset(turn=True))
    turned = deep.turned(Counted(20_010, "seen" if dialect == "postgresql" else None))

    assert sql(deep.count_first, dialect).startswith(snapshot)
    assert turned is not None
    assert total in sql(turned.statement.params(turned.parameters), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_page_and_total_in_one_statement_compile_in_every_dialect(dialect: str) -> None:
    in_page = offset_plan(NAMES, PAGE, DIALECTS[dialect], ExactCount(in_page=True))

    assert in_page.rows_and_total is not None
    text_ = sql(in_page.rows_and_total.statement, dialect)
    assert text_.count("count(*)") == 1
    assert "LEFT OUTER JOIN" in text_

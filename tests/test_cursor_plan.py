"""The SQL of cursor pages, as whole strings, and what is decided about them, without a database."""

from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    all_,
    and_,
    create_engine,
    delete,
    distinct,
    event,
    func,
    join,
    literal,
    literal_column,
    select,
    text,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.dialects import mysql, oracle, sqlite
from sqlalchemy.dialects.mssql import dialect as mssql_dialect
from sqlalchemy.dialects.postgresql.psycopg2 import dialect as psycopg2_dialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from sqla_pages import (
    CursorCodec,
    DialectNotSupportedError,
    InvalidCursorError,
    OrderingNotTotalError,
    PageRequestError,
    SortKeyNotSeekableError,
    StatementNotPageableError,
    cursor_page,
    plan_page,
)
from sqla_pages.cursor import Cursor
from sqla_pages.cursor_plan import cursor_plan
from sqla_pages.fragments import Direction

from .schema import Base, Member, Note, Team, User, log, rows

DIALECTS: dict[str, Any] = {
    "postgresql": psycopg2_dialect(paramstyle="named"),
    "sqlite": sqlite.dialect(paramstyle="named"),
    "mysql": mysql.dialect(paramstyle="named"),
    "mssql": mssql_dialect(paramstyle="named"),
    "oracle": oracle.dialect(paramstyle="named"),
}

# As on a server of version 2012 or newer.
DIALECTS["mssql"]._supports_offset_fetch = True

thing = Table(
    "t",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("a", BigInteger, nullable=False),
    Column("n", BigInteger),
)
IDS = select(thing.c.id)
country = Table("country", MetaData(), Column("code", String(2), primary_key=True))
city = Table(
    "city",
    country.metadata,
    Column("id", BigInteger, primary_key=True),
    Column("country", ForeignKey("country.code"), nullable=False),
)
note, team = aliased(Note, name="n"), aliased(Team, name="t")
best = select(func.max(User.score).label("s")).subquery("best")
scores = select(User.score).distinct().subquery("scores")
kinds = select(func.nullif(Note.kind, 1).label("kind")).distinct().subquery("kinds")
PAGES: dict[str, tuple[Any, tuple[int | None, ...] | None, Direction]] = {
    "one direction": (IDS.order_by(thing.c.a), (1, 2), "after"),
    "one direction, backward": (IDS.order_by(thing.c.a), (1, 2), "before"),
    "two directions": (IDS.order_by(thing.c.a, thing.c.id.desc()), (1, 2), "after"),
    "NULLs by default, a value": (IDS.order_by(thing.c.n), (1, 2), "after"),
    "NULLs by default, a NULL": (IDS.order_by(thing.c.n), (None, 2), "after"),
    "NULLs last, the first page": (IDS.order_by(thing.c.n.nulls_last()), None, "after"),
    "NULLs last, a value": (IDS.order_by(thing.c.n.nulls_last()), (1, 2), "after"),
    "NULLs last, a NULL": (IDS.order_by(thing.c.n.nulls_last()), (None, 2), "after"),
    "NULLs first, a value": (IDS.order_by(thing.c.n.nulls_first()), (1, 2), "after"),
    "NULLs first, a NULL": (IDS.order_by(thing.c.n.nulls_first()), (None, 2), "after"),
}
SQL = {
    "one direction": {
        "postgresql": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE (t.a, "
        "t.id) > (:_a0, :_a1) ORDER BY t.a, t.id LIMIT :_limit",
        "sqlite": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE (t.a, t.id) > "
        "(:_a0, :_a1) ORDER BY t.a, t.id LIMIT :_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE t.a > :_a0 OR "
        "t.a = :_a0 AND t.id > :_a1 ORDER BY t.a, t.id LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.a AS _s0, t.id AS _s1 "
        "FROM t WHERE t.a > :_a0 OR t.a = :_a0 AND t.id > :_a1 ORDER BY "
        "t.a, t.id",
        "oracle": 'SELECT t.id, t.a AS "_s0", t.id AS "_s1" FROM t WHERE t.a > '
        ':"_a0" OR t.a = :"_a0" AND t.id > :"_a1" ORDER BY t.a, t.id '
        "FETCH FIRST __[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "one direction, backward": {
        "postgresql": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE "
        "(t.a, t.id) < (:_a0, :_a1) ORDER BY t.a DESC, t.id "
        "DESC LIMIT :_limit",
        "sqlite": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE "
        "(t.a, t.id) < (:_a0, :_a1) ORDER BY t.a DESC, t.id "
        "DESC LIMIT :_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE t.a < "
        ":_a0 OR t.a = :_a0 AND t.id < :_a1 ORDER BY t.a DESC, "
        "t.id DESC LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.a AS _s0, "
        "t.id AS _s1 FROM t WHERE t.a < :_a0 OR t.a = :_a0 AND "
        "t.id < :_a1 ORDER BY t.a DESC, t.id DESC",
        "oracle": 'SELECT t.id, t.a AS "_s0", t.id AS "_s1" FROM t WHERE '
        't.a < :"_a0" OR t.a = :"_a0" AND t.id < :"_a1" ORDER '
        "BY t.a DESC, t.id DESC FETCH FIRST "
        "__[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "two directions": {
        "postgresql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 FROM "
        "(SELECT anon_2.id AS id, anon_2._k0 AS _k0, anon_2._k1 AS "
        "_k1 FROM (SELECT t.id AS id, t.a AS _k0, t.id AS _k1 FROM t "
        "WHERE t.a = :_a0 AND t.id < :_a1 ORDER BY t.a, t.id DESC "
        "LIMIT :_limit) AS anon_2 UNION ALL SELECT anon_3.id AS id, "
        "anon_3._k0 AS _k0, anon_3._k1 AS _k1 FROM (SELECT t.id AS "
        "id, t.a AS _k0, t.id AS _k1 FROM t WHERE t.a > :_a0 ORDER "
        "BY t.a, t.id DESC LIMIT :_limit) AS anon_3) AS anon_1 ORDER "
        "BY anon_1._k0, anon_1._k1 DESC LIMIT :_limit",
        "sqlite": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 FROM "
        "(SELECT t.id AS id, t.a AS _k0, t.id AS _k1 FROM t WHERE t.a = "
        ":_a0 AND t.id < :_a1 UNION ALL SELECT t.id AS id, t.a AS _k0, "
        "t.id AS _k1 FROM t WHERE t.a > :_a0) AS anon_1 ORDER BY "
        "anon_1._k0, anon_1._k1 DESC LIMIT :_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.a AS _s0, t.id AS _s1 FROM t WHERE t.a > :_a0 OR "
        "t.a = :_a0 AND t.id < :_a1 ORDER BY t.a, t.id DESC LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.a AS _s0, t.id AS _s1 "
        "FROM t WHERE t.a > :_a0 OR t.a = :_a0 AND t.id < :_a1 ORDER BY "
        "t.a, t.id DESC",
        "oracle": 'SELECT t.id, t.a AS "_s0", t.id AS "_s1" FROM t WHERE t.a > '
        ':"_a0" OR t.a = :"_a0" AND t.id < :"_a1" ORDER BY t.a, t.id '
        "DESC FETCH FIRST __[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "NULLs by default, a value": {
        "postgresql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 "
        "AS _s1 FROM (SELECT anon_2.id AS id, anon_2._k0 "
        "AS _k0, anon_2._k1 AS _k1 FROM (SELECT t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE (t.n, "
        "t.id) > (:_a0, :_a1) ORDER BY t.n, t.id LIMIT "
        ":_limit) AS anon_2 UNION ALL SELECT anon_3.id AS "
        "id, anon_3._k0 AS _k0, anon_3._k1 AS _k1 FROM "
        "(SELECT t.id AS id, t.n AS _k0, t.id AS _k1 FROM "
        "t WHERE t.n IS NULL ORDER BY t.n, t.id LIMIT "
        ":_limit) AS anon_3) AS anon_1 ORDER BY "
        "anon_1._k0, anon_1._k1 LIMIT :_limit",
        "sqlite": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE "
        "(t.n, t.id) > (:_a0, :_a1) ORDER BY t.n, t.id LIMIT "
        ":_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n "
        "> :_a0 OR t.n = :_a0 AND t.id > :_a1 ORDER BY t.n, "
        "t.id LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.n AS _s0, "
        "t.id AS _s1 FROM t WHERE t.n > :_a0 OR t.n = :_a0 AND "
        "t.id > :_a1 ORDER BY t.n, t.id",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t '
        'WHERE t.n IS NULL OR t.n > :"_a0" OR t.n = :"_a0" '
        'AND t.id > :"_a1" ORDER BY t.n, t.id FETCH FIRST '
        "__[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "NULLs by default, a NULL": {
        "postgresql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE "
        "t.n IS NULL AND t.id > :_a1 ORDER BY t.n, t.id "
        "LIMIT :_limit",
        "sqlite": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS "
        "_s1 FROM (SELECT t.id AS id, t.n AS _k0, t.id AS _k1 "
        "FROM t WHERE t.n IS NULL AND t.id > :_a1 UNION ALL "
        "SELECT t.id AS id, t.n AS _k0, t.id AS _k1 FROM t "
        "WHERE t.n IS NOT NULL) AS anon_1 ORDER BY anon_1._k0, "
        "anon_1._k1 LIMIT :_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n "
        "IS NOT NULL OR t.n IS NULL AND t.id > :_a1 OR (t.n < "
        "NULL) ORDER BY t.n, t.id LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.n AS _s0, "
        "t.id AS _s1 FROM t WHERE t.n IS NOT NULL OR t.n IS "
        "NULL AND t.id > :_a1 ORDER BY t.n, t.id",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t WHERE '
        't.n IS NULL AND t.id > :"_a1" ORDER BY t.n, t.id '
        "FETCH FIRST __[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "NULLs last, the first page": {
        "postgresql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t "
        "ORDER BY t.n, t.id LIMIT :_limit",
        "sqlite": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t ORDER "
        "BY t.n NULLS LAST, t.id LIMIT :_limit OFFSET "
        ":param_1",
        "mysql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS "
        "_s1 FROM (SELECT anon_2.id AS id, anon_2._k0 AS _k0, "
        "anon_2._k1 AS _k1 FROM (SELECT t.id AS id, t.n AS "
        "_k0, t.id AS _k1 FROM t WHERE t.n IS NULL OR (t.n < "
        "NULL) ORDER BY t.n, t.id LIMIT :_limit) AS anon_2 "
        "UNION ALL SELECT anon_3.id AS id, anon_3._k0 AS _k0, "
        "anon_3._k1 AS _k1 FROM (SELECT t.id AS id, t.n AS "
        "_k0, t.id AS _k1 FROM t WHERE t.n IS NOT NULL ORDER "
        "BY t.n, t.id LIMIT :_limit) AS anon_3) AS anon_1 "
        "ORDER BY CASE WHEN (anon_1._k0 IS NULL) THEN 1 ELSE "
        "0 END, anon_1._k0, anon_1._k1 LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] anon_1.id, "
        "anon_1._k0 AS _s0, anon_1._k1 AS _s1 FROM (SELECT "
        "anon_2.id AS id, anon_2._k0 AS _k0, anon_2._k1 AS "
        "_k1 FROM (SELECT TOP __[POSTCOMPILE__limit] t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NULL "
        "ORDER BY t.n, t.id) AS anon_2 UNION ALL SELECT "
        "anon_3.id AS id, anon_3._k0 AS _k0, anon_3._k1 AS "
        "_k1 FROM (SELECT TOP __[POSTCOMPILE__limit] t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NOT "
        "NULL ORDER BY t.n, t.id) AS anon_3) AS anon_1 ORDER "
        "BY CASE WHEN (anon_1._k0 IS NULL) THEN 1 ELSE 0 END, "
        "anon_1._k0, anon_1._k1",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t '
        "ORDER BY t.n, t.id FETCH FIRST "
        "__[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "NULLs last, a value": {
        "postgresql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 "
        "FROM (SELECT anon_2.id AS id, anon_2._k0 AS _k0, "
        "anon_2._k1 AS _k1 FROM (SELECT t.id AS id, t.n AS _k0, "
        "t.id AS _k1 FROM t WHERE (t.n, t.id) > (:_a0, :_a1) "
        "ORDER BY t.n, t.id LIMIT :_limit) AS anon_2 UNION ALL "
        "SELECT anon_3.id AS id, anon_3._k0 AS _k0, anon_3._k1 "
        "AS _k1 FROM (SELECT t.id AS id, t.n AS _k0, t.id AS "
        "_k1 FROM t WHERE t.n IS NULL ORDER BY t.n, t.id LIMIT "
        ":_limit) AS anon_3) AS anon_1 ORDER BY anon_1._k0, "
        "anon_1._k1 LIMIT :_limit",
        "sqlite": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 "
        "FROM (SELECT t.id AS id, t.n AS _k0, t.id AS _k1 FROM t "
        "WHERE (t.n, t.id) > (:_a0, :_a1) UNION ALL SELECT t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NULL) AS "
        "anon_1 ORDER BY anon_1._k0 NULLS LAST, anon_1._k1 LIMIT "
        ":_limit OFFSET :param_1",
        "mysql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 FROM "
        "(SELECT anon_2.id AS id, anon_2._k0 AS _k0, anon_2._k1 AS "
        "_k1 FROM (SELECT t.id AS id, t.n AS _k0, t.id AS _k1 FROM t "
        "WHERE t.n IS NULL AND (t.n IS NULL OR t.n > :_a0 OR t.n = "
        ":_a0 AND t.id > :_a1) OR (t.n < NULL) ORDER BY t.n, t.id "
        "LIMIT :_limit) AS anon_2 UNION ALL SELECT anon_3.id AS id, "
        "anon_3._k0 AS _k0, anon_3._k1 AS _k1 FROM (SELECT t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NOT NULL "
        "AND (t.n IS NULL OR t.n > :_a0 OR t.n = :_a0 AND t.id > "
        ":_a1) ORDER BY t.n, t.id LIMIT :_limit) AS anon_3) AS "
        "anon_1 ORDER BY CASE WHEN (anon_1._k0 IS NULL) THEN 1 ELSE "
        "0 END, anon_1._k0, anon_1._k1 LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] anon_1.id, anon_1._k0 AS "
        "_s0, anon_1._k1 AS _s1 FROM (SELECT anon_2.id AS id, "
        "anon_2._k0 AS _k0, anon_2._k1 AS _k1 FROM (SELECT TOP "
        "__[POSTCOMPILE__limit] t.id AS id, t.n AS _k0, t.id AS _k1 "
        "FROM t WHERE t.n IS NULL AND (t.n IS NULL OR t.n > :_a0 OR "
        "t.n = :_a0 AND t.id > :_a1) ORDER BY t.n, t.id) AS anon_2 "
        "UNION ALL SELECT anon_3.id AS id, anon_3._k0 AS _k0, "
        "anon_3._k1 AS _k1 FROM (SELECT TOP __[POSTCOMPILE__limit] "
        "t.id AS id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NOT "
        "NULL AND (t.n IS NULL OR t.n > :_a0 OR t.n = :_a0 AND t.id "
        "> :_a1) ORDER BY t.n, t.id) AS anon_3) AS anon_1 ORDER BY "
        "CASE WHEN (anon_1._k0 IS NULL) THEN 1 ELSE 0 END, "
        "anon_1._k0, anon_1._k1",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t WHERE t.n '
        'IS NULL OR t.n > :"_a0" OR t.n = :"_a0" AND t.id > :"_a1" '
        "ORDER BY t.n, t.id FETCH FIRST __[POSTCOMPILE_D_limit] "
        "ROWS ONLY",
    },
    "NULLs last, a NULL": {
        "postgresql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n "
        "IS NULL AND t.id > :_a1 ORDER BY t.n, t.id LIMIT "
        ":_limit",
        "sqlite": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n IS "
        "NULL AND t.id > :_a1 ORDER BY t.n NULLS LAST, t.id LIMIT "
        ":_limit OFFSET :param_1",
        "mysql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n IS "
        "NULL AND t.n IS NULL AND t.id > :_a1 OR (t.n < NULL) ORDER "
        "BY t.n, t.id LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.n AS _s0, t.id AS "
        "_s1 FROM t WHERE t.n IS NULL AND t.n IS NULL AND t.id > :_a1 "
        "ORDER BY t.n, t.id",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t WHERE t.n '
        'IS NULL AND t.id > :"_a1" ORDER BY t.n, t.id FETCH FIRST '
        "__[POSTCOMPILE_D_limit] ROWS ONLY",
    },
    "NULLs first, a value": {
        "postgresql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE "
        "(t.n, t.id) > (:_a0, :_a1) ORDER BY t.n NULLS FIRST, "
        "t.id LIMIT :_limit",
        "sqlite": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE (t.n, "
        "t.id) > (:_a0, :_a1) ORDER BY t.n, t.id LIMIT :_limit "
        "OFFSET :param_1",
        "mysql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n > "
        ":_a0 OR t.n = :_a0 AND t.id > :_a1 ORDER BY t.n, t.id "
        "LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.n AS _s0, t.id "
        "AS _s1 FROM t WHERE t.n > :_a0 OR t.n = :_a0 AND t.id > "
        ":_a1 ORDER BY t.n, t.id",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t WHERE t.n '
        '> :"_a0" OR t.n = :"_a0" AND t.id > :"_a1" ORDER BY t.n '
        "NULLS FIRST, t.id FETCH FIRST __[POSTCOMPILE_D_limit] "
        "ROWS ONLY",
    },
    "NULLs first, a NULL": {
        "postgresql": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 "
        "FROM (SELECT anon_2.id AS id, anon_2._k0 AS _k0, "
        "anon_2._k1 AS _k1 FROM (SELECT t.id AS id, t.n AS _k0, "
        "t.id AS _k1 FROM t WHERE t.n IS NULL AND t.id > :_a1 "
        "ORDER BY t.n NULLS FIRST, t.id LIMIT :_limit) AS "
        "anon_2 UNION ALL SELECT anon_3.id AS id, anon_3._k0 AS "
        "_k0, anon_3._k1 AS _k1 FROM (SELECT t.id AS id, t.n AS "
        "_k0, t.id AS _k1 FROM t WHERE t.n IS NOT NULL ORDER BY "
        "t.n NULLS FIRST, t.id LIMIT :_limit) AS anon_3) AS "
        "anon_1 ORDER BY anon_1._k0 NULLS FIRST, anon_1._k1 "
        "LIMIT :_limit",
        "sqlite": "SELECT anon_1.id, anon_1._k0 AS _s0, anon_1._k1 AS _s1 "
        "FROM (SELECT t.id AS id, t.n AS _k0, t.id AS _k1 FROM t "
        "WHERE t.n IS NULL AND t.id > :_a1 UNION ALL SELECT t.id AS "
        "id, t.n AS _k0, t.id AS _k1 FROM t WHERE t.n IS NOT NULL) "
        "AS anon_1 ORDER BY anon_1._k0, anon_1._k1 LIMIT :_limit "
        "OFFSET :param_1",
        "mysql": "SELECT t.id, t.n AS _s0, t.id AS _s1 FROM t WHERE t.n IS "
        "NOT NULL OR t.n IS NULL AND t.id > :_a1 OR (t.n < NULL) "
        "ORDER BY t.n, t.id LIMIT :_limit",
        "mssql": "SELECT TOP __[POSTCOMPILE__limit] t.id, t.n AS _s0, t.id AS "
        "_s1 FROM t WHERE t.n IS NOT NULL OR t.n IS NULL AND t.id > "
        ":_a1 ORDER BY t.n, t.id",
        "oracle": 'SELECT t.id, t.n AS "_s0", t.id AS "_s1" FROM t WHERE t.n '
        'IS NOT NULL OR t.n IS NULL AND t.id > :"_a1" ORDER BY t.n '
        "NULLS FIRST, t.id FETCH FIRST __[POSTCOMPILE_D_limit] ROWS "
        "ONLY",
    },
}


def page_sql(
    statement: Any,
    dialect: str,
    keyset: tuple[Any, ...] | None = None,
    direction: Direction = "after",
    *,
    probe: bool = False,
) -> str:
    plan = cursor_plan(statement, DIALECTS[dialect])
    cursor = None if keyset is None else Cursor(direction, plan.fingerprint, keyset)
    page = plan.page(cursor, 11, probe=probe).statement
    return " ".join(str(page.compile(dialect=DIALECTS[dialect])).split())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_sought_as_each_database_reads_it_from_an_index(page: str, dialect: str) -> None:
    statement, keyset, direction = PAGES[page]

    assert page_sql(statement, dialect, keyset, direction) == SQL[page][dialect]


def test_the_same_statement_looks_for_a_row_behind_the_cursor() -> None:
    assert page_sql(IDS.order_by(thing.c.a), "postgresql", (1, 2), probe=True) == (
        "SELECT t.id, t.a AS _s0, t.id AS _s1, "
        "(SELECT 1 FROM t WHERE (t.a, t.id) <= (:_a0, :_a1) "
        "ORDER BY t.a DESC, t.id DESC LIMIT :param_1) AS _p "
        "FROM t WHERE (t.a, t.id) > (:_a0, :_a1) ORDER BY t.a, t.id LIMIT :_limit"
    )


def test_sqlite_is_not_asked_to_compare_a_row_with_its_own_key_in_it() -> None:
    own = Table(
        "own",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("a", BigInteger, nullable=False),
    )

    assert page_sql(select(own.c.id).order_by(own.c.a), "sqlite", (1, 2)).count("own.id >") == 1
    assert "(own.a, own.id)" not in page_sql(select(own).order_by(own.c.a), "sqlite", (1, 2))
    assert page_sql(select(own.c.id), "sqlite", (2,)) == (
        "SELECT own.id, own.id AS _s0 FROM own WHERE own.id > :_a0 "
        "ORDER BY own.id LIMIT :_limit OFFSET :param_1"
    )


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        (select(User), ['"user".id']),
        (select(User).order_by(User.name), ['"user".name', '"user".id']),
        # In the direction of the last key, so that one index serves both.
        (select(User).order_by(User.name.desc()), ['"user".name DESC', '"user".id DESC']),
        (select(User).order_by(User.email.desc()), ['"user".email DESC']),
        (select(User).order_by(User.id, User.name), ['"user".id']),
        (select(User).where(User.team_id == 1).order_by(User.team_id), ['"user".id']),
        (select(User).order_by(User.score.desc().nulls_last(), User.id),
         ['"user".score DESC NULLS LAST', '"user".id']),
        # A child's key tells the rows of a join apart, its parent's does not.
        (select(User).join(User.notes).order_by(User.name), ['"user".name', "note.id"]),
        (select(User).join(User.notes).order_by(User.id), ['"user".id', "note.id"]),
        (select(Note).join(Note.user).order_by(User.name), ['"user".name', "note.id"]),
        (select(User).outerjoin(User.notes), ['"user".id', "note.id"]),
        (select(User).outerjoin(User.team).order_by(Team.name), ["team.name", '"user".id']),
        (select(User, Team).join(Team, Team.id > User.id), ['"user".id', "team.id"]),
        # A nullable column lets rows escape a unique constraint.
        (select(Member).order_by(Member.team_id, Member.nick),
         ["member.team_id", "member.nick", "member.user_id"]),
        (select(Member).order_by(Member.team_id), ["member.team_id", "member.user_id"]),
        (select(User.name, func.count()).group_by(User.name), ['"user".name']),
        (select(User.name, func.count().label("n")).group_by(User.name).order_by("n"),
         ["count(*)", '"user".name']),
        (select(User.name, User.score).distinct().order_by(User.score),
         ['"user".score', '"user".name']),
        (select(func.count(User.id)), []),
        (select(func.count(distinct(User.name))).order_by(func.count()), []),
        (union(select(User.name), select(Team.name)), ["anon_1.name"]),
        (union_all(select(User.id), select(Team.id)), ["anon_1.id", "anon_1._n"]),
        # Whether an outer join finds a row depends on all that its condition speaks of.
        (
            select(User.id)
            .outerjoin(Team, and_(Team.id == User.team_id, User.score > 0))
            .order_by(User.team_id, Team.name),
            ['"user".team_id', "team.name", '"user".id'],
        ),
        (
            select(User.id).outerjoin(User.team).order_by(User.team_id, Team.name),
            ['"user".team_id', '"user".id'],
        ),
        # What an outer join finds may be missing, however constant it is where it is found.
        (
            select(User.id)
            .outerjoin(best, best.c.s == User.score)
            .order_by(best.c.s.desc(), User.id),
            ["best.s DESC", '"user".id'],
        ),
        (
            select(User.id)
            .outerjoin(join(note, team, team.id == 3, isouter=True), note.user_id == User.id)
            .order_by(team.name, User.id),
            ["t.name", '"user".id', "n.id", "t.id"],
        ),
        # A number that is true is not one number, and a text is not the number it begins with.
        (select(User).where(User.score).order_by(User.score), ['"user".score', '"user".id']),
        (select(User).where(User.score.is_(True)).order_by(User.score),
         ['"user".score', '"user".id']),
        (select(User).where(User.name == 5).order_by(User.name), ['"user".name', '"user".id']),
        (select(func.max(User.id, User.score)), ['"user".id']),
        (select(func.sum(func.count(User.id)).over()), []),
        (select(literal_column("1")).select_from(User).order_by(func.count(User.id)), []),
        # Texts that are equal may differ still, in case for one.
        (
            select(User).order_by(User.name, func.hex(User.name)),
            ['"user".name', 'hex("user".name)', '"user".id'],
        ),
        (select(User).order_by(User.score, User.score + 1), ['"user".score', '"user".id']),
        (select(User.name.label("n"), User.id).order_by("n"), ['"user".name', '"user".id']),
        (select(User.id, User.name).order_by(text("2")), ['"user".name', '"user".id']),
        (select(User.id, User.name).order_by(literal_column("2").desc()),
         ['"user".name DESC', '"user".id DESC']),
        (
            select(city.c.id)
            .join(country, country.c.code == city.c.country)
            .order_by(country.c.code, func.hex(city.c.country), city.c.id),
            ["country.code", "hex(city.country)", "city.id"],
        ),
        (select(User).order_by("name"), ['"user".name', '"user".id']),
        (select(User.id).order_by("name"), ['"user".name', '"user".id']),
    ],
)  # fmt: skip
def test_the_fewest_keys_are_added_that_prove_the_order_total(
    statement: Any, order: list[str]
) -> None:
    plan = plan_page(statement, DIALECTS["postgresql"])

    assert list(plan.order) == order
    assert plan.tie_breakers == plan.order[len(plan.order) - len(plan.tie_breakers) :]


@pytest.mark.parametrize(
    ("statement", "error", "cure"),
    [
        (select(User).order_by(func.random()), OrderingNotTotalError, "order by columns"),
        (select(User).order_by(text("name || 'x'")), OrderingNotTotalError, "order by columns"),
        (select(User).order_by(User.team), OrderingNotTotalError, "order by a column"),
        (select(User).order_by(func.now() - User.score), OrderingNotTotalError, "the columns in"),
        (select(log), OrderingNotTotalError, "rows of log apart: declare a primary key"),
        (
            select(User.name, log.c.level).join(log, log.c.level == User.score),
            OrderingNotTotalError,
            "rows of log apart",
        ),
        (
            select(User.name).distinct().order_by(User.score),
            OrderingNotTotalError,
            r"user\.score, which is not selected: select it too",
        ),
        (
            select(User.name).distinct().order_by(func.lower(User.score)),
            OrderingNotTotalError,
            "an expression, which is not selected",
        ),
        (
            select(User.name).group_by(func.rollup(User.name)),
            OrderingNotTotalError,
            "without ROLLUP",
        ),
        (
            select(select(User.name, func.count()).group_by(func.rollup(User.name)).subquery("r")),
            OrderingNotTotalError,
            "rows of r apart",
        ),
        (
            select(func.lower(User.name).label("name")).group_by("name"),
            OrderingNotTotalError,
            "group by columns",
        ),
        (
            select(User.id, Note.id).join(User.notes).order_by("id"),
            OrderingNotTotalError,
            "order by columns",
        ),
        (select(User).order_by(text("2")), OrderingNotTotalError, "order by columns"),
        (select(User).order_by(literal(2)), OrderingNotTotalError, "leave it out"),
        (
            select(scores.c.score, kinds.c.kind).select_from(
                scores.join(kinds, kinds.c.kind == scores.c.score, full=True)
            ),
            OrderingNotTotalError,
            "a column that is NOT NULL",
        ),
        (
            select(User.id.label("x"), User.name.label("x")).limit(3),
            StatementNotPageableError,
            "different ones",
        ),
        (select(User).order_by(User.extra), SortKeyNotSeekableError, "cast to a text"),
        (
            select(User, Note).join(User.notes).options(joinedload(User.notes)),
            StatementNotPageableError,
            "selectinload",
        ),
        (select(text("name")).select_from(User), StatementNotPageableError, "literal_column"),
        (
            select(Note).join(Note.user).options(contains_eager(Note.user)).limit(3),
            StatementNotPageableError,
            "joinedload",
        ),
    ],
)
def test_what_has_no_right_cursor_pages_is_refused_with_the_cure(
    statement: Any, error: type[Exception], cure: str
) -> None:
    with pytest.raises(error, match=cure):
        plan_page(statement, DIALECTS["postgresql"])


def test_a_database_that_is_not_known_is_refused() -> None:
    class UnknownDialect(DefaultDialect):
        name = "unknown"

    with pytest.raises(DialectNotSupportedError, match="use offset pages"):
        plan_page(select(User), UnknownDialect())


@pytest.mark.parametrize(
    ("condition", "form"),
    [
        (thing.c.n > 3, "inline"),
        (thing.c.n.is_not(None), "inline"),
        (thing.c.n.in_([1, 2]), "inline"),
        # Of nothing, all is true, of NULL as well.
        (thing.c.n.not_in([]), "union"),
        (thing.c.n > all_(select(thing.c.a).scalar_subquery()), "union"),
        ((thing.c.n > 3) | (thing.c.a > 3), "union"),
    ],
)
def test_a_filter_that_no_null_passes_makes_a_key_not_null(condition: Any, form: str) -> None:
    plan = plan_page(IDS.where(condition).order_by(thing.c.n), "postgresql+psycopg2")

    assert plan.form == form


@pytest.mark.parametrize("limit", [0, -1, 2**63])
def test_a_page_size_out_of_bounds_is_refused(limit: int) -> None:
    with pytest.raises(PageRequestError, match="limit must be"):
        plan_page(select(User), "sqlite", limit=limit)


@pytest.mark.parametrize(
    ("statement", "form"),
    [
        (select(User).order_by(User.name), "inline"),
        (select(User).order_by(User.name.desc(), User.email), "union"),
        (select(User.name).group_by(User.name), "rows"),
        (select(User).limit(5), "rows"),
        (select(func.count()), "rows"),
        (select(User).join(User.notes).options(contains_eager(User.notes)), "parents"),
    ],
)
def test_a_plan_says_which_form_the_pages_take(statement: Any, form: str) -> None:
    plan = plan_page(statement, "postgresql+psycopg2")

    assert plan.form == form
    assert str(plan).startswith(f"{form} on postgresql")


def test_a_plan_of_offset_pages_shows_the_page_and_the_count() -> None:
    plan = plan_page(select(User.id).order_by(User.name), "sqlite", offset=20)

    assert dict(plan.statements) == {
        "page": "SELECT user.id\nFROM user ORDER BY user.name, user.id\nLIMIT ? OFFSET ?",
        "count": "SELECT count(*) AS count_1\nFROM user",
    }
    assert (plan.form, plan.tie_breakers) == ("offset", ("user.id",))


@pytest.fixture
def session() -> Any:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for table, values in rows():
            session.execute(table.insert(), values)
        session.commit()
        yield session
    engine.dispose()


@pytest.mark.parametrize(
    "make",
    [
        lambda: select(User).order_by(User.id),
        lambda: select(User).order_by(User.name),
        lambda: select(User).order_by(User.name, User.email.desc()).options(joinedload(User.team)),
        lambda: select(User.email, func.count().label("n")).group_by(User.email),
        lambda: select(User).order_by(User.email).limit(22),
    ],
)
def test_twenty_pages_leave_one_entry_in_the_compiled_cache(session: Any, make: Any) -> None:
    first = cursor_page(session, make(), limit=1)
    entries = session.get_bind()._compiled_cache
    before = len(entries)
    cursor = first.meta.next_cursor
    for _ in range(20):
        cursor = cursor_page(session, make(), limit=1, cursor=cursor).meta.next_cursor
        assert cursor is not None

    assert len(entries) - before == 1


def test_no_page_remembers_the_parameters_of_another(session: Any) -> None:
    def kinds(kind: int) -> set[int]:
        notes = User.notes.and_(Note.kind == kind)
        statement = (
            select(User).options(selectinload(notes)).order_by(func.coalesce(User.score, kind))
        )
        session.expunge_all()
        page = cursor_page(session, statement, limit=50)
        return {note.kind for user in page.data for note in user.notes}

    assert kinds(1) == {1}
    assert kinds(2) == {2}


def test_a_cursor_of_an_order_with_another_parameter_is_refused(session: Any) -> None:
    def page(least: int, cursor: str | None = None) -> Any:
        statement = select(User).order_by(func.coalesce(User.score, least))
        return cursor_page(session, statement, cursor=cursor)

    cursor = page(7).meta.next_cursor

    with pytest.raises(PageRequestError, match="another ordering"):
        page(8, cursor)


def test_unnamed_aliases_of_one_table_are_told_apart(session: Any) -> None:
    one, other = aliased(User), aliased(User)
    pairs = select(one, other).join(other, one.team_id == other.team_id)
    cursor = cursor_page(session, pairs.order_by(one.name)).meta.next_cursor

    with pytest.raises(PageRequestError, match="another ordering"):
        cursor_page(session, pairs.order_by(other.name), cursor=cursor)


def test_an_ordinary_page_takes_one_statement_and_one_past_an_end_takes_two(session: Any) -> None:
    statement = select(User).order_by(User.name)
    sent: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *a: sent.append(a[2]))
    first = cursor_page(session, statement, limit=22)
    last = cursor_page(session, statement, limit=22, cursor=first.meta.next_cursor)
    cursor_page(session, statement, limit=22, cursor=last.meta.previous_cursor)

    assert len(sent) == 3

    session.execute(delete(User).where(User.id == last.data[0].id))
    sent.clear()
    past = cursor_page(session, statement, limit=22, cursor=first.meta.next_cursor)

    assert (past.data, past.meta.next_cursor, len(sent)) == ([], None, 2)
    back = cursor_page(session, statement, limit=5, cursor=past.meta.previous_cursor)
    assert back.data == first.data[-5:]


def test_a_null_in_a_column_that_is_declared_not_null_is_found_out(session: Any) -> None:
    session.execute(text("CREATE TABLE wrong (id INTEGER PRIMARY KEY, a INTEGER)"))
    session.execute(text("INSERT INTO wrong VALUES (1, NULL), (2, NULL), (3, 1)"))
    wrong = Table(
        "wrong",
        MetaData(),
        Column("id", BigInteger, primary_key=True),
        Column("a", BigInteger, nullable=False),
    )

    with pytest.raises(SortKeyNotSeekableError, match="declare it as it is"):
        cursor_page(session, select(wrong).order_by(wrong.c.a), limit=1)


def test_a_cursor_of_an_order_with_nulls_at_the_other_end_is_refused(session: Session) -> None:
    first, last = (User.score.nulls_first(), User.score.nulls_last())
    cursor = cursor_page(session, select(User).order_by(first)).meta.next_cursor

    with pytest.raises(InvalidCursorError, match="another ordering"):
        cursor_page(session, select(User).order_by(last), cursor=cursor)


def test_a_cursor_of_another_database_is_one_of_another_ordering() -> None:
    statement = select(User).order_by(User.name)
    dialects = (DIALECTS["sqlite"], DIALECTS["mysql"], DIALECTS["postgresql"])

    assert len({cursor_plan(statement, dialect).fingerprint for dialect in dialects}) == 3


def test_a_forged_null_of_a_key_that_is_never_null_is_malformed(session: Session) -> None:
    statement = select(User).order_by(User.id)
    codec = CursorCodec()
    given = codec.decode(cursor_page(session, statement).meta.next_cursor or "")
    forged = codec.encode(Cursor("after", given.fingerprint, (None,)))

    with pytest.raises(InvalidCursorError) as caught:
        cursor_page(session, statement, cursor=forged)

    assert caught.value.reason == "malformed"


def test_a_text_that_ties_need_not_find_the_same_row_by_an_outer_join() -> None:
    country = Table(
        "country",
        MetaData(),
        Column("code", String(2), primary_key=True),
        Column("size", BigInteger, nullable=False),
    )
    city = Table(
        "city",
        country.metadata,
        Column("id", BigInteger, primary_key=True),
        Column("country", ForeignKey("country.code"), nullable=False),
    )
    found = and_(country.c.code == city.c.country, func.hex(city.c.country) == "41")
    statement = select(city.c.id).outerjoin(country, found)
    ordered = statement.order_by(city.c.country, country.c.size, city.c.id)

    assert plan_page(ordered, "sqlite").order == ("city.country", "country.size", "city.id")


def test_nulls_within_a_tuple_go_where_they_go_by_default() -> None:
    statement = select(User).order_by(tuple_(User.score, User.team_id).nulls_first())

    order = plan_page(statement, "postgresql+psycopg2").order
    assert order == ('"user".score', '"user".team_id', '"user".id')


def test_a_name_of_two_tables_is_not_taken_for_that_of_one() -> None:
    statement = select(User.name).join(User.team).order_by("id")

    with pytest.raises(OrderingNotTotalError, match="order by columns"):
        plan_page(statement, "sqlite")


def test_postgresql_is_not_told_that_a_key_is_constant_behind_the_first_range() -> None:
    thing = Table(
        "t",
        MetaData(),
        Column("id", BigInteger, primary_key=True),
        Column("a", BigInteger, nullable=False),
        Column("b", BigInteger, nullable=False),
    )
    dialect = DIALECTS["postgresql"]
    statement = select(thing.c.id).order_by(thing.c.a, thing.c.b.desc(), thing.c.id)
    plan = cursor_plan(statement, dialect)
    page = plan.page(Cursor("after", plan.fingerprint, (1, 2, 3)), 11).statement
    ranges = " ".join(str(page.compile(dialect=dialect)).split()).split("UNION ALL")

    assert "WHERE t.a = :_a0 AND t.b = :_a1 AND t.id > :_a2" in ranges[0]
    assert "WHERE t.a IN (:_a0, :_a0) AND t.b < :_a1" in ranges[1]
    assert "WHERE t.a > :_a0" in ranges[2]


def test_a_row_behind_an_own_offset_has_something_to_sort_by_on_sql_server() -> None:
    number = func.count(thing.c.id)
    plan = cursor_plan(select(number).order_by(number).offset(1), DIALECTS["mssql"])
    page = plan.page(None, 11).statement

    assert " ".join(str(page.compile(dialect=DIALECTS["mssql"])).split()) == (
        "SELECT TOP __[POSTCOMPILE__limit] anon_1.count_1 FROM (SELECT count(t.id) AS count_1 "
        "FROM t ORDER BY (SELECT NULL) OFFSET :param_1 ROWS) AS anon_1"
    )

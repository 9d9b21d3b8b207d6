"""Cursor pages are right whatever the type of the sort key, on every driver that has the type."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum as PythonEnum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Column, ColumnElement, MetaData, Table, func, insert, literal_column, select
from sqlalchemy.dialects import mysql, postgresql

from sqla_pages import InvalidCursorError, SortKeyNotSeekableError
from sqla_pages.cursor import CursorCodec

from .databases import DRIVERS, MATRIX_DRIVERS, Caller, Database, database_of

SQLITE, POSTGRESQL, MARIADB = (frozenset([name]) for name in ("sqlite", "postgresql", "mariadb"))
ALL = SQLITE | POSTGRESQL | MARIADB
LARGE = 1000
CODEC = CursorCodec()

# SQLAlchemy 2.1 warns of some of its own types.
pytestmark = pytest.mark.filterwarnings("ignore:Type object .* does not refer to an OperatorClass")


@dataclass(frozen=True)
class Case:
    """A sort key: the type of a column, what is in it, and what of it is sorted by.

    A value may be an SQL expression. `before` is executed in the session before each page.
    """

    type: Any
    values: Sequence[Any]
    backends: frozenset[str] = ALL
    key: Callable[[Any], ColumnElement[Any]] = lambda value: value
    before: Sequence[str] = ()
    extension: str | None = None


class Fruit(PythonEnum):
    """Declared in an order that is not that of the alphabet."""

    PEAR = "pear"
    APPLE = "apple"
    QUINCE = "quince"


class Prefixed(sa.types.TypeDecorator[str]):
    """A text that the database keeps with something in front."""

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else f"x-{value}"

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.removeprefix("x-")


class Salted(sa.types.TypeDecorator[str]):
    """A text that the database keeps with something random behind it."""

    impl = sa.String(60)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else f"{value}-{uuid.uuid4().hex}"

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.partition("-")[0]


class YesNo(sa.types.TypeDecorator[str]):
    """A word that the database keeps as a boolean."""

    impl = sa.Boolean
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bool | None:
        return None if value is None else value == "yes"

    def process_result_value(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else ("yes" if value else "no")


def _sql(*texts: str) -> list[ColumnElement[Any]]:
    return [literal_column(text) for text in texts]


def _aware(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in texts]


BERLIN = "SET TIME ZONE 'Europe/Berlin'"
NEW_YORK = "SET TIME ZONE 'America/New_York'"

NUMBERS = [0, -1, 1, 7, 2**31 - 1, -(2**31)]
PRICES = [Decimal(text) for text in ("0.00", "-0.01", "10.00", "19.99", "20.00", "99999999.99")]
FLOATS = [0.0, -0.0, 1 / 3, 0.1, 1e300, -1e300, 5e-324, 0.30000000000000004]
REALS = [0.0, 1 / 3, 0.1, 16777216.0, 1e30, -0.7]
TEXTS = [
    "",
    "a",
    "A",
    "b",
    "it's",
    "back\\slash",
    "50%",
    "%s",
    ":name",
    "a\r\nb",
    "a ",
    "ä",
    "日本🎉",
]
DATES = [date(1, 1, 1), date(1970, 1, 1), date(2024, 2, 29), date(9999, 12, 31)]
SECONDS = [datetime(1970, 1, 1), datetime(2024, 2, 29, 12), datetime(2024, 2, 29, 12, 0, 1)]
MICROSECONDS = [
    *SECONDS,
    datetime(2024, 2, 29, 12, 0, 0, 1),
    datetime(2024, 2, 29, 12, 0, 0, 100_000),
    datetime(9999, 12, 31, 23, 59, 59, 999_999),
]
# The night on which 2:30 comes twice in Berlin, and the one on which it does not come.
NIGHTS = _aware(
    "2024-10-27T00:30:00+00:00",
    "2024-10-27T01:30:00+00:00",
    "2024-10-27T02:30:00+00:00",
    "2024-03-31T00:59:59.999999+00:00",
    "2024-03-31T01:00:00+00:00",
    "1900-01-01T00:00:00+00:00",
)
TIMES = [time(0), time(23, 59, 59), time(12, 30), time(12, 30, 1)]
DELTAS = [timedelta(0), timedelta(seconds=1), timedelta(days=40), timedelta(days=-3, seconds=7)]
UUIDS = [uuid.UUID(int=number << 64 | number) for number in (0, 1, 2**63, 2**40 + 7, 2**64 - 1)]
BLOBS = [b"", b"\x00", b"\x00\x01", b"a", b"a'\\%", b"\xff\xfe", b"A"]

CASES: dict[str, Case] = {
    # Numbers.
    "Integer": Case(sa.Integer, NUMBERS),
    "BigInteger": Case(sa.BigInteger, [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)]),
    "SmallInteger": Case(sa.SmallInteger, [0, 1, 32767, -32768]),
    "unsigned": Case(mysql.BIGINT(unsigned=True), [0, 2**64 - 1, 2**63, 2**64 - 2], MARIADB),
    "Numeric(10,2)": Case(sa.Numeric(10, 2), PRICES),
    "Numeric(30,10)": Case(
        sa.Numeric(30, 10),
        _sql("0", "0.0000000001", "12345678901234567890.1234567891", "12345678901234567890", "-7"),
    ),
    "Numeric, special": Case(
        sa.Numeric, _sql("'NaN'", "'Infinity'", "'-Infinity'", "0", "1e50", "1e-50"), POSTGRESQL
    ),
    "Float": Case(sa.Float, FLOATS, SQLITE | POSTGRESQL),
    "Float(10)": Case(sa.Float(10), REALS),
    "FLOAT": Case(mysql.FLOAT, REALS, MARIADB),
    "REAL": Case(sa.REAL, REALS),
    "REAL, special": Case(sa.REAL, _sql("'NaN'", "'inf'", "'-inf'", "0", "'-0'"), POSTGRESQL),
    "REAL times 2": Case(sa.REAL, REALS, key=lambda value: value * 2),
    "Double": Case(sa.Double, FLOATS),
    "Double(10)": Case(sa.Double(10), FLOATS, SQLITE | POSTGRESQL),
    "Double, special": Case(sa.Double, _sql("'NaN'", "'inf'", "'-inf'", "0", "1"), POSTGRESQL),
    "Double, infinite": Case(sa.Double, _sql("9e999", "-9e999", "0"), SQLITE),
    "YEAR": Case(mysql.YEAR, [1901, 2024, 2155, 0], MARIADB),
    "BIT of MariaDB": Case(mysql.BIT(10), _sql("b'0'", "b'1'", "b'1000000001'", "48"), MARIADB),
    # Truths.
    "Boolean": Case(sa.Boolean, [True, False]),
    "a condition": Case(sa.Integer, NUMBERS, key=lambda value: value > 0),
    "TypeDecorator of Boolean": Case(YesNo, ["yes", "no"]),
    "coalesce of a TypeDecorator of Boolean": Case(
        YesNo, ["yes", "no"], key=lambda value: func.coalesce(value, sa.null())
    ),
    # Texts.
    "String": Case(sa.String(40), TEXTS),
    "Text": Case(sa.Text, TEXTS),
    "Unicode": Case(sa.Unicode(40), TEXTS),
    "CHAR": Case(sa.CHAR(12), TEXTS),
    "CITEXT": Case(postgresql.CITEXT, TEXTS, POSTGRESQL, extension="citext"),
    "variant": Case(
        sa.String(40)
        .with_variant(sa.Text(), "postgresql")
        .with_variant(mysql.VARCHAR(40, collation="utf8mb4_bin"), "mariadb"),
        TEXTS,
    ),
    "variant of another kind": Case(
        sa.String(40)
        .with_variant(postgresql.UUID(as_uuid=False), "postgresql")
        .with_variant(sa.Uuid(as_uuid=False), "mariadb"),
        [str(value) for value in UUIDS],
    ),
    "TypeDecorator with a prefix": Case(Prefixed, TEXTS),
    "TypeDecorator with a nonce": Case(Salted, ["a", "b", "c", "d"]),
    # Bytes.
    "LargeBinary": Case(sa.LargeBinary, BLOBS),
    "VARBINARY": Case(sa.VARBINARY(20), BLOBS, MARIADB | SQLITE),
    # Dates and times.
    "Date": Case(sa.Date, DATES),
    "DateTime": Case(sa.DateTime, MICROSECONDS, SQLITE | POSTGRESQL),
    "DATETIME": Case(sa.DateTime, SECONDS, MARIADB),
    "DATETIME(6)": Case(mysql.DATETIME(fsp=6), MICROSECONDS, MARIADB),
    "TIMESTAMP(6)": Case(mysql.TIMESTAMP(fsp=6), MICROSECONDS[1:5], MARIADB),
    "zero dates": Case(sa.DateTime, _sql("'0000-00-00'", "'2024-01-01'", "'0001-01-01'"), MARIADB),
    "DateTime(timezone)": Case(
        sa.DateTime(timezone=True), NIGHTS, POSTGRESQL, before=[BERLIN, NEW_YORK]
    ),
    "DateTime(timezone), naive": Case(
        sa.DateTime(timezone=True), [night.replace(tzinfo=None) for night in NIGHTS[:5]]
    ),
    "DateTime in another style": Case(
        sa.DateTime(timezone=True), NIGHTS, POSTGRESQL, before=["SET DateStyle = 'German'"]
    ),
    "infinite Date": Case(
        sa.Date, _sql("'infinity'", "'-infinity'", "'2024-01-31'", "'9999-12-31'"), POSTGRESQL
    ),
    "infinite DateTime": Case(
        sa.DateTime, _sql("'infinity'", "'-infinity'", "'2024-01-31'"), POSTGRESQL
    ),
    "infinite DateTime(timezone)": Case(
        sa.DateTime(timezone=True), _sql("'infinity'", "'-infinity'", "'2024-01-31'"), POSTGRESQL
    ),
    "Time": Case(sa.Time, TIMES),
    "Time with microseconds": Case(
        sa.Time().with_variant(mysql.TIME(fsp=6), "mariadb"), [*TIMES, time(12, 30, 0, 1)]
    ),
    "Time(timezone)": Case(
        sa.Time(timezone=True),
        _sql("'12:00+00'", "'12:00+02'", "'23:59:59.999999-12'", "'10:00+00'"),
        POSTGRESQL,
    ),
    "Time at the end of the day": Case(
        sa.Time, _sql("'24:00'", "'00:00'", "'23:59:59.999999'"), POSTGRESQL
    ),
    "Time beyond a day": Case(
        mysql.TIME(fsp=3), _sql("'-00:00:01.5'", "'-838:59:59'", "'838:59:59'", "'00:00'"), MARIADB
    ),
    "difference of times": Case(
        mysql.TIME(fsp=3),
        _sql("'-00:00:01.5'", "'-100:59:59'", "'700:59:59'", "'00:00'"),
        MARIADB,
        key=lambda value: func.timediff(value, literal_column("'00:00:10'")),
    ),
    "Interval": Case(sa.Interval, DELTAS),
    "Interval in months": Case(
        sa.Interval, _sql("'1 year'", "'360 days'", "'1 mon'", "'-1 year 1 us'", "'0'"), POSTGRESQL
    ),
    "Interval in another style": Case(
        sa.Interval,
        _sql("'1 year'", "'-1 day 2:03:04'", "'1 day -2:03:04.5'"),
        POSTGRESQL,
        before=["SET IntervalStyle = 'sql_standard'"],
    ),
    "date_trunc": Case(
        sa.DateTime(timezone=True),
        NIGHTS,
        POSTGRESQL,
        key=lambda value: func.date_trunc("month", value),
    ),
    "mixed forms of DateTime": Case(
        sa.DateTime,
        _sql(
            "'2024-01-01 00:00:00'",
            "'2024-01-01 00:00:00.000000'",
            "'2024-01-01T00:00:00'",
            "'2024-01-01 00:00:00.5'",
            "'2024-01-01'",
        ),
        SQLITE,
    ),
    # Others.
    "Uuid": Case(sa.Uuid, UUIDS),
    "Uuid as text": Case(sa.Uuid(as_uuid=False), [str(value) for value in UUIDS]),
    "Uuid in CHAR": Case(sa.Uuid(native_uuid=False), UUIDS),
    "Enum": Case(sa.Enum(Fruit), list(Fruit)),
    "Enum of texts": Case(sa.Enum("pear", "apple", "50%", name="word"), ["pear", "apple", "50%"]),
    "Enum in VARCHAR": Case(sa.Enum(Fruit, native_enum=False), list(Fruit)),
    "coalesce of Enum": Case(
        sa.Enum(Fruit), list(Fruit), key=lambda value: func.coalesce(value, value)
    ),
    "ENUM": Case(mysql.ENUM("pear", "apple", "10", "2"), ["pear", "apple", "10", "2"], MARIADB),
    "SET": Case(mysql.SET("b", "a", "c"), [{"b"}, {"a"}, {"a", "c"}, {"b", "c"}], MARIADB),
    "ARRAY(Integer)": Case(
        postgresql.ARRAY(sa.Integer), [[1, 2], [1], [], [None, 1], [1, 10]], POSTGRESQL
    ),
    "ARRAY(Text)": Case(
        postgresql.ARRAY(sa.Text), [["a", "b"], ["{"], [], ['"', "\\"], [",", ""]], POSTGRESQL
    ),
    "ARRAY(String)": Case(sa.ARRAY(sa.String(5)), [["a", "b"], ["{"], [None]], POSTGRESQL),
    "ARRAY(DateTime)": Case(
        sa.ARRAY(sa.DateTime), _sql("'{infinity}'", "'{2024-01-01}'", "'{NULL}'"), POSTGRESQL
    ),
    "INET": Case(
        postgresql.INET, _sql("'10.0.0.1'", "'10.0.0.1/8'", "'::1'", "'9.0.0.1'"), POSTGRESQL
    ),
    "BIT": Case(postgresql.BIT(3), _sql("'101'", "'000'", "'111'"), POSTGRESQL),
    "MONEY": Case(postgresql.MONEY, _sql("'1.50'", "'-1000000.5'", "'12'"), POSTGRESQL),
    "INT4RANGE": Case(postgresql.INT4RANGE, _sql("'[1,5)'", "'empty'", "'(,3]'"), POSTGRESQL),
    "mixed storage classes": Case(
        sa.Integer, _sql("1", "1.5", "'abc'", "''", "x'00ff'", "'1.5x'", "9007199254740993"), SQLITE
    ),
    "mixed storage classes in a text": Case(
        sa.Text, _sql("1", "1.5", "'1'", "x'31'", "'a'"), SQLITE
    ),
    # Expressions.
    "arithmetic of integers": Case(sa.Integer, [1, 2, 10, -7], key=lambda value: value * 3 + 1),
    "a third of a price": Case(sa.Numeric(10, 2), PRICES, key=lambda value: value / 3),
    "a third of a third": Case(sa.Numeric(10, 2), PRICES, key=lambda value: value / 3 / 3),
    "a third of an integer": Case(sa.Integer, [1, 2, 10, -7], key=lambda value: value / 3),
    "a price as a number": Case(
        sa.Numeric(10, 2), PRICES, key=lambda value: sa.cast(value, sa.Double)
    ),
    "coalesce": Case(sa.Integer, [5, 6, 7], key=lambda value: func.coalesce(value, 6)),
    "lower": Case(sa.String(40), TEXTS, key=lambda value: func.lower(value)),
    "length": Case(sa.String(40), TEXTS, key=lambda value: func.length(value)),
    "concatenation": Case(sa.String(40), TEXTS, key=lambda value: value + "%x"),
    "cast to a text": Case(sa.Integer, [2, 10, 9], key=lambda value: sa.cast(value, sa.String(9))),
    "cast to a number": Case(
        sa.String(40), ["2", "10", "9.5"], key=lambda value: sa.cast(value, sa.Numeric(10, 2))
    ),
    "cast to a date": Case(
        sa.DateTime, SECONDS, POSTGRESQL | MARIADB, key=lambda value: sa.cast(value, sa.Date)
    ),
    "cast to an integer": Case(
        sa.Numeric(10, 2), PRICES[:5], key=lambda value: sa.cast(value, sa.Integer)
    ),
    "extract": Case(sa.Date, DATES[1:], key=lambda value: sa.extract("year", value)),
    "case": Case(sa.Integer, NUMBERS, key=lambda value: sa.case((value > 0, "b"), else_="a")),
    "difference of dates": Case(
        sa.DateTime(), MICROSECONDS[:4], POSTGRESQL, key=lambda value: value - datetime(1990, 1, 1)
    ),
}

DRIVERS_AND_CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in MATRIX_DRIVERS
    for name, case in CASES.items()
    if driver.split("+")[0] in case.backends
]


@pytest.fixture
def on(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Database:
    return database_of(request, databases, request.param)


@contextmanager
def _item(database: Database, case: Case) -> Iterator[Table]:
    """Have a table with each value and NULL twice; none in `certain`."""
    metadata = MetaData()
    item = Table(
        "item",
        metadata,
        Column("id", sa.Integer, primary_key=True),
        Column("value", case.type),
        Column("certain", case.type, nullable=False),
    )
    if case.extension is not None:
        with database.connect() as connection:
            connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {case.extension}")
    with database.tables(metadata):
        with database.connect() as connection:
            if database.backend == "mariadb":
                connection.exec_driver_sql("SET sql_mode = ''")
            rows = [
                {"value": value, "certain": case.values[0] if value is None else value}
                for value in [*case.values, None] * 2
            ]
            if any(isinstance(value, ColumnElement) for value in case.values):
                for row in rows:
                    connection.execute(insert(item).values(row))
            else:
                connection.execute(insert(item), rows)
        yield item


@pytest.mark.parametrize(("on", "name"), DRIVERS_AND_CASES, indirect=["on"])
def test_pages_in_any_order_of_a_key_of_any_type_are_the_unpaged_result(
    on: Database, name: str
) -> None:
    case = CASES[name]
    with _item(on, case) as item, on.session() as caller:
        for number, (statement, unpaged) in enumerate(_statements(item, case)):
            sizes = _sizes(on, name, number)
            expected = caller.execute(unpaged).scalars().all() if sizes else []
            for size in sizes:
                forward, backward = _walk([caller], statement, size, case.before)
                assert forward == expected, str(statement)
                assert backward == expected, str(statement)


def _sizes(database: Database, name: str, number: int) -> tuple[int, ...]:
    """Return all sizes of pages for one type, and one or none for each order of the others."""
    if name == "Integer":
        return (1, 3, 7, LARGE)
    if database.is_async:
        # Of 2, so that a page ends at each value: each is there twice.
        return {0: (2,), 3: (7,), 5: (3,), 6: (7,)}.get(number, ())
    # Those left out are, going forward, what others are going backward.
    return {0: (1,), 1: (7,), 2: (7,), 3: (3,), 4: (3,), 6: (LARGE,)}.get(number, ())


def _statements(item: Table, case: Case) -> Iterator[tuple[Any, Any]]:
    """Yield statements to page, each with one that sorts the same by its own words."""
    for descending in (False, True):
        for nulls_first in (None, True, False):
            key, last = case.key(item.c.value), item.c.id
            nulls = [] if nulls_first is None else [_nulls(key, nulls_first)]
            directed, last = (key.desc(), last.desc()) if descending else (key, last)
            placed = directed
            if nulls_first is not None:
                placed = directed.nulls_first() if nulls_first else directed.nulls_last()
            yield (
                select(item.c.id).order_by(placed),
                select(item.c.id).order_by(*nulls, directed, last),
            )
        key, last = case.key(item.c.certain), item.c.id
        directed, last = (key.desc(), last.desc()) if descending else (key, last)
        yield select(item.c.id).order_by(directed), select(item.c.id).order_by(directed, last)


def _nulls(key: ColumnElement[Any], first: bool) -> ColumnElement[Any]:
    return sa.case((key.is_(None), 0 if first else 1), else_=1 if first else 0)


def _walk(
    callers: Sequence[Caller],
    statement: Any,
    size: int,
    before: Sequence[str] = (),
    *,
    scalars: bool = True,
) -> tuple[list[Any], list[Any]]:
    """Return the items of all pages from the first to the last, and back, by callers in turn."""
    turn = 0

    def page(cursor: str | None) -> Any:
        nonlocal turn
        caller = callers[turn % len(callers)]
        if before:
            caller.execute(sa.text(before[turn % len(before)]))
        turn += 1
        assert turn < LARGE, "endless"
        found = caller("cursor_page", statement, cursor=cursor, limit=size, scalars=scalars)
        assert 0 < len(found.data) <= size
        return found

    current = page(None)
    assert current.meta.previous_cursor is None
    forward = list(current.data)
    while current.meta.next_cursor is not None:
        current = page(current.meta.next_cursor)
        forward += current.data
    backward = list(current.data)
    while current.meta.previous_cursor is not None:
        current = page(current.meta.previous_cursor)
        backward = [*current.data, *backward]
    return forward, backward


def _grouped(make: Callable[[Any], ColumnElement[Any]]) -> Callable[[Any], Any]:
    """Return a statement of groups by a key, with their numbers, in the order of the key."""

    def statement(sale: Any) -> Any:
        key = make(sale)
        return select(key.label("key"), func.count(sale.id)).group_by(key).order_by(key.desc())

    return statement


def _measured(make: Callable[[Any], ColumnElement[Any]]) -> Callable[[Any], Any]:
    """Return a statement of days, in the order of an aggregate."""

    def statement(sale: Any) -> Any:
        return select(sale.day, make(sale)).group_by(sale.day).order_by(make(sale), sale.day)

    return statement


GROUPS: dict[str, tuple[Callable[[Any], Any], frozenset[str]]] = {
    "by day": (_grouped(lambda sale: sale.day), ALL),
    "by moment": (_grouped(lambda sale: sale.moment), ALL),
    "by month": (_grouped(lambda sale: func.date_trunc("month", sale.moment)), POSTGRESQL),
    "by price": (_grouped(lambda sale: sale.price), ALL),
    "by a third of the price": (_grouped(lambda sale: sale.price / 3), ALL),
    "by weight": (_grouped(lambda sale: sale.weight), ALL),
    "by fruit": (_grouped(lambda sale: sale.fruit), ALL),
    "by a condition": (_grouped(lambda sale: sale.number > 2), ALL),
    "ordered by a sum": (_measured(lambda sale: func.sum(sale.number)), ALL),
    "ordered by a sum of prices": (_measured(lambda sale: func.sum(sale.price)), ALL),
    "ordered by an average": (_measured(lambda sale: func.avg(sale.number)), ALL),
    "ordered by an average price": (_measured(lambda sale: func.avg(sale.price)), ALL),
    "ordered by a part of an average": (_measured(lambda sale: func.avg(sale.price) / 7), ALL),
    "ordered by an average weight": (_measured(lambda sale: func.avg(sale.weight)), ALL),
    "ordered by a maximum": (_measured(lambda sale: func.max(sale.moment)), ALL),
    "distinct days": (lambda sale: select(sale.day).distinct().order_by(sale.day.desc()), ALL),
    "distinct prices": (lambda sale: select(sale.price).distinct().order_by(sale.price), ALL),
    # A month and 30 days are equal, and not the same.
    "distinct spans": (
        lambda sale: (
            select(
                span := sa.case(
                    (sale.number == 0, sa.literal_column("interval '1 month'", sa.Interval)),
                    (sale.number == 1, sa.literal_column("interval '30 days'", sa.Interval)),
                    else_=sa.literal_column("interval '2 days'", sa.Interval),
                ).label("span")
            )
            .distinct()
            .order_by(span)
        ),
        POSTGRESQL,
    ),
    "distinct fruits": (lambda sale: select(sale.fruit).distinct().order_by(sale.fruit), ALL),
}
DRIVERS_AND_GROUPS = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in MATRIX_DRIVERS
    for name, (_, backends) in GROUPS.items()
    if driver.split("+")[0] in backends
]


@pytest.mark.parametrize(("on", "name"), DRIVERS_AND_GROUPS, indirect=["on"])
def test_pages_of_groups_and_distinct_values_are_the_unpaged_result(
    on: Database, name: str
) -> None:
    metadata = MetaData()
    sale = Table(
        "sale",
        metadata,
        Column("id", sa.Integer, primary_key=True),
        Column("day", sa.Date),
        Column("moment", sa.DateTime),
        Column("price", sa.Numeric(10, 2)),
        Column("weight", sa.REAL),
        Column("number", sa.Integer),
        Column("fruit", sa.Enum(Fruit)),
    )
    statement = GROUPS[name][0](sale.c)
    with on.tables(metadata), on.session() as caller:
        with on.connect() as connection:
            rows = [
                {
                    "day": date(2024, 1, 1 + number % 5) if number % 5 else None,
                    "moment": datetime(2024, 1 + number % 4, 1),
                    "price": Decimal(number % 7) / 100,
                    "weight": 1 / (1 + number % 6),
                    "number": number % 4,
                    "fruit": list(Fruit)[number % 3],
                }
                for number in range(30)
            ]
            connection.execute(insert(sale), rows)
        unpaged = [tuple(row) for row in caller.execute(statement)]

        for size in (2,) if on.is_async else (1, LARGE):
            for items in _walk([caller], statement, size, scalars=False):
                assert [tuple(item.values()) for item in items] == unpaged


REFUSED: dict[str, Case] = {
    "JSON": Case(sa.JSON, [{"a": 1}, [1]]),
    "JSONB": Case(postgresql.JSONB, [{"a": 1}, [1]], POSTGRESQL),
    "a text longer than a cursor": Case(sa.Text, ["x" * 9000]),
    "a text longer than what MariaDB sorts by": Case(sa.Text, ["x" * 513], MARIADB),
    "an interval that is not declared as one": Case(
        sa.DateTime, SECONDS, POSTGRESQL, key=lambda value: func.age(value)
    ),
}


@pytest.mark.parametrize(
    ("on", "name"),
    [
        pytest.param(driver, name, id=f"{driver}-{name}")
        for driver in MATRIX_DRIVERS
        for name, case in REFUSED.items()
        if driver.split("+")[0] in case.backends
    ],
    indirect=["on"],
)
def test_keys_whose_values_no_cursor_can_carry_are_refused(on: Database, name: str) -> None:
    case = REFUSED[name]
    with _item(on, case) as item, on.session() as caller:
        statement = select(item.c.id).order_by(case.key(item.c.certain))

        with pytest.raises(SortKeyNotSeekableError):
            caller("cursor_page", statement, limit=1)


SHARED = """
    Integer BigInteger Numeric(30,10) Double REAL Boolean Text CITEXT LargeBinary Date DateTime
    DateTime(timezone) Time Interval Uuid Enum ARRAY(Text) INET date_trunc
""".split()


@pytest.mark.parametrize("name", SHARED)
def test_a_cursor_of_one_driver_of_postgresql_is_one_of_all_others(
    request: pytest.FixtureRequest, databases: dict[str, Database], name: str
) -> None:
    case = CASES[name]
    drivers = [driver for driver in DRIVERS if driver.startswith("postgresql")]
    opened = [database_of(request, databases, driver) for driver in drivers]
    with _item(opened[0], case) as item, ExitStack() as stack:
        callers = [stack.enter_context(database.session()) for database in opened]
        statement = select(item.c.id).order_by(case.key(item.c.value))
        unpaged = callers[0].execute(statement.order_by(item.c.id)).scalars().all()

        assert _walk(callers, statement, 1) == (unpaged, unpaged)
        assert _walk(callers[::-1], statement, 1) == (unpaged, unpaged)


# Values that are none of the key's. PostgreSQL has to notice, or we for it.
ANY_OTHER: list[Any] = ["abc", "\0", True, b"a", [1], [["x"]], 10**30, UUIDS[1], date.max, time.max]
OTHERS: dict[str, list[Any]] = {
    "Integer": [None, "1", "", *ANY_OTHER],
    "Numeric(10,2)": ["1.00", "NaN", *ANY_OTHER],
    "Double": ["1.00", *ANY_OTHER],
    "REAL": ["1.00", *ANY_OTHER],
    "Boolean": [value for value in (1, 1.5, "true", *ANY_OTHER) if value is not True],
    "Text": [None, 1, 1.5, "a\0b", *ANY_OTHER[1:]],
    "CITEXT": [1, *ANY_OTHER[1:]],
    "LargeBinary": [1, "abc", *(value for value in ANY_OTHER if value != b"a")],
    "Date": [1, "2024-02-30", SECONDS[0], *ANY_OTHER],
    "DateTime": [1, 1.5, "2024-02-30T00:00:00", "T", "T+", SECONDS[0], *ANY_OTHER],
    "DateTime(timezone)": [1, "2024-02-30T00:00:00+00:00", *ANY_OTHER],
    "Time": [1, "25:00", *ANY_OTHER],
    "Interval": [1, "1 mouth", timedelta(1), *ANY_OTHER],
    "Uuid": [1, "00000000", *ANY_OTHER],
    "Enum": [1, "PLUM", *ANY_OTHER],
    "ARRAY(Integer)": [1, "{a}", "{", *ANY_OTHER],
    "INET": [1, "10.0.0", *ANY_OTHER],
    "date_trunc": [*ANY_OTHER[:-2]],
}


@pytest.mark.parametrize(
    ("on", "name"),
    [
        pytest.param(driver, name, id=f"{driver}-{name}")
        for driver in MATRIX_DRIVERS
        for name in OTHERS
        if driver.split("+")[0] in CASES[name].backends
    ],
    indirect=["on"],
)
def test_a_cursor_with_values_of_another_type_is_invalid(on: Database, name: str) -> None:
    case = CASES[name]
    with _item(on, case) as item, on.session() as caller:
        statement = select(item.c.id).order_by(case.key(item.c.certain))
        page = caller("cursor_page", statement, limit=3)
        cursor = CODEC.decode(page.meta.next_cursor)
        keysets = [(other, cursor.keyset[1]) for other in OTHERS[name]]
        if name == "Text":
            keysets += [(cursor.keyset[0], other) for other in (None, "1", *ANY_OTHER)]
        # Other databases compare anything with anything.
        is_strict = on.backend == "postgresql"
        for keyset in keysets:
            forged = CODEC.encode(replace(cursor, keyset=keyset))
            with pytest.raises(InvalidCursorError) if is_strict else suppress(InvalidCursorError):
                caller("cursor_page", statement, cursor=forged, limit=3)
            _roll_back(caller)


@pytest.mark.parametrize("on", ["mariadb+pymysql"], indirect=True)
def test_mariadb_compares_a_uuid_of_unknown_type_with_no_number(on: Database) -> None:
    tagged = Table("tagged", MetaData(), Column("id", sa.Integer, primary_key=True))
    uu = literal_column("tagged.uu")
    with on.tables(tagged.metadata), on.session() as caller:
        with on.connect() as connection:
            # As SQLAlchemy 2.0 declared a Uuid, it was a text.
            connection.execute(sa.text("ALTER TABLE tagged ADD COLUMN uu UUID DEFAULT (uuid())"))
            connection.execute(insert(tagged), [{"id": n} for n in range(1, 6)])
        statement = select(tagged.c.id).order_by(uu, tagged.c.id)
        cursor = CODEC.decode(caller("cursor_page", statement, limit=3).meta.next_cursor)
        assert cursor.keyset is not None
        forged = CODEC.encode(replace(cursor, keyset=(17, cursor.keyset[1])))
        with pytest.raises(InvalidCursorError):
            caller("cursor_page", statement, cursor=forged, limit=3)


def _roll_back(caller: Caller) -> None:
    done = caller.session.rollback()
    if caller.loop is not None:
        caller.loop.run(done)


measured = Table(
    "measured",
    MetaData(),
    Column("id", sa.BigInteger, primary_key=True),
    Column("size", sa.Numeric, nullable=False),
    Column("at", sa.DateTime, nullable=False),
)


@pytest.fixture
def three_measured(database: Database) -> Iterator[Database]:
    with database.tables(measured.metadata):
        with database.connect() as connection:
            values = [
                {"id": 1, "size": Decimal(1), "at": datetime(2024, 1, 12)},
                {"id": 3, "size": Decimal("Infinity"), "at": datetime(2024, 2, 11)},
                {"id": 2, "size": Decimal("NaN"), "at": datetime(2024, 10, 2)},
            ]
            connection.execute(insert(measured), values)
        yield database


on_psycopg2 = pytest.mark.parametrize("database", ["postgresql+psycopg2"], indirect=True)


@on_psycopg2
def test_an_infinite_number_is_not_taken_for_none(three_measured: Database) -> None:
    statement = select(measured.c.id).order_by(measured.c.size)
    with three_measured.core() as caller:
        first = caller("cursor_page", statement, limit=2)
        last = caller("cursor_page", statement, limit=2, cursor=first.meta.next_cursor)

    assert (first.data, last.data) == ([1, 3], [2])


@on_psycopg2
def test_a_moment_is_the_same_in_every_style_of_dates(three_measured: Database) -> None:
    statement = select(measured.c.id).order_by(measured.c.at)
    with three_measured.core() as caller:
        caller.execute(sa.text("SET DateStyle = 'SQL, DMY'"))
        first = caller("cursor_page", statement, limit=1)
        caller.execute(sa.text("SET DateStyle = 'SQL, MDY'"))
        last = caller("cursor_page", statement, limit=2, cursor=first.meta.next_cursor)

    assert (first.data, last.data) == ([1], [3, 2])

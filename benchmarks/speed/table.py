"""The table that is paged, and the databases it lies in."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Index,
    Select,
    String,
    create_engine,
    make_url,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable

from tests import servers

LIMIT = 50
"""Rows of a page."""
BEGIN = datetime(2024, 1, 1)


class Model(DeclarativeBase):
    pass


class Item(Model):
    """Eight columns. Rows lie in no order of created_at, which three rows share on average."""

    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]
    kind: Mapped[int]
    amount: Mapped[int]
    price: Mapped[float]
    active: Mapped[bool]
    name: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(80))


TABLE: Any = Item.__table__
INDEX = Index("item_created_at_id", Item.created_at, Item.id)
COLUMNS = tuple(TABLE.columns.keys())


def ordered() -> Select[Any]:
    """Return the statement that is paged, made anew."""
    return select(Item).order_by(Item.created_at, Item.id)


def passing() -> ColumnElement[bool]:
    """Return a filter that lets every row pass, by another value each time."""
    return Item.amount > -next(_numbers)


def filtered() -> Select[Any]:
    """Return the statement that is paged with such a filter, made anew."""
    return ordered().where(passing())


_numbers = count(1)

ORDERED = ordered()
"""The same, at module level."""


def rows_of(rows: int) -> Iterator[tuple[Any, ...]]:
    chosen = random.Random(20)
    for id_ in range(1, rows + 1):
        number = chosen.randrange(10**9)
        yield (
            id_,
            BEGIN + timedelta(minutes=chosen.randrange(max(1, rows // 3))),
            number % 7,
            number % 1000,
            number / 64,
            number % 2 == 0,
            f"item {number:09}",
            f"{number:060x}",
        )


def fill(connection: Connection, rows: int) -> None:
    """Make the table in an empty database, by the quickest way its driver has."""
    connection.execute(CreateTable(TABLE))
    copy_rows(connection, rows)
    INDEX.create(connection)


def copy_rows(connection: Connection, rows: int) -> None:
    columns = ", ".join(COLUMNS)
    raw: Any = connection.connection.dbapi_connection
    found = rows_of(rows)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(COLUMNS))
        shown = ((row[0], f"{row[1]}.000000", *row[2:]) for row in found)
        while batch := list(islice(shown, 50_000)):
            raw.executemany(f"INSERT INTO item ({columns}) VALUES ({places})", batch)
        return
    with raw.cursor() as cursor, cursor.copy(f"COPY item ({columns}) FROM STDIN") as copy:
        for row in found:
            copy.write_row(row)


@contextmanager
def sqlite_with(rows: int) -> Iterator[URL]:
    """Make a database in a file."""
    with tempfile.TemporaryDirectory() as folder:
        url = make_url(f"sqlite:///{folder}/benchmark.sqlite")
        engine = create_engine(url)
        with engine.begin() as connection:
            fill(connection, rows)
        engine.dispose()
        yield url


@contextmanager
def postgresql_with(server: URL, rows: int) -> Iterator[URL]:
    """Make a database on a server, and drop it afterwards. The URL is without a driver."""
    own = server.set(drivername="postgresql+psycopg")
    name = f"rows_{rows}"
    administration = create_engine(own, isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        engine = create_engine(own.set(database=name))
        with engine.begin() as connection:
            fill(connection, rows)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        engine.dispose()
        yield server.set(database=name)
    finally:
        with administration.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        administration.dispose()


postgresql_server = servers.postgresql

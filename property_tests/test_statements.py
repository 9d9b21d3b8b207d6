"""The pages of generated statements are the statement's rows, on real databases, or are refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from sqlite3 import sqlite_version
from typing import Any

import pytest
from hypothesis import assume, event, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import Session

from sqla_pages import (
    DeepOffset,
    DialectNotSupportedError,
    ExactCount,
    StatementNotPageableError,
    count,
    cursor_page,
    iter_rows,
    offset_page,
    plan_page,
)
from sqla_pages.testing import assert_pages_match
from tests.databases import IS_FULL
from tests.servers import HAS_MARIADB

from .expected import contents, expected_of, unpaged
from .schemas import Schema
from .statements import Drawn, statements

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.pysqlite does .not. support Decimal")

REFUSALS = (StatementNotPageableError, DialectNotSupportedError)

PUT_ASIDE = "put aside"

# Pages may be smaller; but no walk is to take more than about this many of them.
MOST_PAGES = 24
MOST_ROWS = 400

SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=4)
DEEP = [DeepOffset(defer=True, turn=False), DeepOffset(defer=True, turn=True)]


@dataclass
class Server:
    """A database of the tests, and what came of the statements that were tried on it."""

    backend: str
    engine: Engine | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def filled(self, schema: Schema) -> Iterator[Session]:
        """Have the tables and rows of a schema, and a session on them."""
        engine = self.engine or create_engine("sqlite://")
        try:
            with engine.connect() as connection:
                try:
                    schema.fill(connection)
                    with Session(connection) as session:
                        yield session
                finally:
                    connection.rollback()
                    if self.backend == "mariadb":  # which commits tables as it makes them
                        names = ", ".join(table.name for table in reversed(schema.tables))
                        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names}")
        finally:
            if self.engine is None:
                engine.dispose()

    def note(self, what: str, reason: str = "") -> None:
        """Count what came of a statement."""
        self.outcomes[what] += 1
        if what == "refused":
            self.reasons[reason] += 1
        event(f"{what}: {reason}" if reason else what)

    def refused(self, error: Exception) -> None:
        """Count a refusal of ours, by what its message begins with."""
        reason = str(error).split(":")[0].split("(")[0].strip()
        self.note("refused", f"{type(error).__name__}: {reason}")

    @property
    def figures(self) -> dict[str, Any]:
        """What came of all statements."""
        return {"version": self._version, "outcomes": self.outcomes, "reasons": self.reasons}

    @property
    def _version(self) -> str:
        if self.engine is None:
            return f"SQLite {sqlite_version}" if self.backend == "sqlite" else self.backend
        with self.engine.connect() as connection:
            numbers = connection.dialect.server_version_info or ()
        return f"{self.backend} {'.'.join(map(str, numbers[:2]))}"


DRIVERS = ["sqlite+pysqlite", "postgresql+psycopg"]
DRIVERS += ["mariadb+pymysql"] if HAS_MARIADB else []
DRIVERS += ["postgresql+psycopg2"] if IS_FULL else []


@pytest.fixture(
    scope="module",
    params=DRIVERS,
)
def server(
    request: pytest.FixtureRequest, record_figures: Callable[[str, Any], None]
) -> Iterator[Server]:
    """Each database, in turn; records at the end what came of the statements."""
    backend = request.param.split("+")[0]
    engine = None
    if backend != "sqlite":
        url = request.getfixturevalue(f"{backend}_url").set(drivername=request.param)
        # The same SQL is about other tables in the next example.
        options = {"prepare_threshold": None} if request.param.endswith("psycopg") else {}
        engine = create_engine(url, connect_args=options)
    server = Server(backend, engine)
    yield server
    record_figures(f"statements {request.param}", server.figures)
    if engine is not None:
        engine.dispose()


@pytest.fixture(scope="module", params=["mssql+pyodbc", "oracle+oracledb"])
def absent(
    request: pytest.FixtureRequest, record_figures: Callable[[str, Any], None]
) -> Iterator[Server]:
    """The databases that SQL is compiled for alone."""
    server = Server(request.param)
    yield server
    record_figures(f"compiled {request.param}", server.figures)


def examples(factor: float = 0.75) -> Any:
    """Let the profile decide how many; by default few, since each has tables of its own."""
    factor = factor if settings.default.max_examples >= 100 else factor * 0.4
    return settings(max_examples=max(1, int(settings.default.max_examples * factor)))


@dataclass(frozen=True)
class Reader:
    """Reads pages of a statement."""

    session: Session
    drawn: Drawn

    def by_cursor(self, cursor: str | None, size: int) -> tuple[list[Any], str | None, str | None]:
        """Return the rows of a page, and the cursors to the one before and the one after."""
        page = cursor_page(
            self.session,
            self._built_again,
            cursor=cursor,
            limit=size,
            scalars=self.drawn.scalars,
        )
        found = contents(self.session, self.drawn, page.data)
        return found, page.meta.previous_cursor, page.meta.next_cursor

    @property
    def _built_again(self) -> Any:
        """Another statement built alike, as a request has it, whose plan is of the one before."""
        return self.drawn.statement.order_by()

    def by_offset(self, offset: int, size: int, **options: Any) -> tuple[list[Any], int]:
        """Return the rows of a page, and the total."""
        page: Any = offset_page(
            self.session,
            self.drawn.statement,
            offset=offset,
            limit=size,
            scalars=self.drawn.scalars,
            **options,
        )
        return contents(self.session, self.drawn, page.data), page.meta.total_items


@contextmanager
def reading(server: Server, drawn: Drawn) -> Iterator[Reader]:
    """Have the statement's rows; what is raised that is a refusal of ours ends the example."""
    with server.filled(drawn.schema) as session:
        try:
            yield Reader(session, drawn)
        except REFUSALS as error:
            server.refused(error)
        else:
            server.note("right", drawn.shape)


def expected_by(reader: Reader, server: Server) -> Any:
    """Run the statement by itself; one that the database or SQLAlchemy refuses is put aside."""
    try:
        alone = unpaged(reader.session, reader.drawn)
        expected = expected_of(reader.session, reader.drawn)
    except (SQLAlchemyError, SAWarning) as error:
        server.note(PUT_ASIDE, f"{reader.drawn.shape}, {str(error)[:120]}")
        reject()
    if expected.length > MOST_ROWS:
        server.note(PUT_ASIDE, "too many rows")
        reject()
    assert expected.fault_of(alone) is None  # else we are wrong ourselves
    return expected


@examples()
@given(data=st.data())
def test_cursor_pages_are_the_rows_of_the_statement_whichever_way_they_are_read(
    server: Server, data: st.DataObject
) -> None:
    drawn = data.draw(statements(server.backend), label="statement")
    sizes = data.draw(SIZES, label="sizes")
    turns = data.draw(st.lists(st.booleans(), max_size=6), label="goes on, not back")
    with reading(server, drawn) as reader:
        expected = expected_by(reader, server)
        scale = 1 + expected.length // MOST_PAGES
        size_of = cycle([size * scale for size in sizes])

        rows: list[Any] = []
        pages = 0
        cursor: str | None = None
        while cursor is not None or not pages:
            size = next(size_of)
            page, previous, cursor = reader.by_cursor(cursor, size)
            assert (previous is not None) == bool(rows)
            assert len(page) == size or cursor is None
            rows += page
            assert len(rows) <= expected.length
            pages += 1
        assert not (fault := expected.fault_of(rows)), fault

        start = end = len(rows) - len(page)
        while previous is not None:
            size = next(size_of)
            page, previous, cursor = reader.by_cursor(previous, size)
            start = max(end - size, 0)
            assert page == rows[start:end]
            assert cursor is not None
            assert (previous is not None) == (start > 0)
            end = start

        end = len(page)
        for goes_on in turns:
            if (taken := cursor if goes_on else previous) is None:
                break
            size = next(size_of)
            page, previous, cursor = reader.by_cursor(taken, size)
            start, end = (end, end + size) if goes_on else (max(start - size, 0), start)
            assert page == rows[start:end]
            assert (previous is not None) == (start > 0)
            assert (cursor is not None) == (end < len(rows))

        walked = iter_rows(
            reader.session, drawn.statement, batch_size=next(size_of), scalars=drawn.scalars
        )
        assert contents(reader.session, drawn, walked) == rows


@examples()
@given(data=st.data())
def test_offset_pages_are_the_rows_of_the_statement_and_know_how_many_there_are(
    server: Server, data: st.DataObject
) -> None:
    drawn = data.draw(statements(server.backend), label="statement")
    sizes = data.draw(SIZES, label="sizes")
    places = data.draw(st.lists(st.integers(0, 40), max_size=3), label="offsets")
    with reading(server, drawn) as reader:
        expected = expected_by(reader, server)
        scale = 1 + expected.length // MOST_PAGES
        size_of = cycle([size * scale for size in sizes])

        rows, total = reader.by_offset(0, MOST_ROWS)
        assert not (fault := expected.fault_of(rows)), fault
        assert total == len(rows)
        assert count(reader.session, drawn.statement) == len(rows)

        walked: list[Any] = []
        while len(walked) < len(rows):
            page, total = reader.by_offset(len(walked), next(size_of))
            assert page
            assert total == len(rows)
            walked += page
        assert walked == rows

        for place in places:
            size = next(size_of)
            for options in [
                {},
                {"count": ExactCount(in_page=True)},
                *({"deep": deep} for deep in DEEP),
            ]:
                try:
                    page, total = reader.by_offset(place, size, **options)
                except StatementNotPageableError:
                    assert "deep" in options
                    continue
                assert page == rows[place : place + size], options
                assert total == len(rows), options
        try:
            by_cursor, _, _ = reader.by_cursor(None, MOST_ROWS)
        except REFUSALS:
            event("only by offset")
        else:
            assert by_cursor == rows or _has_two_orders(reader.session, drawn.statement)


def _has_two_orders(session: Session, statement: Any) -> bool:
    """Tell whether other keys are added for offset pages than for cursor pages.

    So it is with UNION and GROUP BY, where the last sort key sorts nothing, and where a subquery is
    grouped by what tells its rows apart, but is not selected.
    """
    dialect = session.get_bind().dialect
    by_cursor, by_offset = plan_page(statement, dialect), plan_page(statement, dialect, offset=0)
    return by_cursor.tie_breakers != by_offset.tie_breakers


@examples(0.5)
@given(data=st.data())
def test_the_kit_for_users_finds_nothing_wrong_with_them_either(
    server: Server, data: st.DataObject
) -> None:
    drawn = data.draw(statements(server.backend), label="statement")
    limits = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=2), label="limits")
    with reading(server, drawn) as reader:
        expected = expected_by(reader, server)
        # Which of the rows with equal sort keys a LIMIT takes is open; the kit takes it literally.
        assume(drawn.limit is None and drawn.offset == 0)
        scale = 1 + expected.length // MOST_PAGES
        assert_pages_match(
            reader.session,
            drawn.statement,
            scalars=drawn.scalars,
            limits=[limit * scale for limit in limits],
        )


@examples(0.5)
@given(drawn=statements("mssql"))
def test_the_sql_for_other_databases_compiles_or_is_refused(absent: Server, drawn: Drawn) -> None:
    dialect = absent.backend
    try:
        drawn.statement.compile(dialect=make_url(f"{dialect}://").get_dialect()())
    except (SQLAlchemyError, AssertionError):  # SQLAlchemy asserts that a label is no text
        absent.note(PUT_ASIDE)
        reject()
    for offset in (None, 0, 20_000):
        try:
            plan_page(drawn.statement, dialect, offset=offset)
        except REFUSALS as error:
            absent.refused(error)
        else:
            absent.note("right")

"""Walks over all rows: the same rows as without pages, whatever else happens meanwhile."""

import asyncio
import random
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Pool,
    String,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    union,
    update,
)
from sqlalchemy import inspect as inspected
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    scoped_session,
    selectinload,
    sessionmaker,
)

import sqla_pages
from sqla_pages import (
    CursorCodec,
    InvalidCursorError,
    PageRequestError,
    StatementNotPageableError,
    async_iter_pages,
    async_iter_rows,
)
from sqla_session import SessionRegistry

from .databases import ASYNC_DRIVERS, Database, on_each_database
from .schema import Note, User, rows

ON_ASYNC_DRIVERS = pytest.mark.parametrize(
    "filled",
    ASYNC_DRIVERS,
    indirect=True,
)


class Base(DeclarativeBase):
    pass


class Event(Base):
    """Something that comes and goes while others walk by."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int]
    name: Mapped[str] = mapped_column(String(20))


NOTES: list[Any] = sorted(
    (row["kind"], row["id"]) for table, values in rows() if table.name == "note" for row in values
)
BY_KIND = select(Note).order_by(Note.kind)
IDS_BY_KIND = select(Note.id).order_by(Note.kind)
IDS = [id_ for _, id_ in NOTES]
SCORES: list[Any] = [
    row["score"] for table, values in rows() if table.name == "user" for row in values
]


class Walker:
    """Walks by the functions of sqla_pages or their `async_` twins, step by step."""

    def __init__(self, source: Any, loop: asyncio.Runner | None) -> None:
        self.source = source
        self.loop = loop

    def start(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Return the iterator that the function itself returns."""
        prefix = "" if self.loop is None else "async_"
        return getattr(sqla_pages, f"{prefix}{name}")(self.source, *arguments, **options)

    def __call__(self, name: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Return an iterator that takes a step of the walk at each of its own."""
        walk = self.start(name, *arguments, **options)
        return walk if self.loop is None else self._steps(walk)

    def rows(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        return self("iter_rows", *arguments, **options)

    def pages(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        return self("iter_pages", *arguments, **options)

    def run(self, awaitable: Any) -> Any:
        """Wait for what only asyncio has to wait for."""

        async def awaited() -> Any:
            return await awaitable

        return awaitable if self.loop is None else self.loop.run(awaited())

    def _steps(self, walk: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                item = self.run(anext(walk))
            except StopAsyncIteration:
                return
            yield item
            del item


def loop_of(database: Database) -> asyncio.Runner | None:
    return database.loop if database.is_async else None


@contextmanager
def engine_of(database: Database) -> Iterator[Any]:
    """Make an engine that pools connections, by the driver under test."""
    if not database.is_async:
        engine = create_engine(database.url, pool_size=2, max_overflow=0, pool_timeout=2)
        yield engine
        engine.dispose()
    else:
        async_engine = create_async_engine(
            database.url, pool_size=2, max_overflow=0, pool_timeout=2
        )
        yield async_engine
        database.loop.run(async_engine.dispose())


@contextmanager
def _session(database: Database) -> Iterator[Walker]:
    with database.session() as caller:
        yield Walker(caller.session, caller.loop)


@contextmanager
def _connection(database: Database) -> Iterator[Walker]:
    with database.core() as caller:
        yield Walker(caller.session, caller.loop)


@contextmanager
def _scoped_session(database: Database) -> Iterator[Walker]:
    scoped: Any
    with engine_of(database) as engine:
        if database.is_async:
            # All of the test is one scope.
            scoped = async_scoped_session(async_sessionmaker(engine), lambda: None)
        else:
            scoped = scoped_session(sessionmaker(engine))
        walker = Walker(scoped, loop_of(database))
        yield walker
        walker.run(scoped.remove())


@contextmanager
def _sessionmaker(database: Database) -> Iterator[Walker]:
    with engine_of(database) as engine:
        make = async_sessionmaker if database.is_async else sessionmaker
        yield Walker(make(engine), loop_of(database))


@contextmanager
def _transaction(database: Database) -> Iterator[Walker]:
    with engine_of(database) as engine:
        make = async_sessionmaker if database.is_async else sessionmaker
        yield Walker(make(engine).begin, loop_of(database))


@contextmanager
def _connect(database: Database) -> Iterator[Walker]:
    with engine_of(database) as engine:
        yield Walker(engine.connect, loop_of(database))


@contextmanager
def _open_session(database: Database) -> Iterator[Walker]:
    registry = SessionRegistry({"fastapi_sqla__here__sqlalchemy_url": database.url_text})
    database.loop.run(registry.startup())
    opener = registry.open_async_session if database.is_async else registry.open_session
    yield Walker(partial(opener, "here"), loop_of(database))
    database.loop.run(registry.shutdown())


HELD = {"session": _session, "scoped_session": _scoped_session, "connection": _connection}
SESSION_OPENERS = {
    "sessionmaker": _sessionmaker,
    "sessionmaker.begin": _transaction,
    "open_session": _open_session,
}
OPENERS = {**SESSION_OPENERS, "engine.connect": _connect}
SOURCES: dict[str, Callable[[Database], AbstractContextManager[Walker]]] = {**HELD, **OPENERS}


@pytest.fixture(params=SOURCES)
def walker(filled: Database, request: pytest.FixtureRequest) -> Iterator[Walker]:
    """Walks on each thing that can be walked on."""
    with SOURCES[request.param](filled) as walker:
        yield walker


@pytest.fixture
def session_walker(filled: Database) -> Iterator[Walker]:
    with _session(filled) as walker:
        yield walker


@pytest.fixture(params=SESSION_OPENERS)
def entity_walker(filled: Database, request: pytest.FixtureRequest) -> Iterator[Walker]:
    with SESSION_OPENERS[request.param](filled) as walker:
        yield walker


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL of every SELECT executed meanwhile on the tables of notes."""
    seen: list[str] = []

    def note(*execution: Any) -> None:
        if "note" in execution[2]:
            seen.append(execution[2])

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_rows_are_those_of_the_statement_in_its_order(walker: Walker) -> None:
    assert list(walker.rows(IDS_BY_KIND, batch_size=7)) == IDS


@pytest.mark.parametrize("batch_size", [1, 2, 20, 40, 41, 42])
def test_pages_are_full_but_for_the_last(session_walker: Walker, batch_size: int) -> None:
    pages = [page.data for page in session_walker.pages(IDS_BY_KIND, batch_size=batch_size)]

    assert pages == [IDS[start : start + batch_size] for start in range(0, 41, batch_size)]


def test_a_batch_has_a_thousand_rows_unless_told_otherwise(
    session_walker: Walker, statements: list[str]
) -> None:
    assert [len(page.data) for page in session_walker.pages(IDS_BY_KIND)] == [41]
    assert len(statements) == 1


SHAPES: dict[str, tuple[Any, list[Any]]] = {
    "all descending": (
        select(Note.id).order_by(Note.kind.desc()),
        [id_ for _, id_ in reversed(NOTES)],
    ),
    "mixed": (
        select(Note.id).order_by(Note.kind.desc(), Note.id),
        [id_ for kind in (2, 1, 0) for other, id_ in NOTES if other == kind],
    ),
    "of a limit": (IDS_BY_KIND.limit(17), IDS[:17]),
    "of none": (IDS_BY_KIND.where(Note.id < 0), []),
    "groups": (
        select(func.count()).select_from(Note).group_by(Note.kind).order_by(Note.kind),
        [len([id_ for other, id_ in NOTES if other == kind]) for kind in (0, 1, 2)],
    ),
    "a union": (union(select(Note.kind), select(Note.id)), sorted({0, *IDS})),
    "NULLs last": (
        select(User.score).order_by(User.score.nulls_last(), User.id),
        [*sorted(score for score in SCORES if score is not None), *[None] * SCORES.count(None)],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch_size", [1, 8])
def test_rows_of_any_shape_are_all_there(
    session_walker: Walker, shape: str, batch_size: int
) -> None:
    statement, expected = SHAPES[shape]

    assert list(session_walker.rows(statement, batch_size=batch_size)) == expected


def test_rows_are_mappings_where_scalars_is_false(walker: Walker) -> None:
    statement = select(Note.id, Note.kind).order_by(Note.kind)

    found = list(walker.rows(statement, batch_size=6, scalars=False))

    assert [dict(row) for row in found] == [{"id": id_, "kind": kind} for kind, id_ in NOTES]


def test_a_walk_is_taken_up_again_at_the_cursor_of_any_page(walker: Walker) -> None:
    pages = list(walker.pages(IDS_BY_KIND, batch_size=9))

    for number, page in enumerate(pages[:-1], 1):
        cursor = page.meta.next_cursor
        assert list(walker.rows(IDS_BY_KIND, batch_size=4, cursor=cursor)) == IDS[number * 9 :]
        rest = [page.data for page in walker.pages(IDS_BY_KIND, batch_size=9, cursor=cursor)]
        assert rest == [page.data for page in pages[number:]]
    assert pages[-1].meta.next_cursor is None


def test_from_a_previous_cursor_a_walk_goes_backward(walker: Walker) -> None:
    pages = list(walker.pages(IDS_BY_KIND, batch_size=9))

    for number, page in enumerate(pages[1:], 1):
        cursor = page.meta.previous_cursor
        found = list(walker.rows(IDS_BY_KIND, batch_size=4, cursor=cursor))
        assert found == IDS[: number * 9][::-1]
        back = [page.data for page in walker.pages(IDS_BY_KIND, batch_size=9, cursor=cursor)]
        assert back == [page.data for page in pages[:number][::-1]]
    assert pages[0].meta.previous_cursor is None


def test_the_pages_of_a_walk_know_both_sides(session_walker: Walker) -> None:
    first, second, *_, last = session_walker.pages(IDS_BY_KIND, batch_size=9)

    assert (first.meta.previous_cursor, last.meta.next_cursor) == (None, None)
    assert second.meta.previous_cursor
    assert second.meta.next_cursor


def test_a_walk_signs_its_cursors_and_takes_no_others(session_walker: Walker) -> None:
    signed = CursorCodec(secrets=["a secret of enough characters"])
    first = next(session_walker.pages(IDS_BY_KIND, batch_size=9, codec=signed))
    cursor = first.meta.next_cursor

    assert list(session_walker.rows(IDS_BY_KIND, batch_size=9, codec=signed)) == IDS
    assert list(session_walker.rows(IDS_BY_KIND, cursor=cursor, codec=signed)) == IDS[9:]
    with pytest.raises(InvalidCursorError):
        session_walker.start("iter_rows", IDS_BY_KIND, cursor=cursor)


def test_entities_of_a_session_stay_in_it(session_walker: Walker) -> None:
    for note in islice(session_walker.rows(BY_KIND, batch_size=9), 12):
        assert note in session_walker.source


@pytest.mark.parametrize("name", ["iter_rows", "iter_pages"])
def test_entities_of_an_opener_come_detached_and_loaded(entity_walker: Walker, name: str) -> None:
    statement = BY_KIND.options(selectinload(Note.tags), joinedload(Note.user))

    items = list(entity_walker(name, statement, batch_size=9))
    notes = items if name == "iter_rows" else [note for page in items for note in page.data]

    assert all(inspected(note).detached for note in notes)
    assert [(note.kind, note.id) for note in notes] == NOTES
    assert all(note.user.id == note.user_id for note in notes)
    assert [len(note.tags) for note in notes if note.tags]


class Connections:
    """How many connections are out of their pools, and how many ever were."""

    def __init__(self) -> None:
        self.now = self.ever = 0

    def out(self, *_: Any) -> None:
        self.now += 1
        self.ever += 1

    def back(self, *_: Any) -> None:
        self.now -= 1


@pytest.fixture
def connections() -> Iterator[Connections]:
    counted = Connections()
    event.listen(Pool, "checkout", counted.out)
    event.listen(Pool, "checkin", counted.back)
    yield counted
    event.remove(Pool, "checkout", counted.out)
    event.remove(Pool, "checkin", counted.back)


@pytest.mark.parametrize("name", ["iter_rows", "iter_pages"])
@pytest.mark.parametrize("opener", OPENERS)
def test_an_opener_holds_no_connection_between_batches(
    filled: Database, connections: Connections, name: str, opener: str
) -> None:
    with OPENERS[opener](filled) as walker:
        before = connections.ever
        for _ in walker(name, IDS_BY_KIND, batch_size=9):
            assert connections.now == 0

    assert connections.ever - before == 5


@pytest.mark.parametrize("opener", OPENERS)
def test_an_opener_gives_its_connection_back_after_an_error(
    filled: Database, connections: Connections, opener: str
) -> None:
    with OPENERS[opener](filled) as walker:
        missing = select(Note.id, func.no_such_function(Note.id)).order_by(Note.id)
        with pytest.raises(DBAPIError):
            next(walker.rows(missing))

        assert connections.now == 0
        assert next(walker.rows(IDS_BY_KIND)) == IDS[0]


@pytest.mark.parametrize("source", SOURCES)
def test_an_abandoned_walk_leaves_nothing_behind(
    filled: Database, connections: Connections, source: str
) -> None:
    with SOURCES[source](filled) as walker:
        closed, dropped = (walker.start("iter_rows", IDS_BY_KIND, batch_size=3) for _ in range(2))
        for walk in (closed, dropped):
            for _ in range(2):
                walker.run(next(walk) if walker.loop is None else anext(walk))
        walker.run(closed.close() if walker.loop is None else closed.aclose())
        del walk, dropped

        assert connections.now == (source in HELD)
        assert next(walker.rows(IDS_BY_KIND)) == IDS[0]
    assert connections.now == 0


@ON_ASYNC_DRIVERS
@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("iterate", [async_iter_rows, async_iter_pages])
def test_a_loop_may_end_with_a_walk_that_is_not_at_its_end(
    filled: Database, iterate: Any, is_closed: bool
) -> None:
    async def begin() -> None:
        engine = create_async_engine(filled.url)
        walk = iterate(engine.connect, IDS_BY_KIND, batch_size=3)
        async for _ in walk:
            break
        if is_closed:
            await walk.aclose()
        await engine.dispose()

    # What is left behind would be a warning, and those are errors.
    asyncio.run(begin())


@ON_ASYNC_DRIVERS
def test_a_walk_that_is_cancelled_gives_its_connection_back(
    filled: Database, connections: Connections
) -> None:
    async def walk(engine: Any, has_begun: asyncio.Event) -> None:
        async for _ in async_iter_rows(engine.connect, IDS_BY_KIND, batch_size=1):
            has_begun.set()
            await asyncio.sleep(0)

    async def cancelled() -> int:
        engine = create_async_engine(filled.url)
        has_begun = asyncio.Event()
        task = asyncio.create_task(walk(engine, has_begun))
        await has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held = connections.now
        await engine.dispose()
        return held

    assert asyncio.run(cancelled()) == 0


@pytest.fixture
def alive() -> Iterator[weakref.WeakSet[Note]]:
    """The notes that were loaded and are still held by anyone."""
    notes: weakref.WeakSet[Note] = weakref.WeakSet()

    def note(loaded: Note, _: Any) -> None:
        notes.add(loaded)

    event.listen(Note, "load", note)
    yield notes
    event.remove(Note, "load", note)


@pytest.mark.parametrize("source", ["session", "scoped_session", *SESSION_OPENERS])
def test_one_batch_is_held_at_a_time(
    filled: Database, alive: weakref.WeakSet[Note], source: str
) -> None:
    most = number = 0

    def count(*_: Any) -> None:
        nonlocal most
        most = max(most, len(alive))

    event.listen(Note, "load", count)
    with SOURCES[source](filled) as walker:
        for _ in walker.rows(BY_KIND, batch_size=2):
            number += 1
            most = max(most, len(alive))
    event.remove(Note, "load", count)

    assert number == 41
    # One row beyond the batch is read, and this loop holds the last one of the batch before.
    assert most <= 2 + 1 + 1


@pytest.mark.parametrize("source", ["session", *SESSION_OPENERS])
def test_one_page_is_held_by_a_walk_over_pages(
    filled: Database, alive: weakref.WeakSet[Note], source: str
) -> None:
    most = 0

    with SOURCES[source](filled) as walker:
        for page in walker.pages(BY_KIND, batch_size=2):
            most = max(most, len(alive))
            del page

    assert most <= 2 + 1


@pytest.mark.parametrize(("batch_size", "number"), [(1, 41), (7, 6), (40, 2), (41, 1), (42, 1)])
@pytest.mark.parametrize("is_backward", [False, True])
def test_a_page_of_a_walk_is_one_statement(
    session_walker: Walker,
    statements: list[str],
    batch_size: int,
    number: int,
    is_backward: bool,
) -> None:
    cursor = None
    if is_backward:
        # Of the end: before it lie all rows.
        codec = CursorCodec()
        first = next(session_walker.pages(IDS_BY_KIND, batch_size=1))
        end = replace(codec.decode(first.meta.next_cursor), direction="before", keyset=None)
        cursor = codec.encode(end)
    statements.clear()

    found = list(session_walker.rows(IDS_BY_KIND, batch_size=batch_size, cursor=cursor))
    assert found == (IDS[::-1] if is_backward else IDS)
    assert len(statements) == number
    # What lies behind is not asked for: a walk over rows does not tell.
    assert not any("AS _p" in statement for statement in statements)

    statements.clear()
    list(session_walker.pages(IDS_BY_KIND, batch_size=batch_size, cursor=cursor))
    assert len(statements) == number
    assert sum("AS _p" in statement for statement in statements) == number - 1


@pytest.mark.parametrize("name", ["iter_rows", "iter_pages"])
@pytest.mark.parametrize(
    ("statement", "options", "error"),
    [
        (IDS_BY_KIND, {"batch_size": 0}, PageRequestError),
        (IDS_BY_KIND, {"batch_size": -1}, PageRequestError),
        (IDS_BY_KIND, {"batch_size": 2**63}, PageRequestError),
        (IDS_BY_KIND, {"cursor": ""}, InvalidCursorError),
        (IDS_BY_KIND, {"cursor": "garbage"}, InvalidCursorError),
        (IDS_BY_KIND, {"cursor": "A" * 9000}, InvalidCursorError),
        (insert(Note), {}, StatementNotPageableError),
    ],
)
def test_what_is_wrong_with_a_walk_is_told_before_its_first_step(
    session_walker: Walker,
    statements: list[str],
    name: str,
    statement: Any,
    options: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        session_walker.start(name, statement, **options)

    assert statements == []


@pytest.mark.parametrize("name", ["iter_rows", "iter_pages"])
def test_a_cursor_of_another_ordering_is_refused_before_a_row_is_read(
    session_walker: Walker, statements: list[str], name: str
) -> None:
    cursor = next(session_walker.pages(BY_KIND, batch_size=1)).meta.next_cursor
    statements.clear()

    other = select(Note.id).order_by(Note.kind.desc())
    with pytest.raises(InvalidCursorError) as raised:
        next(session_walker(name, other, cursor=cursor))

    assert raised.value.reason == "ordering"
    assert statements == []


def test_walks_do_not_disturb_each_other(session_walker: Walker) -> None:
    some = session_walker.rows(IDS_BY_KIND, batch_size=4)
    others = session_walker.rows(select(Note.id).order_by(Note.kind.desc()), batch_size=3)

    assert list(zip(some, others, strict=True)) == list(zip(IDS, IDS[::-1], strict=True))


STAYING = range(0, 400, 10)
"""The identities of the events that no one takes away."""


def rank_of(identity: int) -> int:
    # A dozen of each rank, so that ties cross the batches.
    return identity // 120


@pytest.fixture
def events(database: Database) -> Iterator[Database]:
    with database.tables(Base.metadata):
        with database.connect() as connection:
            connection.execute(insert(Event), [_event(identity) for identity in STAYING])
        yield database


def _event(identity: int) -> dict[str, Any]:
    return {"id": identity, "rank": rank_of(identity), "name": f"event {identity}"}


@pytest.fixture
def others(events: Database) -> Iterator[Connection]:
    """The connection of someone else, each of whose statements is committed at once."""
    engine = create_engine(events.sync_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if events.backend == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous = OFF")  # faster, and no less visible
        yield connection
    engine.dispose()


class Crowd:
    """Others who put events before, at and behind the place of a walk, and take them away again."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self._connection = connection
        self._random = random.Random(seed)
        self._present: set[int] = set()

    def come(self, number: int) -> None:
        free = sorted(set(range(400)) - set(STAYING) - self._present)
        chosen = self._random.sample(free, number)
        self._connection.execute(insert(Event), [_event(identity) for identity in chosen])
        self._present.update(chosen)

    def go(self, place: int) -> None:
        """Take away some, and the one at the place of the walk if it does not stay."""
        gone = set(self._random.sample(sorted(self._present), len(self._present) // 3))
        gone |= self._present & {place}
        self._connection.execute(delete(Event).where(Event.id.in_(gone)))
        self._present -= gone


@on_each_database
@pytest.mark.parametrize("source", ["session", "engine.connect"])
@pytest.mark.parametrize("is_backward", [False, True])
def test_what_stays_is_seen_once_while_others_come_and_go(
    events: Database, others: Connection, source: str, is_backward: bool
) -> None:
    statement = select(Event.id).order_by(Event.rank)
    crowd = Crowd(others, seed=7)
    crowd.come(60)
    seen: list[int] = []

    with SOURCES[source](events) as walker:
        cursor = None
        if is_backward:
            *_, last = walker.pages(statement, batch_size=90)
            cursor = last.meta.previous_cursor
        for number, identity in enumerate(walker.rows(statement, batch_size=4, cursor=cursor)):
            seen.append(identity)
            if number % 8 == 3:  # the last of a batch, whose values the next one begins after
                crowd.go(identity)
                crowd.come(20)

    # Identities rise with the rank, so that the order is theirs, and none repeats.
    assert seen == sorted(set(seen), reverse=is_backward)
    first = max(seen) if is_backward else len(STAYING) * 10
    assert [identity for identity in seen if identity in STAYING] == [
        identity for identity in sorted(STAYING, reverse=is_backward) if identity <= first
    ]


@on_each_database
def test_a_walk_does_not_end_before_rows_that_came_in_time(
    events: Database, others: Connection
) -> None:
    seen: list[int] = []
    with _connect(events) as walker:
        for identity in walker.rows(select(Event.id).order_by(Event.rank), batch_size=10):
            seen.append(identity)
            if len(seen) == 5:
                others.execute(insert(Event), [_event(identity) for identity in (395, 396)])

    assert seen == [*STAYING, 395, 396]


@on_each_database
@pytest.mark.parametrize("name", ["iter_rows", "iter_pages"])
def test_a_walk_ends_where_all_rows_behind_it_were_deleted(
    events: Database, others: Connection, name: str
) -> None:
    statement = select(Event.id).order_by(Event.rank)
    with _connect(events) as walker:
        walk = walker(name, statement, batch_size=10)
        first = list(islice(walk, 10 if name == "iter_rows" else 1))
        others.execute(delete(Event))

        assert first
        assert [item for item in walk if name == "iter_rows" or item.data] == []


@on_each_database
def test_an_event_that_moves_is_told_as_it_is(events: Database, others: Connection) -> None:
    # Values of the row as it was read lead on, not those it has got since.
    statement = select(Event).order_by(Event.rank)
    seen: list[int] = []

    with _session(events) as walker:
        for entity in walker.rows(statement, batch_size=1):
            seen.append(entity.id)
            if entity.id == 10:
                others.execute(update(Event).where(Event.id == 10).values(rank=-1))
                walker.run(walker.source.refresh(entity))

    assert seen == list(STAYING)

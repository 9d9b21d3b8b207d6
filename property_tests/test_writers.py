"""A reader walks by cursors while others write: each page is held against a list in Python.

Writers come between the pages, so that the list says what a page holds and what lies on either
side of it. Sort keys are integers and single letters, which every database orders as Python does.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any, Literal
from zlib import crc32

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Select,
    String,
    and_,
    create_engine,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship

from tests.databases import ONE_OF_EACH_DRIVERS, Caller, Database, database_of

Values = tuple[Any, ...]
Direction = Literal["after", "before"]

OPPOSITE: dict[Direction, Direction] = {"after": "before", "before": "after"}
OWNERS = {1: "b", 2: "a", 3: "b"}
PLACES_IN_A_HALL = 4


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "walked_owner"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20))


class Item(Base):
    __tablename__ = "walked_item"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int]
    score: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("walked_owner.id"))

    owner: Mapped[Owner | None] = relationship()
    tags: Mapped[list["Tag"]] = relationship()


class Tag(Base):
    __tablename__ = "walked_tag"
    item_id: Mapped[int] = mapped_column(ForeignKey("walked_item.id"), primary_key=True)
    label: Mapped[str] = mapped_column(String(20), primary_key=True)


class Seat(Base):
    """As an item, with a key of two columns."""

    __tablename__ = "walked_seat"
    hall: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int]
    score: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(20))


Entity = type[Item] | type[Seat]


@dataclass(frozen=True, slots=True)
class Row:
    """An item or a seat as the list has it; no two are alike, as each has a note of its own."""

    id: int
    rank: int
    score: int | None
    name: str
    note: str
    owner_id: int | None
    tags: tuple[str, ...]

    @property
    def hall(self) -> int:
        return self.id // PLACES_IN_A_HALL

    @property
    def place(self) -> int:
        return self.id % PLACES_IN_A_HALL


@dataclass(frozen=True, slots=True)
class Listing:
    """A statement, and what Python sorts and filters by to have the same."""

    statement: Select[Any]
    order: Callable[[Row], Values]
    holds: Callable[[Row], bool] = lambda row: True
    loads_tags: bool = False

    @property
    def entity(self) -> Entity:
        entity: Entity = self.statement.column_descriptions[0]["entity"]
        return entity

    def shown(self, row: Row) -> Row:
        """Return the row with no more than the statement loads of it."""
        owner_id = row.owner_id if self.entity is Item else None
        return replace(row, owner_id=owner_id, tags=row.tags if self.loads_tags else ())


def nulls_first(value: int | None, sign: int = 1) -> Values:
    return (0,) if value is None else (1, sign * value)


def nulls_last(value: int | None, sign: int = 1) -> Values:
    return (1,) if value is None else (0, sign * value)


LISTINGS = {
    "the primary key": Listing(select(Item), lambda row: (row.id,)),
    "the primary key, descending": Listing(
        select(Item).order_by(Item.id.desc()), lambda row: (-row.id,)
    ),
    "ties": Listing(select(Item).order_by(Item.rank), lambda row: (row.rank, row.id)),
    "ties, descending": Listing(
        select(Item).order_by(Item.rank.desc()), lambda row: (-row.rank, -row.id)
    ),
    "ties of a text": Listing(select(Item).order_by(Item.name), lambda row: (row.name, row.id)),
    "NULLs first": Listing(
        select(Item).order_by(Item.score.nulls_first()),
        lambda row: (nulls_first(row.score), row.id),
    ),
    "NULLs last": Listing(
        select(Item).order_by(Item.score.nulls_last()),
        lambda row: (nulls_last(row.score), row.id),
    ),
    "NULLs first, descending": Listing(
        select(Item).order_by(Item.score.desc().nulls_first()),
        lambda row: (nulls_first(row.score, -1), -row.id),
    ),
    "NULLs last, descending": Listing(
        select(Item).order_by(Item.score.desc().nulls_last()),
        lambda row: (nulls_last(row.score, -1), -row.id),
    ),
    "NULLs of two columns": Listing(
        select(Item).order_by(Item.score.nulls_last(), Item.owner_id.desc().nulls_last()),
        lambda row: (nulls_last(row.score), nulls_last(row.owner_id, -1), -row.id),
    ),
    "mixed directions": Listing(
        select(Item).order_by(Item.rank.desc(), Item.name),
        lambda row: (-row.rank, row.name, row.id),
    ),
    "mixed directions and NULLs": Listing(
        select(Item).order_by(Item.rank, Item.score.desc().nulls_last(), Item.id),
        lambda row: (row.rank, nulls_last(row.score, -1), row.id),
    ),
    "a key of two columns": Listing(select(Seat), lambda row: (row.hall, row.place)),
    "a key of two columns, in mixed directions": Listing(
        select(Seat).order_by(Seat.hall.desc(), Seat.place),
        lambda row: (-row.hall, row.place),
    ),
    "ties above a key of two columns": Listing(
        select(Seat).order_by(Seat.score.desc().nulls_first()),
        lambda row: (nulls_first(row.score, -1), -row.hall, -row.place),
    ),
    "a filter": Listing(
        select(Item).where(Item.score > 0).order_by(Item.rank),
        lambda row: (row.rank, row.id),
        holds=lambda row: row.score is not None and row.score > 0,
    ),
    "a join": Listing(
        select(Item).join(Item.owner).order_by(Owner.name.desc(), Item.rank),
        lambda row: (-ord(OWNERS[row.owner_id or 0]), row.rank, row.id),
        holds=lambda row: row.owner_id is not None,
    ),
    "an outer join": Listing(
        select(Item).outerjoin(Item.owner).order_by(Owner.name.nulls_last()),
        lambda row: (nulls_last(row.owner_id and ord(OWNERS[row.owner_id])), row.id),
    ),
    "a collection loaded by a join, in mixed directions": Listing(
        select(Item).options(joinedload(Item.tags)).order_by(Item.rank.desc(), Item.name),
        lambda row: (-row.rank, row.name, row.id),
        loads_tags=True,
    ),
    "a collection loaded by a join": Listing(
        select(Item).options(joinedload(Item.tags)).order_by(Item.rank),
        lambda row: (row.rank, row.id),
        loads_tags=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor leads: past these values of the sort keys; without any, in from an end."""

    direction: Direction
    values: Values | None

    def is_ahead(self, values: Values) -> bool:
        if self.values is None:
            return True
        return values > self.values if self.direction == "after" else values < self.values


START = Place("after", None)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A cursor, and where it should lead."""

    cursor: str
    place: Place


@dataclass(slots=True)
class Walk:
    """Pages read one after the other in one direction.

    Attributes:
        start: where it began.
        staying: the ids of the rows that have been in their places ever since.
        seen: the rows that it has shown.
    """

    start: Place
    staying: set[int]
    seen: list[Row] = field(default_factory=list)


IDS = st.integers(0, 23)
SIZES = st.integers(1, 6)
CONTENTS = st.fixed_dictionaries(
    {
        "rank": st.integers(0, 2),
        "score": st.none() | st.integers(0, 2),
        "name": st.sampled_from("abc"),
        "owner_id": st.none() | st.sampled_from(sorted(OWNERS)),
        "tags": st.sets(st.sampled_from("xyz")).map(sorted).map(tuple),
    }
)


class ReaderAndWriters(RuleBasedStateMachine):
    """One reader, and others whose every statement is committed at once."""

    bookmarks = Bundle("bookmarks")

    def __init__(self, reader: Caller, others: Connection, listing: Listing) -> None:
        super().__init__()
        self.reader = reader
        self.listing = listing
        self.others = others
        self.rows: dict[int, Row] = {}
        self.notes = (f"note {number}" for number in count())
        self.links: dict[Direction, Bookmark] = {}

    @initialize(
        target=bookmarks,
        contents=st.dictionaries(IDS, CONTENTS, min_size=10),
        limit=SIZES,
    )
    def begin(self, contents: dict[int, Any], limit: int) -> Any:
        for entity in (Tag, Item, Seat):
            self.others.execute(delete(entity))
        self._insert(contents)
        return self._read(None, limit)

    # What the reader does.

    @rule(target=bookmarks, limit=SIZES)
    def begin_again(self, limit: int) -> Any:
        return self._read(None, limit)

    @precondition(lambda self: self._onward in self.links)
    @rule(target=bookmarks, limit=SIZES)
    def go_on(self, limit: int) -> Any:
        return self._read(self.links[self._onward], limit)

    @precondition(lambda self: OPPOSITE[self._onward] in self.links)
    @rule(target=bookmarks, limit=SIZES)
    def turn_round(self, limit: int) -> Any:
        return self._read(self.links[OPPOSITE[self._onward]], limit)

    @rule(target=bookmarks, bookmark=bookmarks, limit=SIZES)
    def take_up_an_old_cursor(self, bookmark: Bookmark, limit: int) -> Any:
        return self._read(bookmark, limit)

    @rule(limit=SIZES)
    def go_on_to_the_end(self, limit: int) -> None:
        while self._onward in self.links:
            self._read(self.links[self._onward], limit)

    # What the writers do.

    @rule(contents=st.dictionaries(IDS, CONTENTS, min_size=1, max_size=8))
    def insert(self, contents: dict[int, Any]) -> None:
        """Insert rows; where another one has a key of theirs, that is deleted before."""
        self._delete(contents.keys())
        self._insert(contents)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def change_what_is_not_sorted_by(self, data: st.DataObject) -> None:
        self._update(self._any(data))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), content=CONTENTS)
    def change_what_is_sorted_by(self, data: st.DataObject, content: dict[str, Any]) -> None:
        row = self._any(data)
        self._update(replace(row, **{**content, "tags": row.tags}))

    @rule(ids=st.sets(IDS, min_size=1, max_size=6))
    def delete(self, ids: set[int]) -> None:
        self._delete(ids)

    @rule()
    def delete_the_rows_that_the_cursors_are_of(self) -> None:
        values = [bookmark.place.values for bookmark in self.links.values()]
        self._delete({row.id for row in self._listed if self.listing.order(row) in values})

    @rule(direction=st.sampled_from(sorted(OPPOSITE)))
    def delete_all_on_one_side(self, direction: Direction) -> None:
        if direction in self.links:
            is_ahead = self.links[direction].place.is_ahead
            self._delete({row.id for row in self._listed if is_ahead(self.listing.order(row))})

    def _insert(self, contents: dict[int, Any]) -> None:
        entity = self.listing.entity
        rows = [Row(id=id_, note=next(self.notes), **content) for id_, content in contents.items()]
        self.rows.update({row.id: row for row in rows})
        self.others.execute(insert(entity), [_columns_of(entity, row) for row in rows])
        tags = [{"item_id": row.id, "label": label} for row in rows for label in row.tags]
        if entity is Item and tags:
            self.others.execute(insert(Tag), tags)

    def _update(self, row: Row) -> None:
        before, after = self.rows[row.id], replace(row, note=next(self.notes))
        self.rows[row.id] = after
        entity = self.listing.entity
        self.others.execute(
            update(entity).where(_is(entity, row.id)).values(_columns_of(entity, after))
        )
        if self._place_of(before) != self._place_of(after):
            self.walk.staying.discard(row.id)

    def _delete(self, ids: Collection[int]) -> None:
        entity = self.listing.entity
        if gone := self.rows.keys() & ids:
            self.others.execute(delete(Tag).where(Tag.item_id.in_(gone)))
            self.others.execute(delete(entity).where(or_(*(_is(entity, id_) for id_ in gone))))
        for id_ in gone:
            del self.rows[id_]
            self.walk.staying.discard(id_)

    # What is promised.

    def _read(self, bookmark: Bookmark | None, limit: int) -> Any:
        place = START if bookmark is None else bookmark.place
        if bookmark is None or bookmark is not self.links.get(self._onward):
            self.walk = Walk(place, {row.id for row in self._listed})
        shown, cursors = self._page(bookmark, limit)

        expected, sides = self._expected(place, limit)
        assert shown == [self.listing.shown(row) for row in expected]
        assert set(cursors) == sides

        edges: list[Values] | list[None] = [self.listing.order(row) for row in expected] or [None]
        at_edges: dict[Direction, Values | None] = {"after": edges[-1], "before": edges[0]}
        self.links = {
            side: Bookmark(cursor, Place(side, at_edges[side])) for side, cursor in cursors.items()
        }
        self.walk.seen += shown if place.direction == "after" else shown[::-1]
        self._check_walk()
        return multiple(*self.links.values())

    def _page(
        self, bookmark: Bookmark | None, limit: int
    ) -> tuple[list[Row], dict[Direction, str]]:
        cursor = None if bookmark is None else bookmark.cursor
        with _session_on(self.reader) as caller:
            page = caller("cursor_page", self.listing.statement, cursor=cursor, limit=limit)
            shown = [_row_of(item) for item in page.data]
        found = {"after": page.meta.next_cursor, "before": page.meta.previous_cursor}
        return shown, {side: cursor for side, cursor in found.items() if cursor is not None}

    def _expected(self, place: Place, limit: int) -> tuple[list[Row], set[Direction]]:
        """Return the rows of a page and the sides on which there are others."""
        ordered = sorted(self._listed, key=self.listing.order)
        ahead = [row for row in ordered if place.is_ahead(self.listing.order(row))]
        sides: set[Direction] = set()
        if len(ahead) > limit:
            sides.add(place.direction)
        if len(ahead) < len(ordered):
            sides.add(OPPOSITE[place.direction])
        return ahead[:limit] if place.direction == "after" else ahead[-limit:], sides

    def _check_walk(self) -> None:
        """The rows of a walk rise; those that stay all come, and once."""
        order, walk = self.listing.order, self.walk
        values = [order(row) for row in walk.seen]
        assert all(Place(self._onward, one).is_ahead(next_) for one, next_ in pairwise(values))

        stayed = sorted(
            (order(row) for row in self._listed if row.id in walk.staying),
            reverse=self._onward == "before",
        )
        is_over = self._onward not in self.links
        rest = Place(self._onward, None if is_over else values[-1])
        assert [order(row) for row in walk.seen if row.id in walk.staying] == [
            value
            for value in stayed
            if walk.start.is_ahead(value) and (is_over or not rest.is_ahead(value))
        ]

    @property
    def _onward(self) -> Direction:
        return self.walk.start.direction

    @property
    def _listed(self) -> list[Row]:
        return [row for row in self.rows.values() if self.listing.holds(row)]

    def _place_of(self, row: Row) -> Values | None:
        return self.listing.order(row) if self.listing.holds(row) else None

    def _any(self, data: st.DataObject) -> Row:
        return self.rows[data.draw(st.sampled_from(sorted(self.rows)))]


def _columns_of(entity: Entity, row: Row) -> dict[str, Any]:
    key = ("id", "owner_id") if entity is Item else ("hall", "place")
    return {name: getattr(row, name) for name in (*key, "rank", "score", "name", "note")}


def _is(entity: Entity, id_: int) -> ColumnElement[bool]:
    if entity is Item:
        return Item.id == id_
    return and_(Seat.hall == id_ // PLACES_IN_A_HALL, Seat.place == id_ % PLACES_IN_A_HALL)


def _row_of(item: Item | Seat) -> Row:
    if isinstance(item, Seat):
        id_, owner_id = item.hall * PLACES_IN_A_HALL + item.place, None
    else:
        id_, owner_id = item.id, item.owner_id
    # What the statement has not loaded must not be loaded now.
    tags = sorted(tag.label for tag in item.__dict__.get("tags", ()))
    return Row(id_, item.rank, item.score, item.name, item.note, owner_id, tuple(tags))


@contextmanager
def _session_on(connection: Caller) -> Iterator[Caller]:
    """Open a session for one page, in a transaction of its own: another would hide what is new."""
    if connection.loop is None:
        with Session(connection.session) as session:
            yield Caller(session, None)
        return
    async_session = AsyncSession(connection.session)
    try:
        yield Caller(async_session, connection.loop)
    finally:
        connection.loop.run(async_session.close())


@pytest.fixture(
    scope="module",
    params=ONE_OF_EACH_DRIVERS,
)
def walked(
    request: pytest.FixtureRequest, databases: dict[str, Database]
) -> Iterator[tuple[Caller, Connection]]:
    """The connections of the reader and of the writers to each database."""
    database = database_of(request, databases, request.param)
    engine = create_engine(database.sync_url, isolation_level="AUTOCOMMIT")
    with database.tables(Base.metadata), database.core() as reader, engine.connect() as others:
        if database.backend == "sqlite":
            others.exec_driver_sql("PRAGMA synchronous = OFF")  # faster, and no less visible
        owners = [{"id": id_, "name": name} for id_, name in OWNERS.items()]
        others.execute(insert(Owner), owners)
        yield reader, others
    engine.dispose()


@pytest.mark.parametrize("name", LISTINGS)
def test_rows_that_stay_are_seen_once_while_others_write(
    walked: tuple[Caller, Connection], name: str
) -> None:
    def machine() -> ReaderAndWriters:
        return ReaderAndWriters(*walked, LISTINGS[name])

    if settings.default.derandomize:
        seed(crc32(name.encode()))(machine)  # or all would make the same steps
    few = max(1, settings.default.max_examples // 33)
    run_state_machine_as_test(machine, settings=settings(max_examples=few, stateful_step_count=30))

"""The verification kit on statements: right pages pass, and what is wrong is named."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqla_pages import CursorCodec, StatementNotPageableError
from sqla_pages.testing import PagesMismatchError, assert_pages_match
from sqla_pages.testing.differences import Expected, differences

from .databases import IS_FULL, ONE_OF_EACH_DRIVERS, Database
from .shapes import ALL_SHAPES
from .test_cursor_pages import REFUSED

# The statement itself returns any of several rows.
AMBIGUOUS = {"DISTINCT ON, any of several"}
CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in (ONE_OF_EACH_DRIVERS if IS_FULL else ["sqlite+pysqlite"])
    # In the full profile all of them on SQLite; else some, since other tests hold the pages of all
    # against the rows.
    for name, shape in list(ALL_SHAPES.items())[:: 1 if IS_FULL and "sqlite" in driver else 5]
    if driver.split("+")[0] in shape.backends and name not in AMBIGUOUS
]


@pytest.mark.parametrize(("filled", "name"), CASES, indirect=["filled"], scope="module")
def test_the_pages_of_every_shape_match(filled: Database, name: str) -> None:
    shape = ALL_SHAPES[name]
    with filled.session() as caller:
        caller.verify(
            shape.make(),
            scalars=shape.scalars,
            limits=(2, 1000),
            cursors=not shape.only_offsets and name not in REFUSED,
            offsets=not shape.only_cursors,
        )


class Model(DeclarativeBase):
    pass


class Player(Model):
    __tablename__ = "player"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    points: Mapped[int]


METADATA = MetaData()
# As somebody might map a view: neither column is unique in it.
SCORE = Table(
    "score", METADATA, Column("player", Integer, primary_key=True), Column("points", Integer)
)
# As somebody might map a table: there are NULLs in the database.
NOTE = Table(
    "note",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("words", String(10), nullable=False),
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        Model.metadata.create_all(connection)
        connection.execute(text("CREATE TABLE score (player INTEGER, points INTEGER)"))
        connection.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY, words VARCHAR(10))"))
        players = [("Ada", 3), (None, 3), ("Ada", 1), ("Alan", 3), (None, 2)]
        rows = [{"name": name, "points": points} for name, points in players]
        connection.execute(insert(Player), rows)
        yield connection
    engine.dispose()


BY_POINTS = select(Player).order_by(Player.points.desc())


def test_right_pages_pass_whatever_is_paged(connection: Connection) -> None:
    with Session(connection) as session:
        assert_pages_match(session, BY_POINTS)
        assert_pages_match(session, session.query(Player.name).order_by(Player.name))
    assert_pages_match(connection, select(Player.name, Player.points), scalars=False)
    assert_pages_match(connection, BY_POINTS.limit(2), limits=[1, 2, 3])
    assert_pages_match(connection, BY_POINTS.where(Player.points > 9))
    assert_pages_match(connection, BY_POINTS, codec=CursorCodec(scope="tenant 7"))


def test_rows_that_are_known_can_be_given(connection: Connection) -> None:
    names = select(Player.name, Player.points).order_by(Player.id)
    rows: list[Any] = [("Ada", 3), (None, 3), ("Ada", 1), ("Alan", 3), (None, 2)]
    known = [{"name": name, "points": points} for name, points in rows]

    assert_pages_match(connection, names, scalars=False, expected=known)
    with pytest.raises(PagesMismatchError) as caught:
        assert_pages_match(
            connection, names, scalars=False, expected=[*known[1:4], {"name": "Eve", "points": 2}]
        )
    with pytest.raises(PagesMismatchError, match=r"out of order: 2 \(row 2, on page 1\), 3 "):
        assert_pages_match(
            connection, select(Player.id).order_by(Player.id), expected=[1, 3, 2, 4, 5]
        )

    assert str(caught.value).startswith("the statement without pages:")
    assert "lost: {name: 'Eve', points: 2}" in str(caught.value)
    assert "not of the statement: {name: 'Ada', points: 3} (on page 1)" in str(caught.value)


def test_a_primary_key_that_is_none_is_named_as_the_cause(connection: Connection) -> None:
    rows = [{"player": player, "points": 1} for player in (1, 1, 1, 2)]
    connection.execute(insert(SCORE), rows)

    with pytest.raises(PagesMismatchError) as caught:
        assert_pages_match(connection, select(SCORE.c.player).order_by(SCORE.c.points), limits=[2])

    message = str(caught.value)
    assert message.startswith("cursor pages, read forward, of 2 rows of a statement of 4 rows:\n")
    assert "- 3 rows, not 4\n- lost: 1 (row 3, after page 1)\n" in message
    assert "likely cause: rows are equal in all of (score.points, score.player)" in message


def test_a_column_that_is_null_though_it_may_not_be_is_refused_or_named(
    connection: Connection,
) -> None:
    rows = [{"words": words} for words in ("b", None, "a", None)]
    connection.execute(text("INSERT INTO note (words) VALUES (:words)"), rows)
    by_words = select(NOTE.c.id).order_by(NOTE.c.words)

    with pytest.raises((PagesMismatchError, StatementNotPageableError), match="NOT NULL"):
        assert_pages_match(connection, by_words, limits=[1])
    with pytest.raises((PagesMismatchError, StatementNotPageableError), match="NOT NULL"):
        assert_pages_match(connection, by_words.order_by(None).order_by(NOTE.c.words.desc()))


def test_a_statement_that_returns_other_rows_each_time_is_named_as_the_cause(
    connection: Connection,
) -> None:
    many = select(Player.id, func.random()).join(SCORE, SCORE.c.player != Player.id)
    connection.execute(insert(SCORE), [{"player": player} for player in range(6, 16)])

    with pytest.raises(PagesMismatchError, match="other rows each time"):
        assert_pages_match(connection, many, scalars=False)


def test_what_cannot_be_paged_or_tried_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="5 rows, more than max_rows=4"):
        assert_pages_match(connection, BY_POINTS, max_rows=4)
    with pytest.raises(ValueError, match="nothing to try"):
        assert_pages_match(connection, BY_POINTS, limits=[])
    with pytest.raises(ValueError, match="nothing to try"):
        assert_pages_match(connection, BY_POINTS, cursors=False, offsets=False)
    with pytest.raises(StatementNotPageableError):
        assert_pages_match(connection, select(text("1")), offsets=False)


@pytest.mark.parametrize(
    ("pages", "faults"),
    [
        ([["a", "b"], ["c", "d"], ["e"]], []),
        ([["a", "c"], ["b", "d"], ["e"]], []),
        ([["a", "b"], ["d"], ["e"]], ["4 rows, not 5", "lost: 'c' (row 3, after page 1)"]),
        ([["b", "c"], ["d", "e"]], ["4 rows, not 5", "lost: 'a' (row 1, before page 1)"]),
        ([["a", "b", "d"], ["e"]], ["4 rows, not 5", "lost: 'c' (row 3, within page 1)"]),
        (
            [["a", "b"], ["b", "c"], ["d", "e"]],
            ["6 rows, not 5", "doubled: 'b' (on page 1 and 2)"],
        ),
        (
            [["a", "b"], ["c", "x"], ["e"]],
            ["lost: 'd' (row 4, within page 2)", "not of the statement: 'x' (on page 2)"],
        ),
        (
            [["a", "b"], ["d", "c"], ["e"]],
            ["out of order: 'd' (row 3, on page 2), 'c' (row 4, on page 2)"],
        ),
    ],
)
def test_a_difference_says_which_rows_and_where(pages: Any, faults: list[str]) -> None:
    # b and c are equal in what is sorted by.
    assert list(differences(Expected("abcde", (1, 2, 1, 1)), pages)) == faults


def test_a_limit_of_the_statement_leaves_open_which_of_equal_rows_there_are() -> None:
    # The first three of a, then b to e, which are equal in what is sorted by.
    cut = Expected("abc", (1, 2), pool="abcde")

    assert not list(differences(cut, ["ae", "d"]))
    assert list(differences(cut, ["ae", "e"])) == ["doubled: 'e' (on page 1 and 2)"]
    assert list(differences(cut, ["ax", "e"])) == ["not of the statement: 'x' (on page 1)"]
    assert list(differences(cut, ["ae"])) == ["2 rows, not 3"]


def test_more_rows_than_a_message_can_name_are_counted() -> None:
    (_, line) = differences(Expected(range(100), (1,) * 100), [range(10)])

    assert line.startswith("lost: 10 (row 11, after page 1), 11 (row 12, ")
    assert line.endswith(", and 85 more")

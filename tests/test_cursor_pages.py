"""Cursor pages hold exactly the rows of the unpaged statement, for statements of every shape."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, join, select
from sqlalchemy.orm import contains_eager

from sqla_pages import OrderingNotTotalError

from .databases import MATRIX_DRIVERS, Caller, Database, sizes_on
from .schema import Base, Note, User
from .shapes import ALL_SHAPES, Shape
from .unpaged import plain_all, unpaged

LARGE = 1000

# Why some shapes have no cursor pages: what the message says.
REFUSED = {
    "a table without a key": "the rows of log apart",
    "a table without a key, sorted": "the rows of log apart",
    "a recursive CTE": "the rows of numbers apart",
    "a union as a subquery": "the rows of a subquery apart",
    "VALUES": "the rows of v apart",
    "GROUP BY ROLLUP": "without ROLLUP",
    "a set-returning function": "a function repeats the rows",
}
CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in MATRIX_DRIVERS
    for name, shape in ALL_SHAPES.items()
    if driver.split("+")[0] in shape.backends and not shape.only_offsets
]


@pytest.mark.parametrize(
    ("filled", "name"),
    [case for case in CASES if case.values[1] not in REFUSED],
    indirect=["filled"],
    scope="module",
)
def test_pages_in_both_directions_together_are_the_unpaged_result(
    filled: Database, name: str
) -> None:
    shape = ALL_SHAPES[name]
    with filled.session() as caller:
        expected = unpaged(caller, shape.make, shape.scalars)
        (in_one,), _ = _walked(caller, shape, LARGE)

        if shape.unlimited is None:
            assert Counter(in_one) == Counter(expected)
        else:
            assert len(in_one) == len(expected)
            assert Counter(in_one) <= Counter(unpaged(caller, shape.unlimited, shape.scalars))
        assert caller("count", shape.make()) == len(in_one)
        for size in sizes_on(filled.url):
            forward, end = _walked(caller, shape, size)
            assert [row for page in forward for row in page] == in_one
            assert [len(page) for page in forward[:-1]] == [size] * (len(forward) - 1)
            backward = [*_walked_back(caller, shape, size, end), forward[-1]]
            assert [row for page in backward for row in page] == in_one
            assert [len(page) for page in backward[1:-1]] == [size] * (len(backward) - 2)


@pytest.mark.parametrize(
    ("filled", "name"),
    [case for case in CASES if case.values[1] in REFUSED],
    indirect=["filled"],
    scope="module",
)
def test_what_nothing_proves_to_be_in_order_is_refused_with_its_reason(
    filled: Database, name: str
) -> None:
    shape = ALL_SHAPES[name]

    with (
        filled.session() as caller,
        pytest.raises(OrderingNotTotalError, match=REFUSED[name]),
    ):
        caller("cursor_page", shape.make(), scalars=shape.scalars)


user, note, team = (Base.metadata.tables[name] for name in ("user", "note", "team"))

# Statements whose own order leaves nothing open, so that the unpaged result is the order of pages.
ORDERED: dict[str, Callable[[], Any]] = {
    "by a label that hides a column": lambda: select(User.id, (-User.id).label("name")).order_by(
        "name"
    ),
    "by a coalesce of nullable columns": lambda: select(User.id).order_by(
        func.coalesce(User.score, User.team_id).desc(), User.id
    ),
    "by a column of a join within an outer join": lambda: (
        select(user.c.id, note.c.id)
        .select_from(user.outerjoin(join(note, team, team.c.id == 3), note.c.user_id == user.c.id))
        .order_by(team.c.name.desc(), user.c.id, note.c.id)
    ),
    "by a column that a join within an outer join compares": lambda: (
        select(user.c.id, note.c.id)
        .select_from(
            user.outerjoin(join(note, team, team.c.id == note.c.kind), note.c.user_id == user.c.id)
        )
        .order_by(note.c.kind.desc(), user.c.id, note.c.id)
    ),
    "by a condition that may be NULL": lambda: select(User.id).order_by(User.score > 1, User.id),
    "by NULLs after another key": lambda: select(User.id).order_by(
        User.name, User.score.nulls_last(), User.email
    ),
    "by a child's column, for entities that come repeatedly": lambda: (
        select(User)
        .join(User.notes)
        .options(contains_eager(User.notes))
        .order_by(Note.kind.desc(), Note.id)
    ),
}
on_sqlite = pytest.mark.parametrize(
    "filled",
    ["sqlite+pysqlite"],
    indirect=True,
)


@on_sqlite
@pytest.mark.parametrize("name", ORDERED)
def test_pages_are_in_the_order_of_the_statement_itself(filled: Database, name: str) -> None:
    make = ORDERED[name]
    with filled.session() as caller:
        expected = [row[0] for row in caller.execute(make()).unique()]
        found: list[Any] = []
        cursor = None
        while cursor is not None or not found:
            page = caller("cursor_page", make(), limit=3, cursor=cursor)
            found += page.data
            cursor = page.meta.next_cursor
            assert len(found) <= len(expected)

        assert found == expected


@on_sqlite
def test_the_second_of_two_pages_of_one_row_has_a_way_back(filled: Database) -> None:
    statement = select(User.id).order_by(User.id)
    with filled.session() as caller:
        first = caller("cursor_page", statement, limit=1)
        second = caller("cursor_page", statement, limit=1, cursor=first.meta.next_cursor)

        assert second.meta.previous_cursor is not None
        again = caller("cursor_page", statement, limit=1, cursor=second.meta.previous_cursor)

    assert (again.data, again.meta.previous_cursor) == (first.data, None)


def _walked(caller: Caller, shape: Shape, size: int) -> tuple[list[list[Any]], str | None]:
    """Return the pages from the first to the last, and the cursor back from there."""
    pages: list[list[Any]] = []
    cursor, back = None, None
    while cursor is not None or not pages:
        items, meta = _page(caller, shape, cursor, size)
        back = meta["previous_cursor"]
        assert (back is None) == (not pages)
        pages.append(items)
        cursor = meta["next_cursor"]
    return pages, back


def _walked_back(caller: Caller, shape: Shape, size: int, cursor: str | None) -> list[list[Any]]:
    """Return the pages from the first to where the cursor is, read from there backward."""
    pages: list[list[Any]] = []
    while cursor is not None:
        items, meta = _page(caller, shape, cursor, size)
        assert meta["next_cursor"] is not None
        pages.insert(0, items)
        cursor = meta["previous_cursor"]
    return pages


def _page(
    caller: Caller, shape: Shape, cursor: str | None, limit: int
) -> tuple[list[Any], dict[str, str | None]]:
    page = caller("cursor_page", shape.make(), cursor=cursor, limit=limit, scalars=shape.scalars)
    return plain_all(caller, page.data), page.meta.model_dump()

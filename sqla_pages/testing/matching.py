"""Holds the pages of a statement against what the statement returns without them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..by_cursor import cursor_page
from ..by_offset import offset_page
from ..cursor import UNSIGNED, CursorCodec
from ..execute import AnyAsyncSession, AnySession, async_call, count
from ..plan import Pageable
from .causes import likely_cause
from .differences import Expected, PagesMismatchError, differences, listed
from .responses import check_page
from .rows import Key, keys_of
from .unpaged import expected_of
from .walks import Read, Walk, answered, cursor_walks

LIMITS = (1, 2, 7, 100)


def assert_pages_match(
    session: AnySession,
    statement: Pageable,
    *,
    scalars: bool = True,
    limits: Sequence[int] = LIMITS,
    expected: Sequence[Any] | None = None,
    cursors: bool = True,
    offsets: bool = True,
    codec: CursorCodec = UNSIGNED,
    max_rows: int = 1000,
) -> None:
    """Read all pages of a statement, and fail if they are not exactly its rows.

    Pages of each size are read by cursors, forward and backward, and by offsets, past the end too.
    All of them together have to be the rows that the statement returns without pages, each once, in
    its order, as far as it says one, and in the same order by every size; links, lengths, totals
    and `count()` have to be true. Nobody else should write meanwhile. Entities are compared by
    their primary keys, other rows by all of their values.

    Args:
        session: a session or connection, with rows in its database that make the statement's life
            hard: equal values of what it sorts by, NULLs, more than one page.
        statement: a select(), a union of them, or a legacy Query.
        scalars: whether the first element of each row is taken, or the row as a mapping.
        limits: the sizes of pages to try, each 1 or more.
        expected: the items that the pages should hold, in order, if you know them: entities,
            mappings (a dict will do), or values. They come from the statement itself otherwise.
        cursors: whether pages are read by cursors; turn it off for a statement that has none.
        offsets: whether pages are read by offsets.
        codec: what makes and reads cursors.
        max_rows: how many rows the statement may have: one statement is sent for each of them, if
            pages of one are tried.

    Raises:
        PagesMismatchError: the pages are wrong; an AssertionError that says which rows are lost,
            doubled or out of order, on which page, and the likely cause.
        ValueError: there are more rows than `max_rows`, or nothing to try.
        PagesError: what reading the pages raises: the statement is refused.

    Example:
        >>> from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select
        >>> from sqla_pages.testing import assert_pages_match
        >>> score = Table(
        ...     "score", MetaData(), Column("id", Integer, primary_key=True),
        ...     Column("points", Integer),
        ... )
        >>> engine = create_engine("sqlite://")
        >>> with engine.begin() as connection:
        ...     score.create(connection)
        ...     rows = [{"points": points} for points in (3, None, 3, 1, None, 3)]
        ...     _ = connection.execute(insert(score), rows)
        ...     assert_pages_match(connection, select(score).order_by(score.c.points.desc()))
        >>> engine.dispose()
    """
    if not limits or not (cursors or offsets):
        raise ValueError("there is nothing to try: give limits, and let cursors or offsets be true")
    total = count(session, statement)
    if total > max_rows:
        raise ValueError(
            f"the statement has {total} rows, more than max_rows={max_rows}: test it on fewer, "
            "or give a larger max_rows"
        )
    rows = expected_of(session, statement, scalars=scalars)
    subject = _Subject(session, statement, scalars, codec, rows)
    if expected is not None:
        wanted = Expected(keys_of(expected), [1] * len(expected))
        faults = list(differences(wanted, [rows.rows]))
        if faults:
            raise PagesMismatchError(listed("the statement without pages:", faults))
    if total != len(rows.rows):
        subject.require("count()", [f"{total}, not {len(rows.rows)}"])
    first: dict[str, tuple[str, list[Key]]] = {}
    for limit in limits:
        for walk in subject.walks(limit, cursors=cursors, offsets=offsets):
            name = f"{walk.way} of {limit} rows"
            faults = [*differences(rows, walk.pages), *walk.faults]
            order = [key for page in walk.pages for key in page]
            other, before = first.setdefault(walk.kind, (name, order))
            if not faults and order != before:
                faults = [f"rows that the statement sorts as equal stand otherwise in the {other}"]
            subject.require(name, faults)


async def async_assert_pages_match(
    session: AnyAsyncSession,
    statement: Pageable,
    *,
    scalars: bool = True,
    limits: Sequence[int] = LIMITS,
    expected: Sequence[Any] | None = None,
    cursors: bool = True,
    offsets: bool = True,
    codec: CursorCodec = UNSIGNED,
    max_rows: int = 1000,
) -> None:
    """Do as `assert_pages_match` does, on an asyncio session or connection.

    Example:
        >>> import asyncio
        >>> from sqlalchemy import literal, select, union
        >>> from sqlalchemy.ext.asyncio import create_async_engine
        >>> from sqla_pages.testing import async_assert_pages_match
        >>> async def check() -> None:
        ...     engine = create_async_engine("sqlite+aiosqlite://")
        ...     async with engine.connect() as connection:
        ...         numbers = union(select(literal(1)), select(literal(2)))
        ...         await async_assert_pages_match(connection, numbers)
        ...     await engine.dispose()
        >>> asyncio.run(check())
    """
    await async_call(
        session,
        assert_pages_match,
        statement,
        scalars=scalars,
        limits=limits,
        expected=expected,
        cursors=cursors,
        offsets=offsets,
        codec=codec,
        max_rows=max_rows,
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is tested, and what its pages should hold."""

    session: AnySession
    statement: Pageable
    scalars: bool
    codec: CursorCodec
    expected: Expected

    def walks(self, limit: int, *, cursors: bool, offsets: bool) -> Iterator[Walk]:
        """Yield the ways through the rows in pages of this size."""
        if cursors:
            most = len(self.expected.rows) // limit + 2
            yield from answered(
                cursor_walks(limit, most), lambda cursor: self._by_cursor(cursor, limit)
            )
        if offsets:
            yield self._by_offsets(limit)

    def require(self, name: str, faults: Sequence[str]) -> None:
        """Fail if there are faults."""
        if not faults:
            return
        cause = likely_cause(self.session, self.statement, self.expected, scalars=self.scalars)
        title = f"{name} of a statement of {len(self.expected.rows)} rows:"
        raise PagesMismatchError(f"{listed(title, faults)}\nlikely cause: {cause}")

    def _by_cursor(self, cursor: str | None, limit: int) -> Read:
        page = cursor_page(
            self.session,
            self.statement,
            cursor=cursor,
            limit=limit,
            scalars=self.scalars,
            codec=self.codec,
        )
        return Read.of(page.data, page.meta.model_dump())

    def _by_offsets(self, limit: int) -> Walk:
        total = len(self.expected.rows)
        pages: list[tuple[Key, ...]] = []
        faults: list[str] = []
        # The last of them is past the end.
        for offset in range(0, total + limit + 1, limit):
            page = offset_page(
                self.session, self.statement, offset=offset, limit=limit, scalars=self.scalars
            )
            pages.append(tuple(keys_of(page.data)))
            try:
                check_page(page, offset=offset, limit=limit, total=total)
            except PagesMismatchError as error:
                faults.append(f"page {len(pages)}: {error}")
        return Walk("offset pages", tuple(pages), tuple(faults), "offset")

"""From a statement and a cursor to the statements of a page, and from their results to the page.

`cursor_steps` yields statements and receives results; it does no I/O itself, so that one generator
serves sync and asyncio, and can be tested without a database.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Dialect, Executable, Result, func, select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Statement
from .cursor import Cursor, CursorCodec, Direction, fingerprint_of
from .errors import InvalidCursorError, OrderingNotTotalError, SortKeyNotSeekableError
from .frame import Frame, frame_of
from .keyset import Condition, Key, all_of, ranges_after, settled
from .models import CursorPage, CursorPageMeta
from .ordering import SortKey
from .plan import items_and_hidden
from .projection import PROBE, SENT, Inline, Projection
from .scalars import Scalar

CursorSteps: TypeAlias = Generator[Executable, Result[Any], CursorPage[Any]]

OPPOSITE: dict[Direction, Direction] = {"after": "before", "before": "after"}


@dataclass(frozen=True, slots=True, eq=False)
class CursorPlan:
    """How to select the cursor pages of a statement, whichever page it is."""

    statement: "Statement"
    frame: Frame
    fingerprint: str

    @property
    def keys(self) -> tuple[Key, ...]:
        """The sort keys of the total order."""
        return self.frame.projection.keys

    def checked(self, cursor: Cursor) -> Cursor:
        """Return the cursor, its values as the database takes them.

        Raises:
            InvalidCursorError: it was made for another ordering, or its values are of other types.
        """
        if cursor.fingerprint != self.fingerprint or not self.keys:
            raise InvalidCursorError("ordering")
        if cursor.keyset is None:
            return cursor
        if len(cursor.keyset) != len(self.keys):
            raise InvalidCursorError("malformed")
        values = zip(self.keys, cursor.keyset, strict=True)
        if any(value is None and not key.nullable for key, value in values):
            raise InvalidCursorError("malformed")
        values = zip(self.keys, cursor.keyset, strict=True)
        keyset = tuple(key.carrier.check(value) for key, value in values)
        return Cursor(cursor.direction, cursor.fingerprint, keyset)

    def page_statement(self, cursor: Cursor | None, limit: int, *, probe: bool) -> AnySelect:
        """Return the statement for `limit` rows from the cursor on, with keys and probe."""
        anchor = None if cursor is None else cursor.keyset
        keys = _directed(self.keys, cursor)
        traits = self.frame.traits
        projection: Projection = self.frame.projection
        hidden: list[ColumnElement[Any]] = []
        if probe and anchor is not None:
            hidden.append(self._probe(cursor).label(PROBE))
        condition: Condition | None = None
        if isinstance(projection, Inline) and self.frame.is_united(keys, anchor):
            projection = projection.united(
                keys, ranges_after(keys, anchor, traits), self.frame.union_way or "columns", limit
            )
            keys = projection.keys
        elif anchor is not None and self.frame.union_way is not None:
            (condition,) = ranges_after(keys, anchor, traits)
            keys = settled(keys, traits)
        elif anchor is not None:
            condition = self._one_range(keys, anchor)
        sent = (
            key.carrier.sent(key.expression).label(SENT.format(place))
            for place, key in enumerate(keys)
        )
        return projection.page(keys, (*sent, *hidden), condition, limit)

    def probe_statement(self, cursor: Cursor) -> AnySelect:
        """Return the statement that tells whether a row lies behind the cursor, or at it."""
        return select(self._probe(cursor).label(PROBE)).execution_options(
            **self.statement.get_execution_options()
        )

    def _one_range(self, keys: Sequence[Key], anchor: Sequence[Scalar]) -> Condition:
        traits, first = self.frame.traits, keys[0]
        (condition,) = ranges_after(keys, anchor, traits, united=False)
        is_one = traits.unites is None or len(ranges_after(keys, anchor, traits)) == 1
        if is_one or anchor[0] is None or (first.nullable and not first.nulls_first):
            return condition
        # Where an index begins; the OR alone is none.
        (bound,) = ranges_after(keys[:1], anchor[:1], traits, inclusive=True, united=False)
        return all_of((bound, condition))

    def _probe(self, cursor: Cursor | None) -> ColumnElement[Any]:
        if cursor is None or cursor.keyset is None:
            raise ValueError("there is nothing behind an end")
        keys = tuple(key.flipped() for key in _directed(self.keys, cursor))
        ranges = ranges_after(
            keys,
            cursor.keyset,
            self.frame.traits,
            inclusive=True,
            united=self.frame.union_way is not None,
        )
        probes = [self.frame.projection.probe(keys, part) for part in ranges]
        return func.coalesce(*probes) if len(probes) > 1 else probes[0]


def cursor_plan(
    statement: "Statement", dialect: Dialect, outer: FromStatement[Any] | None = None
) -> CursorPlan:
    """Return how to select the cursor pages of a statement, which `outer` loads entities from.

    Raises:
        StatementNotPageableError: no cursor pages of it could be right; says what to change.
        DialectNotSupportedError: how the database seeks is not known.
    """
    frame = frame_of(statement, dialect, outer)
    parts = [dialect.name, *(_text_of(key, frame, dialect) for key in frame.order.keys)]
    return CursorPlan(statement, frame, fingerprint_of("\n".join(parts)))


def cursor_steps(
    plan: CursorPlan,
    cursor: Cursor | None,
    limit: int,
    codec: CursorCodec,
    *,
    scalars: bool,
    probe: bool = True,
) -> CursorSteps:
    """Yield the statements of a page, receive their results, return the page.

    One statement, and one more where it returns no row though the cursor is of one. Without
    `probe`, whether there are rows behind the cursor is not asked.
    """
    if cursor is not None:
        cursor = plan.checked(cursor)
    is_anchored = cursor is not None and cursor.keyset is not None
    probe = probe and is_anchored
    direction: Direction = "after" if cursor is None else cursor.direction
    statement = plan.page_statement(cursor, limit + 1, probe=probe)
    rows, hidden = items_and_hidden(
        (yield from _sent(statement, is_anchored)), len(plan.keys) + probe, scalars=scalars
    )
    has_more = len(rows) > limit
    keysets = [row[: len(plan.keys)] for row in hidden]
    if not plan.frame.order.is_certain:
        _refuse_ties(keysets)
    has_behind = bool(probe and hidden and hidden[0][-1] is not None)
    if not rows and probe and cursor is not None:
        # A page past an end: the way back leads to that end.
        result = yield plan.probe_statement(cursor)
        has_behind = result.scalar_one() is not None
    items, keysets = list(rows[:limit]), keysets[:limit]
    if direction == "before":
        items.reverse()
        keysets.reverse()
    exists = {direction: has_more, OPPOSITE[direction]: has_behind}

    def link(direction: Direction, place: int) -> str | None:
        if not exists[direction]:
            return None
        keyset = _checked(keysets[place], plan.keys) if keysets else None
        return codec.encode(Cursor(direction, plan.fingerprint, keyset))

    meta = CursorPageMeta(next_cursor=link("after", -1), previous_cursor=link("before", 0))
    return CursorPage(data=items, meta=meta)


def _sent(
    statement: AnySelect, has_values: bool
) -> Generator[Executable, Result[Any], Result[Any]]:
    """Yield a statement; what the database says to the values of a cursor is the cursor's fault."""
    try:
        return (yield statement)
    except Exception as error:
        if not has_values or not _sqla.is_fault_of_values(error):
            raise
    # Out here, the error that tells the values is not the context of this one.
    raise InvalidCursorError("malformed")


def _directed(keys: Sequence[Key], cursor: Cursor | None) -> tuple[Key, ...]:
    is_backward = cursor is not None and cursor.direction == "before"
    return tuple(key.flipped() if is_backward else key for key in keys)


def _checked(keyset: Sequence[Any], keys: Sequence[Key]) -> tuple[Scalar, ...]:
    """Return the key values of a row, if they are of the types that their columns declare."""
    keyset = [_plain(value) for value in keyset]
    for value, key in zip(keyset, keys, strict=True):
        if value is None and not key.nullable:
            raise SortKeyNotSeekableError(
                "a column that is declared NOT NULL and sorted by holds NULL: "
                "declare it as it is in the database"
            )
        try:
            key.carrier.check(value)
        except InvalidCursorError:
            raise SortKeyNotSeekableError(
                f"the database returns a {type(value).__name__} for a sort key that is declared "
                f"{key.expression.type!r}: declare its type as it is in the database"
            ) from None
    return tuple(keyset)


def _plain(value: Any) -> Scalar:
    # psycopg2 has bytes of its own kind.
    return value.tobytes() if isinstance(value, memoryview) else value


def _refuse_ties(keysets: Sequence[Sequence[Any]]) -> None:
    if any(tuple(one) == tuple(other) for one, other in pairwise(keysets)):
        raise OrderingNotTotalError(
            "a function repeats the rows of this statement, and nothing it is ordered by tells "
            "them apart: order by what the function returns too, or select from it in a subquery"
        )


def _text_of(key: SortKey, frame: Frame, dialect: Dialect) -> str:
    """Return what a sort key is recognised by: its text, its parameters, its tables' places."""
    text, values = _sqla.text_of(key.column, dialect)
    places = [frame.places.get(hash(column)) for column in _sqla.columns_within(key.column)]
    return f"{text} {places} {values} {key.descending} {key.nulls_first}"

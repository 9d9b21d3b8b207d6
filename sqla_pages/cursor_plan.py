"""From a statement and a cursor to the statements of a page, and from their results to the page.

`cursor_steps` yields statements and receives results; it does no I/O itself, so that one generator
serves sync and asyncio, and can be tested without a database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Dialect, Executable, Result, select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Statement
from .cursor import Cursor, CursorCodec, fingerprint_of
from .errors import InvalidCursorError, OrderingNotTotalError, SortKeyNotSeekableError
from .expressions import is_shared
from .fragments import Direction, Shape
from .frame import Frame, frame_of
from .keyset import Key, anchor_of, parameters_of
from .memo import Memo
from .models import CursorPage, CursorPageMeta
from .ordering import SortKey
from .plan import Step, Steps, items_and_hidden
from .projection import Inline
from .scalars import Scalar

_LIMIT: Final = "_limit"

# Of one plan: for each shape one with a probe and one without.
_STATEMENTS: Final = 128

_NOTHING: Final = select()

OPPOSITE: dict[Direction, Direction] = {"after": "before", "before": "after"}


@dataclass(frozen=True, eq=False)
class CursorPlan:
    """How to select the cursor pages of a statement, whichever page it is."""

    statement: "Statement"
    frame: Frame
    fingerprint: str
    _made: Memo[tuple[Shape, bool, bool], Executable] = field(
        default_factory=lambda: Memo(_STATEMENTS), repr=False
    )

    def blank(self) -> "CursorPlan | None":
        """Return what of it holds nothing of its statement; None if it is all of the statement."""
        projection = self.frame.projection
        keys = (key.expression for key in self.keys)
        if not isinstance(projection, Inline) or projection.statement is not self.statement:
            return None
        return self.of(_NOTHING) if all(map(is_shared, keys)) else None

    def of(self, statement: AnySelect) -> "CursorPlan":
        """Return it for another statement that is built alike, if it can be blank."""
        return CursorPlan(statement, self.frame.of(statement), self.fingerprint)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The sort keys of the total order."""
        return self.frame.keys

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
        values: list[Scalar] = []
        for key, value in zip(self.keys, cursor.keyset, strict=True):
            if value is None and not key.nullable:
                raise InvalidCursorError("malformed")
            values.append(key.carrier.check(value))
        keyset = tuple(values)
        if keyset == cursor.keyset:
            return cursor
        return Cursor(cursor.direction, cursor.fingerprint, keyset)

    def page(self, cursor: Cursor | None, limit: int, *, probe: bool = False) -> Step:
        """Return what selects `limit` rows from the cursor on, with their keys.

        With `probe`, each row tells whether there is one behind the cursor, or at it.
        """
        shape = self._shape_of(cursor)

        def make() -> Executable:
            return self.frame.page(shape, _sqla.parameter_of_rows(_LIMIT, limit), probe=probe)

        statement = self._made.get_or_make((shape, probe, _sqla.is_large(limit)), make)
        values = _values_of(cursor)
        values[_LIMIT] = limit
        return Step(statement, values)

    def probe(self, cursor: Cursor) -> Step:
        """Return what tells whether a row lies behind the cursor, or at it."""
        options = self.statement.get_execution_options()
        probe = select(self.frame.probe(self._shape_of(cursor))).execution_options(**options)
        return Step(probe, _values_of(cursor))

    def _shape_of(self, cursor: Cursor | None) -> Shape:
        if cursor is None:
            return Shape()
        if cursor.keyset is None:
            return Shape(cursor.direction)
        return Shape(cursor.direction, anchor_of(self.keys, cursor.keyset))


def _values_of(cursor: Cursor | None) -> dict[str, Any]:
    return {} if cursor is None or cursor.keyset is None else parameters_of(cursor.keyset)


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
) -> Steps[CursorPage[Any]]:
    """Yield the statements of a page, receive their results, return the page.

    One statement, and one more where it returns no row though the cursor is of one. Without
    `probe`, whether there are rows behind the cursor is not asked.
    """
    if cursor is not None:
        cursor = plan.checked(cursor)
    is_anchored = cursor is not None and cursor.keyset is not None
    probe = probe and is_anchored
    direction: Direction = "after" if cursor is None else cursor.direction
    step = plan.page(cursor, limit + 1, probe=probe)
    number = len(plan.keys)
    rows, hidden = items_and_hidden(
        (yield from _sent(step, is_anchored)), number + probe, scalars=scalars
    )
    has_more = len(rows) > limit
    if not plan.frame.order.is_certain:
        _refuse_ties([hidden[place][:number] for place in range(len(rows))])
    has_behind = bool(probe and rows and hidden[0][-1] is not None)
    if not rows and probe and cursor is not None:
        # A page past an end: the way back leads to that end.
        result = yield plan.probe(cursor)
        has_behind = result.scalar_one() is not None
    items = list(rows[:limit])
    ends = {direction: len(items) - 1, OPPOSITE[direction]: 0}
    if direction == "before":
        items.reverse()
    exists = {direction: has_more, OPPOSITE[direction]: has_behind}

    def link(direction: Direction) -> str | None:
        if not exists[direction]:
            return None
        keyset = _checked(hidden[ends[direction]][:number], plan.keys) if items else None
        return codec.encode(Cursor(direction, plan.fingerprint, keyset))

    meta = CursorPageMeta(next_cursor=link("after"), previous_cursor=link("before"))
    return CursorPage(data=items, meta=meta)


def _sent(step: Step, has_values: bool) -> Steps[Result[Any]]:
    """Yield a step; what the database says to the values of a cursor is the cursor's fault."""
    try:
        return (yield step)
    except Exception as error:
        if not has_values or not _sqla.is_fault_of_values(error):
            raise
    # Out here, the error that tells the values is not the context of this one.
    raise InvalidCursorError("malformed")


def _checked(keyset: Sequence[Any], keys: Sequence[Key]) -> tuple[Scalar, ...]:
    """Return the key values of a row, if they are of the types that their columns declare."""
    checked: list[Scalar] = []
    for value, key in zip(keyset, keys, strict=True):
        if value is None and not key.nullable:
            raise SortKeyNotSeekableError(
                "a column that is declared NOT NULL and sorted by holds NULL: "
                "declare it as it is in the database"
            )
        # psycopg2 has bytes of its own kind.
        plain = value.tobytes() if isinstance(value, memoryview) else value
        try:
            key.carrier.check(plain)
        except InvalidCursorError:
            raise SortKeyNotSeekableError(
                f"the database returns a {type(plain).__name__} for a sort key that is declared "
                f"{key.expression.type!r}: declare its type as it is in the database"
            ) from None
        checked.append(plain)
    return tuple(checked)


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

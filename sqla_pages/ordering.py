"""What the ORDER BY of a statement says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import CompoundSelect, TextClause
from sqlalchemy.sql.elements import ClauseElement, ColumnElement, Label
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate

from . import _sqla
from ._sqla import Statement
from .errors import OrderingNotTotalError

# Functions with another value for the same row in the next statement, on any of the databases.
_VOLATILE: Final = frozenset(
    "clock_timestamp dbms_random.value gen_random_uuid newid nextval rand random random_uuid "
    "randomblob sys_guid timeofday uuid uuid_generate_v1 uuid_generate_v4 uuidv4 uuidv7".split()
)
# The clock: another value in the next statement too, but all rows of one statement agree on it.
_CLOCK: Final = frozenset(
    "current_date current_time current_timestamp getdate julianday localtime localtimestamp now "
    "statement_timestamp sysdate sysdatetime transaction_timestamp utc_timestamp".split()
)
_VOLATILE_CALL: Final = re.compile(rf"\b({'|'.join(map(re.escape, _VOLATILE))})\s*\(", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """An expression to sort by, its direction, and where its NULLs go.

    `nulls_first` is None where the statement leaves that to the database. `expression` is a text
    where nothing but its text is known.
    """

    expression: ClauseElement
    descending: bool = False
    nulls_first: bool | None = None

    @property
    def column(self) -> ColumnElement[Any]:
        """The expression, of a key that is no text."""
        return cast("ColumnElement[Any]", self.expression)

    def clause(self, *, flipped: bool = False) -> ColumnElement[Any]:
        """Return the key as it stands in ORDER BY, of a key that is no text; or its opposite."""
        clause = self.column.desc() if self.descending != flipped else self.column
        if self.nulls_first is None:
            return clause
        return clause.nulls_first() if self.nulls_first != flipped else clause.nulls_last()


def sort_keys_of(statement: Statement) -> Iterator[SortKey]:
    """Yield what the statement sorts by.

    Names and ordinals are resolved to what is selected.

    Raises:
        OrderingNotTotalError: a key is random, so that every page would be of another order.
    """
    for clause in _sqla.flat(_sqla.order_by_of(statement)):
        yield from _keys_of(clause, statement)


def with_names_resolved(statement: Statement) -> Statement:
    """Return the statement with what it selects in ORDER BY, where that says the name of it."""
    order = _sqla.order_by_of(statement)
    names = [_sqla.label_name_of(_sqla.bare_of(key)) for key in _sqla.flat(order)]
    if isinstance(statement, CompoundSelect) or not any(names):
        return statement
    resolved = (_sqla.renamed(key, lambda name: _resolved(name, statement)) for key in order)
    return statement.order_by(None).order_by(*resolved)


def is_clock(key: SortKey) -> bool:
    """Tell whether its value depends on when the statement runs."""
    return any(
        isinstance(part, FunctionElement) and part.name.lower() in _CLOCK
        for part in iterate(key.expression)
    )


def _keys_of(clause: ClauseElement, statement: Statement) -> Iterator[SortKey]:
    descending, nulls_first = _sqla.direction_of(clause)
    bare = _sqla.bare_of(clause)
    _refuse_volatile(bare)
    resolved = _sqla.bare_of(_resolved(bare, statement))
    for part in _sqla.flat((resolved,)):
        # A placement of NULLs is that of the whole tuple; within, they go where they go by default.
        yield SortKey(_sqla.bare_of(part), descending, nulls_first if part is resolved else None)


def _resolved(key: ClauseElement, statement: Statement) -> ClauseElement:
    name, text = _sqla.label_name_of(key), _text_of(key)
    if name is None and text is None:
        return key
    selected = tuple(statement.selected_columns)
    if text is not None and text.isdecimal():
        # The columns of an entity are not counted: some may be deferred.
        is_counted = 1 <= int(text) <= len(selected) and not _selects_entities(statement)
        return selected[int(text) - 1] if is_counted else key
    # In ORDER BY a name is first that of a label, then that of a column.
    labels = [column for column in selected if isinstance(column, Label)]
    for columns in (labels, selected):
        named = {hash(column): column for column in columns if column.key == (name or text)}
        if named:
            return next(iter(named.values())) if len(named) == 1 else key
    found = None if name is None else _column_named(name, statement)
    return key if found is None else found


def _selects_entities(statement: Statement) -> bool:
    return not isinstance(statement, CompoundSelect) and any(
        map(_sqla.entity_keys_of, _sqla.raw_columns_of(statement))
    )


def _column_named(name: str, statement: Statement) -> ClauseElement | None:
    if isinstance(statement, CompoundSelect):
        return None
    sources = _sqla.leaves_of(_sqla.froms_of(statement))
    found = [source.c[name] for source in sources if name in source.c]
    return found[0] if len(found) == 1 else None


def _text_of(key: ClauseElement) -> str | None:
    if isinstance(key, TextClause):
        return key.text
    if getattr(key, "is_literal", False):
        return str(getattr(key, "name", ""))
    return None


def _refuse_volatile(key: ClauseElement) -> None:
    for part in iterate(key):
        name = part.name if isinstance(part, FunctionElement) else None
        text = _text_of(cast("ClauseElement", part))
        if (name and name.lower() in _VOLATILE) or (text and _VOLATILE_CALL.search(text)):
            raise OrderingNotTotalError(
                f"ordering by a random value ({name or 'in a text'}) changes from page to page: "
                "rows would repeat and vanish; order by columns, for example one that holds a "
                "random value"
            )

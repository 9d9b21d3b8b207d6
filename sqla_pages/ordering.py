"""What the ORDER BY of a statement says."""

import re
from collections.abc import Iterator
from typing import Final, cast

from sqlalchemy import TextClause
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate

from ._sqla import Statement, bare_of, flat, label_name_of, order_by_of
from .errors import OrderingNotTotalError

# Functions with another value for the same row in the next statement, on any of the databases.
_VOLATILE: Final = frozenset(
    "clock_timestamp dbms_random.value gen_random_uuid newid nextval rand random random_uuid "
    "randomblob sys_guid timeofday uuid uuid_generate_v1 uuid_generate_v4 uuidv4 uuidv7".split()
)
_VOLATILE_CALL: Final = re.compile(rf"\b({'|'.join(map(re.escape, _VOLATILE))})\s*\(", re.I)


def sort_keys_of(statement: Statement) -> Iterator[ClauseElement]:
    """Yield the expressions that the statement sorts by, without their directions.

    Names and ordinals are resolved to what is selected. A key that cannot be resolved, such as a
    text, is left out: it orders, but nothing is known of it.

    Raises:
        OrderingNotTotalError: a key is random, so that every page would be of another order.
    """
    for clause in flat(order_by_of(statement)):
        key = bare_of(clause)
        _refuse_volatile(key)
        if (resolved := _resolved(key, statement)) is not None:
            yield from flat((bare_of(resolved),))


def _resolved(key: ClauseElement, statement: Statement) -> ClauseElement | None:
    name, text = label_name_of(key), _text_of(key)
    if name is None and text is None:
        return key
    selected = tuple(statement.selected_columns)
    if text is not None and text.isdecimal() and 1 <= int(text) <= len(selected):
        return selected[int(text) - 1]
    return next((column for column in selected if column.key == name), None)


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

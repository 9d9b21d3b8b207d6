"""How the values of sort keys travel: selected as the driver gives them, bound as they came.

SQLAlchemy's types convert values on their way in and out. Not all conversions are exact, some are
not even the same twice, and a bind that names its type may compare by other rules than the column
does. So values pass by them: what is selected is raw, what is bound is untyped. Where a driver
itself loses something, the key is cast, and the table below says how.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    JSON,
    REAL,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Double,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Select,
    String,
    Text,
    Time,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    type_coerce,
)
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine, UserDefinedType

from . import _sqla
from .errors import InvalidCursorError, SortKeyNotSeekableError
from .expressions import is_plain_column
from .scalars import Scalar

_NUMBERS: Final = (int, float, Decimal)
_REAL_BITS: Final = 24
_MAX_SORT_LENGTH: Final = 512
# What integers of databases can be, signed or not.
_LEAST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
_ZONED: Final = re.compile(r"T[\d:.]+[+-]")


class Raw(UserDefinedType[Any]):
    """A type that converts nothing and adds no cast."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        """Return what DDL would call it."""
        return "RAW"


_RAW: Final = Raw()


class _Guarded(TypeDecorator[Any]):
    """A raw type whose values are looked at as they come, and refused or let through."""

    impl = Raw
    cache_ok = True

    def __init__(self, guard: Callable[[Any], Any]) -> None:
        super().__init__()
        self.guard = guard

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return a value that is selected."""
        return self.guard(value)


def _refuse_interval(value: Any) -> Any:
    # As drivers have it, a year is 365 days; as PostgreSQL compares it, 12 months of 30.
    if isinstance(value, timedelta):
        raise SortKeyNotSeekableError(
            "an interval that is not declared as one cannot be carried in a cursor: cast it to "
            "Interval"
        )
    return value


def _refuse_long(value: Any) -> Any:
    # Only max_sort_length bytes are sorted by, of which a character takes 2; all are compared.
    if value is not None and len(value) > _MAX_SORT_LENGTH:
        raise SortKeyNotSeekableError(
            f"texts of more than {_MAX_SORT_LENGTH} characters cannot be sorted by exactly in this "
            "database: order by something shorter, or use offset pages"
        )
    return value


def _sent_raw(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(key, _RAW)


@dataclass(frozen=True, slots=True)
class Carrier:
    """The forms of a sort key.

    Attributes:
        compared: the key as it is sorted by and compared.
        sent: the compared key as it is selected.
        bound: what it is compared to, of a bind parameter and the variant of its value.
        variant: what of a value decides how it is compared, if anything does.
        accepts: the types that its values may have.
        type: of the bind parameter.
        read: makes of a value of the cursor what the driver wants, if it is not that already;
            ValueError if it cannot.
    """

    accepts: tuple[type, ...]
    compared: Callable[[ColumnElement[Any]], ColumnElement[Any]] = lambda key: key
    sent: Callable[[ColumnElement[Any]], ColumnElement[Any]] = _sent_raw
    bound: Callable[[BindParameter[Any], str], ColumnElement[Any]] = lambda parameter, _: parameter
    variant: Callable[[Any], str] | None = None
    type: TypeEngine[Any] = _RAW
    read: Callable[[Any], Any] | None = None

    @property
    def is_sent_raw(self) -> bool:
        """Whether values are selected as they are."""
        return self.sent is _sent_raw

    def bind(self, name: str, variant: str) -> ColumnElement[Any]:
        """Return what to compare the key to: a parameter of this name, for values of a variant."""
        return self.bound(bindparam(name, type_=self.type), variant)

    def check(self, value: Scalar) -> Scalar:
        """Return the value if it may be one of the key's.

        Raises:
            InvalidCursorError: it may not.
        """
        if value is None:
            return value
        if isinstance(value, bool):
            is_misplaced = bool not in self.accepts
        else:
            is_misplaced = isinstance(value, int) and not _LEAST <= value <= _LARGEST
        if is_misplaced or not isinstance(value, self.accepts):
            raise InvalidCursorError("malformed")
        if self.read is None:
            return value
        try:
            return self.read(value)  # type: ignore[no-any-return]
        except ValueError:
            raise InvalidCursorError("malformed") from None


# Of what nothing is known but its values.
_ANYTHING: Final = (int, float, Decimal, str, bytes, datetime, date, time, timedelta, UUID, bool)


def carrier_of(key: ColumnElement[Any], dialect: Dialect) -> Carrier:
    """Return how the values of a sort key travel.

    Raises:
        SortKeyNotSeekableError: they cannot without loss.
    """
    type_ = _sqla.stored_type_of(key.type, dialect)
    if isinstance(type_, JSON):
        raise SortKeyNotSeekableError(
            "a JSON value cannot be carried in a cursor: order by a part of it, cast to a text or "
            "a number"
        )
    is_condition = isinstance(type_, Boolean) and not is_plain_column(key)
    match dialect.name:
        case "postgresql":
            return _of_postgresql(type_, dialect)
        case _ if is_condition:
            return Carrier((int,), compared=_number_of_truth)
        case "sqlite":
            return Carrier((int, float, str, bytes))
        case "mysql" | "mariadb":
            return _of_mysql(key, type_)
        case _:
            return Carrier(_ANYTHING)


def _of_postgresql(type_: TypeEngine[Any], dialect: Dialect) -> Carrier:
    # Infinity, 24:00, months and uncommon types become texts, since drivers change or lack them.
    # A text is taken for what it is compared to; asyncpg alone must be told what to make of it.
    is_binary = dialect.driver == "asyncpg"
    text = partial(Carrier, (str,), read=_spelled_for_postgresql)
    match type_:
        case Boolean():
            return Carrier((bool,), type=Boolean())
        case Double():
            return Carrier(_NUMBERS)
        case Float() if isinstance(type_, REAL) or (type_.precision or 53) <= _REAL_BITS:
            return Carrier(_NUMBERS, sent=_sent_double, bound=_bound_double)
        case Enum() | String():
            return text()
        case Integer() | Numeric() | Float():
            return Carrier(_NUMBERS, read=_spelled_for_postgresql)
        case Uuid():
            return text(sent=_sent_text)
        case LargeBinary():
            return Carrier((bytes,))
        case DateTime() | Date():
            if is_binary:
                bound = partial(_bound_instant, type_)
                return text(sent=_sent_iso, bound=bound, variant=_variant_of_instant)
            return text(sent=_sent_iso)
        case NullType():
            kinds = (kind for kind in _ANYTHING if kind is not timedelta)
            sent = partial(_sent_guarded, _refuse_interval)
            return Carrier(tuple(kinds), sent=sent, read=_spelled_for_postgresql)
        case _:
            if is_binary:
                return text(sent=_sent_text, bound=partial(_bound_text, type_))
            return text(sent=_sent_text)


def _of_mysql(key: ColumnElement[Any], type_: TypeEngine[Any]) -> Carrier:
    # Its texts of FLOAT have six digits. ENUM and SET sort by number, but compare as texts.
    match type_:
        case Float() if not isinstance(type_, Double):
            return Carrier(_NUMBERS, sent=partial(_plus, "0e0"), read=_spelled_for_mysql)
        case _ if type_.__visit_name__ in ("ENUM", "enum", "SET") and _is_native(type_):
            return _of_numbered(key)
        case _ if type_.__visit_name__ == "BIT":
            return Carrier((int,), sent=partial(_plus, "0"))
        case Boolean() | Integer() | Numeric() | Float():
            return Carrier(_NUMBERS, read=_spelled_for_mysql)
        case DateTime() | Date() | Time():
            kinds = (datetime, date, time, timedelta, str)
            return Carrier(kinds, read=_spelled_for_mysql)
        case String() | Enum() | Uuid() | LargeBinary():
            return Carrier((str, bytes), sent=partial(_sent_guarded, _refuse_long))
        case _:
            return Carrier(_ANYTHING, read=_spelled_for_mysql)


def _of_numbered(key: ColumnElement[Any]) -> Carrier:
    if _is_stored(key):
        return Carrier((int,), compared=partial(_plus, "0"))
    return Carrier((str, bytes))


def _is_stored(key: ClauseElement) -> bool:
    """Tell whether it is a column of a table, through subqueries too, and no expression."""
    source: Any = getattr(key, "table", None)
    if source is None:
        return False
    element = _sqla.selected_by(source)
    if not isinstance(element, Select):
        return element is None
    inner = dict(zip(map(hash, source.c), element.selected_columns, strict=False))
    selected: Any = inner.get(hash(key))
    return selected is not None and _is_stored(_sqla.bare_of(selected))


def _is_native(type_: TypeEngine[Any]) -> bool:
    return bool(getattr(type_, "native_enum", True))


def _plus(zero: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(key, _RAW).op("+", precedence=7)(literal_column(zero))


def _number_of_truth(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a condition as a number; a NULL stays one."""
    return case((key, _sqla.number(1)), (not_(key), _sqla.number(0)))


def _sent_text(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(key, Text)


def _sent_iso(key: ColumnElement[Any]) -> ColumnElement[Any]:
    # Unlike a text of it, JSON is the same whatever the session's DateStyle.
    return type_coerce(func.to_json(key), _RAW).op("#>>")(literal_column("'{}'"))


def _sent_double(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(cast(key, Double), _RAW)


def _sent_guarded(guard: Callable[[Any], Any], key: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(key, _Guarded(guard))


def _bound_double(parameter: BindParameter[Any], _: str) -> ColumnElement[Any]:
    return cast(parameter, Double)


def _bound_text(
    type_: TypeEngine[Any], parameter: BindParameter[Any], _: str
) -> ColumnElement[Any]:
    return type_coerce(cast(cast(parameter, Text), type_), _RAW)


def _bound_instant(
    type_: TypeEngine[Any], parameter: BindParameter[Any], variant: str
) -> ColumnElement[Any]:
    # Of an expression, SQLAlchemy may not know whether it has a time zone; the text does.
    type_ = {"zoned": DateTime(timezone=True), "local": DateTime()}.get(variant, type_)
    return _bound_text(type_, parameter, variant)


def _variant_of_instant(value: Any) -> str:
    text = str(value)
    if "T" not in text:
        return "date"
    return "zoned" if _ZONED.search(text) else "local"


def _spelled_for_postgresql(value: Any) -> Any:
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("the database has no such text")
        return value
    # psycopg2 writes NaN for infinity.
    is_infinite = isinstance(value, Decimal) and value.is_infinite()
    return str(value) if is_infinite else value


def _spelled_for_mysql(value: Any) -> Any:
    if isinstance(value, float | Decimal) and not isfinite(value):
        raise ValueError("the database has no such number")
    # Drivers write negative durations wrongly.
    if not isinstance(value, timedelta):
        return value
    seconds, microseconds = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    sign = "-" if value < timedelta(0) else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{microseconds:06}"

"""Values of sort keys as JSON, without loss.

Texts, integers, true, false and null stand for themselves. The others are pairs of a name and a
text, floats too, which JSON spells in several ways; a list is a pair of a name and its items. What
a driver may return for a column that can be sorted by is here.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from .errors import SortKeyNotSeekableError

Scalar: TypeAlias = (
    bool
    | int
    | float
    | str
    | bytes
    | Decimal
    | datetime
    | date
    | time
    | timedelta
    | UUID
    | list[Any]
    | None
)

# Of PostgreSQL's numeric, the largest: 131,072 digits before the point, 16,383 after it.
_MAX_EXPONENT: Final = 131_072
# Of 4,214 digits; JSON is read up to 4,300.
_MAX_BITS: Final = 14_000
# Lists in lists; an array of PostgreSQL has six dimensions.
_MAX_DEPTH: Final = 32
_MICROSECOND: Final = timedelta(microseconds=1)


def packed(values: Iterable[Any]) -> list[Any]:
    """Return the values as JSON has them.

    Raises:
        SortKeyNotSeekableError: a value is of a type that is not known.
        ValueError: a value is none that a database has, or not one that is read again.
    """
    return [_packed(value) for value in values]


def unpacked(values: Iterable[Any]) -> tuple[Scalar, ...]:
    """Return the values that `packed` made these of.

    Raises:
        ValueError: it did not make them.
    """
    return tuple(map(_unpacked, values))


def _packed(value: Any, depth: int = 0) -> Any:
    if type(value) is str:
        return value
    if type(value) is int:
        return _checked_integer(value)
    if isinstance(value, float):
        return ["float", repr(float(value))]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _checked_integer(int(value))
    if isinstance(value, str):
        return str.__str__(value)  # of a str that is an Enum, its value
    if isinstance(value, list):
        deeper = _deeper(depth)
        return ["list", [_packed(item, deeper) for item in value]]  # pyright: ignore[reportUnknownVariableType]
    for kind, (name, pack, _) in _KINDS.items():
        if isinstance(value, kind):
            return [name, pack(value)]
    raise SortKeyNotSeekableError(
        f"a cursor cannot carry a {type(value).__name__}, which is sorted by: "
        "order by a cast of it, or use offset pages"
    )


def _unpacked(value: Any, depth: int = 0) -> Scalar:
    if type(value) is str:
        return value
    if type(value) is int:
        return _checked_integer(value)
    if value is None or isinstance(value, bool):
        return value
    name, content = _parts_of(value)
    if name == "list" and isinstance(content, list):
        deeper = _deeper(depth)
        return [_unpacked(item, deeper) for item in content]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(content, str):
        raise ValueError("not a text")
    result: Scalar = _UNPACK[name](content)
    if _packed(result) != [name, content]:
        raise ValueError("another spelling")
    return result


def _parts_of(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, list):
        raise ValueError("neither a value nor a pair")
    name, content = pair  # pyright: ignore[reportUnknownVariableType]
    return name, content  # pyright: ignore[reportUnknownVariableType]


def _deeper(depth: int) -> int:
    if depth == _MAX_DEPTH:
        raise ValueError("too deep")
    return depth + 1


def _checked_integer(number: int) -> int:
    if number.bit_length() > _MAX_BITS:
        raise ValueError("too large")
    return number


def _text_of_decimal(number: Decimal) -> str:
    return str(_checked_decimal(number))


def _decimal_of(text: str) -> Decimal:
    return _checked_decimal(Decimal(text))


def _checked_decimal(number: Decimal) -> Decimal:
    if number.is_snan() or (number.is_finite() and abs(number.adjusted()) > _MAX_EXPONENT):
        raise ValueError("out of range")
    return number


# A datetime is a date, so it comes first.
_KINDS: Final[dict[Any, tuple[str, Callable[[Any], str], Callable[[str], Any]]]] = {
    Decimal: ("decimal", _text_of_decimal, _decimal_of),
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    timedelta: (
        "microseconds",
        lambda value: str(value // _MICROSECOND),
        lambda text: timedelta(microseconds=int(text)),
    ),
    UUID: ("uuid", str, UUID),
    bytes: ("bytes", bytes.hex, bytes.fromhex),
    memoryview: ("bytes", memoryview.hex, bytes.fromhex),
}
_UNPACK: Final[dict[str, Callable[[str], Any]]] = {
    "float": float,
    **{name: unpack for name, _, unpack in _KINDS.values()},
}

"""What tells rows apart in a test, and how a failure names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import RowMapping, inspect
from sqlalchemy.orm import InstanceState

Key: TypeAlias = Any
"""Something hashable, equal for equal rows."""

_LONGEST = 120
"""Characters of a row in a message."""


@dataclass(frozen=True, slots=True)
class _Entity:
    """An entity: its class and its primary key, which is all that is compared."""

    name: str
    identity: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.identity))})"


class _Mapping(tuple[tuple[str, Key], ...]):
    """A mapping: its names and values, in its order."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}: {value!r}" for name, value in self) + "}"


@dataclass(frozen=True, slots=True)
class _Value:
    """A value and its type: 1 is neither 1.0 nor True."""

    kind: type
    value: Any

    def __repr__(self) -> str:
        return repr(self.value)


class _Shown(str):
    """The text of a value that cannot be hashed, or does not equal itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def keys_of(items: Iterable[Any]) -> list[Key]:
    """Return a key for each item of a page, or of a response that was read as JSON."""
    return [_key_of(item) for item in items]


def text_of(key: Key) -> str:
    """Return how a message names a row."""
    text = repr(key)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _key_of(item: object) -> Key:
    if isinstance(item, RowMapping | dict):
        mapping = cast("Mapping[Any, Any]", item)
        return _Mapping((str(name), _key_of(value)) for name, value in mapping.items())
    state = inspect(item, raiseerr=False)
    if isinstance(state, InstanceState) and state.identity is not None:
        return _Entity(type(item).__name__, tuple(state.identity))
    return _value_of(item)


def _value_of(value: object) -> Key:
    try:
        hash(value)
        is_itself = bool(value == value)  # which NaN does not
    except Exception:
        return _Shown(repr(value))
    return _Value(type(value), value) if is_itself else _Shown(repr(value))

"""What a statement gives by itself, which its pages are held against."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import RowMapping, Table, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Query

from .databases import Caller


def unpaged(caller: Caller, make: Callable[[], Any], scalars: bool) -> list[Any]:
    """Return what the statement gives by itself, as its user would ask for it."""
    result = caller.execute(_statement(make))
    try:
        items = result.scalars().all() if scalars else result.mappings().all()
    except InvalidRequestError:  # "The unique() method must be invoked on this Result"
        result = caller.execute(_statement(make)).unique()
        items = result.scalars().all() if scalars else result.mappings().all()
    return plain_all(caller, items)


def plain_all(caller: Caller, items: Any) -> list[Any]:
    """Return the items as something hashable, and let the session forget them."""
    plain = [_plain(item) for item in items]
    caller.forget()
    return plain


def _statement(make: Callable[[], Any]) -> Any:
    made = make()
    return made.statement if isinstance(made, Query) else made


def _plain(item: Any) -> Any:
    """Return something hashable: of an entity, what was loaded of it and of its collections."""
    if isinstance(item, RowMapping):
        return tuple((key, _plain(value)) for key, value in item.items())
    if isinstance(item, list):  # a collection, whose order contains_eager leaves open
        return tuple(sorted(map(_plain, item), key=str))
    state = inspect(item, raiseerr=False)
    if state is None or isinstance(item, Table):
        return repr(item)
    loaded = {name: _plain(value) for name, value in state.dict.items() if name[0] != "_"}
    return (type(item).__name__, state.identity, tuple(sorted(loaded.items(), key=str)))

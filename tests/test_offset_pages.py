"""Offset pages hold exactly the rows of the unpaged statement, for statements of every shape."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import RowMapping, Table, inspect
from sqlalchemy.exc import InvalidRequestError

from .databases import DRIVERS, Caller, Database
from .shapes import SHAPES, Shape

LARGE = 1000
CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}", marks=pytest.mark.xdist_group(driver))
    for driver in DRIVERS
    for name, shape in SHAPES.items()
    if driver.split("+")[0] in shape.backends
]


@pytest.mark.parametrize(("filled", "name"), CASES, indirect=["filled"])
def test_all_pages_together_are_the_unpaged_result_and_the_total_is_its_length(
    filled: Database, name: str
) -> None:
    shape = SHAPES[name]
    with filled.session() as caller:
        unpaged = _unpaged(caller, shape.make, shape.scalars)
        in_one, _ = _page(caller, shape, 0, LARGE)

        if shape.unlimited is None:
            assert Counter(in_one) == Counter(unpaged)
        else:
            assert Counter(in_one) <= Counter(_unpaged(caller, shape.unlimited, shape.scalars))
        if not shape.is_repeated:
            assert caller("count", shape.make()) == len(unpaged)
        for size in (3,) if filled.is_async else (1, 3, 7):
            walked: list[Any] = []
            for offset in range(0, len(unpaged) + size, size):
                items, meta = _page(caller, shape, offset, size)
                assert meta == {
                    "offset": offset,
                    "total_items": len(unpaged),
                    "total_pages": (len(unpaged) + size - 1) // size,
                    "page_number": offset // size + 1,
                }
                assert len(items) == max(0, min(size, len(unpaged) - offset))
                walked += items
            assert walked == in_one


def _unpaged(caller: Caller, make: Callable[[], Any], scalars: bool) -> list[Any]:
    """Return what the statement gives by itself, as its user would ask for it."""
    result = caller.execute(make())
    try:
        items = result.scalars().all() if scalars else result.mappings().all()
    except InvalidRequestError:  # "The unique() method must be invoked on this Result"
        result = caller.execute(make()).unique()
        items = result.scalars().all() if scalars else result.mappings().all()
    return _plain_all(caller, items)


def _page(
    caller: Caller, shape: Shape, offset: int, limit: int
) -> tuple[list[Any], dict[str, int]]:
    page = caller("offset_page", shape.make(), offset=offset, limit=limit, scalars=shape.scalars)
    return _plain_all(caller, page.data), page.meta.model_dump()


def _plain_all(caller: Caller, items: Any) -> list[Any]:
    plain = [_plain(item) for item in items]
    caller.forget()
    return plain


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

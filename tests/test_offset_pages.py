"""Offset pages hold exactly the rows of the unpaged statement, for statements of every shape."""

from collections import Counter
from typing import Any

import pytest

from .databases import MATRIX_DRIVERS, Caller, Database, sizes_on
from .shapes import ALL_SHAPES, Shape
from .unpaged import plain_all, unpaged

LARGE = 1000
CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in MATRIX_DRIVERS
    for name, shape in ALL_SHAPES.items()
    if driver.split("+")[0] in shape.backends and not shape.only_cursors
]


@pytest.mark.parametrize(("filled", "name"), CASES, indirect=["filled"], scope="module")
def test_all_pages_together_are_the_unpaged_result_and_the_total_is_its_length(
    filled: Database, name: str
) -> None:
    shape = ALL_SHAPES[name]
    with filled.session() as caller:
        expected = unpaged(caller, shape.make, shape.scalars)
        in_one, _ = _page(caller, shape, 0, LARGE)

        if shape.unlimited is None:
            assert Counter(in_one) == Counter(expected)
        else:
            assert Counter(in_one) <= Counter(unpaged(caller, shape.unlimited, shape.scalars))
        assert caller("count", shape.make()) == len(expected)
        for size in sizes_on(filled.url):
            walked: list[Any] = []
            for offset in range(0, len(expected) + size, size):
                items, meta = _page(caller, shape, offset, size)
                assert meta == {
                    "offset": offset,
                    "total_items": len(expected),
                    "total_pages": (len(expected) + size - 1) // size,
                    "page_number": offset // size + 1,
                }
                assert len(items) == max(0, min(size, len(expected) - offset))
                walked += items
            assert walked == in_one


def _page(
    caller: Caller, shape: Shape, offset: int, limit: int
) -> tuple[list[Any], dict[str, int]]:
    page = caller("offset_page", shape.make(), offset=offset, limit=limit, scalars=shape.scalars)
    return plain_all(caller, page.data), page.meta.model_dump()

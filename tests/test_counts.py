"""Counts by every set of rewrites, and pages in every form and by every policy, are the same."""

from collections.abc import Iterable
from typing import Any

import pytest

from sqla_pages import (
    COUNT_REWRITES,
    CappedCount,
    CountPolicy,
    DeepOffset,
    EstimatedCount,
    ExactCount,
    NoCount,
    StatementNotPageableError,
    plan_count,
)
from sqla_pages.plan import statement_of

from .databases import IS_FULL, ONE_OF_EACH_DRIVERS, Caller, Database
from .shapes import ALL_SHAPES, COUNTED_SHAPES, Shape
from .unpaged import plain_all, unpaged

CASES = [
    pytest.param(driver, name, id=f"{driver}-{name}")
    for driver in ONE_OF_EACH_DRIVERS
    # By default, on a server only what was made for counts.
    for name, shape in (ALL_SHAPES if IS_FULL or "sqlite" in driver else COUNTED_SHAPES).items()
    if driver.split("+")[0] in shape.backends and not shape.only_cursors
]
SIZE = 3
FORMS: dict[str, tuple[CountPolicy[Any], DeepOffset]] = {
    "deferred": (ExactCount(), DeepOffset(defer=True, turn=False)),
    "turned": (ExactCount(), DeepOffset(turn=True)),
    "in one statement": (ExactCount(in_page=True), DeepOffset()),
    "uncounted": (NoCount(), DeepOffset()),
    "capped": (CappedCount(7), DeepOffset()),
    "estimated": (EstimatedCount(5), DeepOffset()),
}


@pytest.mark.parametrize(("filled", "name"), CASES, indirect=["filled"], scope="module")
def test_no_rewrite_changes_the_count_and_no_form_the_page(filled: Database, name: str) -> None:
    shape = ALL_SHAPES[name]
    with filled.session() as caller:
        size = len(unpaged(caller, shape.make, shape.scalars))
        for without in _sets_of_rewrites(shape):
            assert caller("count", shape.make(), without=without) == size, without

        offsets = sorted({4, max(size - 2, 0), size + 1} | ({0} if IS_FULL else set()))
        plain = {offset: _page(caller, shape, offset).data for offset in offsets}
        plain = {offset: plain_all(caller, items) for offset, items in plain.items()}
        for form, (count, deep) in FORMS.items():
            for offset in offsets:
                try:
                    page = _page(caller, shape, offset, count=count, deep=deep)
                except StatementNotPageableError as error:
                    assert "cannot be found by keys" in str(error)  # noqa: PT017
                    break
                assert plain_all(caller, page.data) == plain[offset], (form, offset)
                _check_meta(page.meta.model_dump(), form, offset, size)


def _sets_of_rewrites(shape: Shape) -> Iterable[tuple[str, ...]]:
    applied = plan_count(statement_of(shape.make())).rewrites
    yield ()
    for name in applied:
        yield (name,)
        yield tuple(other for other in COUNT_REWRITES if other != name)
    yield tuple(COUNT_REWRITES)


def _page(caller: Caller, shape: Shape, offset: int, **more: Any) -> Any:
    return caller(
        "offset_page", shape.make(), offset=offset, limit=SIZE, scalars=shape.scalars, **more
    )


def _check_meta(meta: dict[str, Any], form: str, offset: int, size: int) -> None:
    assert meta["offset"] == offset
    assert meta["page_number"] == offset // SIZE + 1
    if form == "uncounted":
        assert meta["has_next"] == (size > offset + SIZE)
        return
    total, is_exact = meta["total_items"], meta.get("total_items_exact", True)
    assert meta["total_pages"] == -(-total // SIZE)
    if is_exact:
        assert total == size
    elif form == "capped":
        assert 7 <= total <= size
    else:
        assert form == "estimated"
        assert total >= max(5, min(offset + SIZE, size) if offset < size else 0)

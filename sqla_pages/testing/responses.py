"""Checks one page, as an endpoint answers it: whether its meta can be true of its items."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, cast

from pydantic import BaseModel

from ..cursor import MAX_LENGTH
from .differences import PagesMismatchError

_OFFSET = {"offset", "page_number"}
_COUNTED = _OFFSET | {"total_items", "total_pages"}
_CURSOR = {"next_cursor", "previous_cursor"}
IS_EXACT = "total_items_exact"
_SHAPES = (
    _COUNTED,
    _COUNTED | {IS_EXACT},
    _OFFSET | {"has_next"},
    _CURSOR,
    _CURSOR | {"total_items", IS_EXACT},
)


def check_page(
    page: Any, *, offset: int | None = None, limit: int | None = None, total: int | None = None
) -> None:
    """Fail if the meta of a page contradicts its items, itself, or what was asked for.

    Args:
        page: a page of any kind, as a model, as JSON that was read, or as the response of a client.
        offset: what was asked for, if known.
        limit: the size of pages that was asked for, if known; otherwise there has to be one for
            which everything is true.
        total: the number of all items, if known.

    Raises:
        PagesMismatchError: an AssertionError that says what cannot be.

    Example:
        >>> from sqla_pages.testing import check_page
        >>> meta = {"offset": 40, "total_items": 42, "total_pages": 5, "page_number": 5}
        >>> check_page({"data": ["y", "z"], "meta": meta}, limit=10)
    """
    data, meta = parts_of(page)
    faults = list(_faults_of(data, meta, offset, limit, total))
    if faults:
        raise PagesMismatchError("; ".join(faults))


def parts_of(page: Any) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return the items and the meta of a page.

    Raises:
        PagesMismatchError: it is no page.
    """
    if isinstance(page, BaseModel):
        model = cast("Any", page)
        return model.data, model.meta.model_dump()
    if callable(getattr(page, "json", None)):
        status = getattr(page, "status_code", 200)
        if status != 200:
            raise PagesMismatchError(f"the response has the status {status}, not 200")
        page = page.json()
    if isinstance(page, dict):
        body = cast("dict[str, Any]", page)
        data, meta = body.get("data"), body.get("meta")
        if isinstance(data, list) and isinstance(meta, dict) and set(cast("Any", meta)) in _SHAPES:
            return cast("Sequence[Any]", data), cast("Mapping[str, Any]", meta)
    raise PagesMismatchError(
        "no page: it has to be an object of a list `data` and an object `meta`, with the fields of "
        "one kind of page"
    )


def _faults_of(
    data: Sequence[Any],
    meta: Mapping[str, Any],
    offset: int | None,
    limit: int | None,
    total: int | None,
) -> Iterator[str]:
    for name, value in meta.items():
        if not _is_possible(name, value):
            yield f"{name} cannot be what it is"
            return
    if limit is not None and len(data) > limit:
        yield f"{len(data)} items for a limit of {limit}"
    exact = meta["total_items"] if meta.get(IS_EXACT, "total_items" in meta) else None
    if total is not None and exact is not None and exact != total:
        yield f"total_items is {exact}, not {total}"
    if "offset" not in meta:
        yield from _faults_of_links(data, meta, limit, exact)
        return
    if offset is not None and meta["offset"] != offset:
        yield f"offset is {meta['offset']}, not {offset}"
    yield from _faults_of_place(data, meta, limit, exact if total is None else total)


def _is_possible(name: str, value: Any) -> bool:
    if name in _CURSOR:
        is_text = isinstance(value, str) and value.isascii()
        return value is None or (is_text and 0 < len(value) <= MAX_LENGTH)
    if name in ("has_next", IS_EXACT):
        return isinstance(value, bool)
    least = 1 if name == "page_number" else 0
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _faults_of_links(
    data: Sequence[Any], meta: Mapping[str, Any], limit: int | None, total: int | None
) -> Iterator[str]:
    links = [meta[name] for name in ("next_cursor", "previous_cursor")]
    if all(links) and not data:
        yield "an empty page has a next_cursor and a previous_cursor: it can be past one end only"
    if all(links) and data and limit is not None and len(data) < limit:
        yield f"{len(data)} items for a limit of {limit}, with more on both sides"
    if total is None:
        return
    if total < len(data) + sum(link is not None for link in links):
        yield f"total_items is {total}, with {len(data)} items here and more elsewhere"
    if not any(links) and total != len(data):
        yield f"total_items is {total}, with {len(data)} items here and none elsewhere"


def _faults_of_place(
    data: Sequence[Any], meta: Mapping[str, Any], limit: int | None, total: int | None
) -> Iterator[str]:
    """Yield what is wrong with an offset page, whose total is None where it is not known."""
    offset, number = meta["offset"], meta["page_number"]
    least, most = (1, inf) if limit is None else (limit, limit)
    # offset // limit + 1 == number  ==  (number - 1) * limit <= offset < number * limit
    least = max(least, offset // number + 1)
    most = min(most, offset // (number - 1) if number > 1 else inf)
    if least > most:
        yield f"page_number is {number} at offset {offset}"
        return
    least = max(least, len(data))
    if meta.get("has_next"):
        # Where more follow, the page is full.
        most = min(most, len(data))
    if total is not None:
        if "has_next" in meta and meta["has_next"] != (offset + len(data) < total):
            yield f"has_next is {meta['has_next']}, with {total} items in all"
        left = max(total - offset, 0)
        if len(data) > left:
            yield f"{len(data)} items at offset {offset} of {total}"
            return
        if len(data) < left:
            most = min(most, len(data))
    if "total_pages" in meta:
        items, pages = meta["total_items"], meta["total_pages"]
        # ceil(items / limit) == pages  ==  (pages - 1) * limit < items <= pages * limit
        if (pages == 0) != (items == 0):
            yield f"total_pages is {pages} for {items} items"
            return
        least = max(least, -(-items // pages) if pages else 1)
        most = min(most, (items - 1) // (pages - 1) if pages > 1 else inf)
    if least > most:
        size = "any size" if limit is None else f"{limit}"
        yield f"{len(data)} items at offset {offset} do not fit the meta with pages of {size}"

"""Hypothesis strategies for what an endpoint of pages is asked, and for what it answers.

They need Hypothesis: the extra `testing`.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from ..cursor import MAX_LENGTH, UNSIGNED, Cursor, CursorCodec
from ..models import Page, PageMeta
from ..plan import MAX_OFFSET
from ..scalars import Scalar

T = TypeVar("T")

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def offset_requests(
    *, max_page_size: int = 100, max_offset: int = MAX_OFFSET
) -> st.SearchStrategy[dict[str, int]]:
    """Return a strategy for the query parameters of offset pages, within their bounds.

    Each of `offset` and `limit` may be left out. Small offsets are as likely as large ones.

    Example:
        >>> from hypothesis import given
        >>> from sqla_pages.testing.strategies import offset_requests
        >>> @given(offset_requests(max_page_size=50))
        ... def test_any_page_is_answered(params):
        ...     assert client.get("/users", params=params).status_code == 200
    """
    offsets = st.integers(0, min(max_offset, 200)) | st.integers(0, max_offset)
    return st.fixed_dictionaries(
        {}, optional={"offset": offsets, "limit": st.integers(1, max_page_size)}
    )


def bad_offset_requests(
    *, max_page_size: int = 100, max_offset: int = MAX_OFFSET
) -> st.SearchStrategy[dict[str, int | str]]:
    """Return a strategy for query parameters of offset pages, one at least out of bounds.

    All of them have to be answered 422.

    Example:
        >>> from hypothesis import given
        >>> from sqla_pages.testing.strategies import bad_offset_requests
        >>> @given(bad_offset_requests())
        ... def test_no_page_is_refused(params):
        ...     assert client.get("/users", params=params).status_code == 422
    """
    not_numbers = st.sampled_from(["", " ", "x", "1.5", "1e3", "0x1", "NaN", "None", "1,2", "--1"])
    offsets = st.integers(max_value=-1) | st.integers(min_value=max_offset + 1) | not_numbers
    limits = st.integers(max_value=0) | st.integers(min_value=max_page_size + 1) | not_numbers
    either = st.fixed_dictionaries({"offset": offsets}) | st.fixed_dictionaries({"limit": limits})
    both = st.fixed_dictionaries({"offset": offsets, "limit": limits})
    return either | both


def keysets() -> st.SearchStrategy[tuple[Scalar, ...]]:
    """Return a strategy for the values of sort keys that a cursor can carry, of every type."""
    values = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(max_size=50),
        st.binary(max_size=50),
        st.decimals(allow_nan=False),
        st.uuids(),
        st.dates(),
        st.times(),
        st.datetimes(),
        st.datetimes(timezones=st.timezones()),
        st.timedeltas(),
    )
    return st.lists(values, min_size=1, max_size=4).map(tuple)


def cursors(codec: CursorCodec = UNSIGNED) -> st.SearchStrategy[str]:
    """Return a strategy for cursors that the codec has made, though for no ordering of yours.

    An endpoint has to answer them 400, with the reason `ordering`.

    Example:
        >>> from hypothesis import given
        >>> from sqla_pages.testing.strategies import cursors
        >>> @given(cursors())
        ... def test_a_cursor_of_elsewhere_is_refused(cursor):
        ...     assert client.get("/users", params={"cursor": cursor}).status_code == 400
    """
    made = st.builds(
        Cursor,
        direction=st.sampled_from(["after", "before"]),
        fingerprint=st.text("0123456789abcdef", min_size=16, max_size=16),
        keyset=st.none() | keysets(),
    )
    return made.map(codec.encode)


def hostile_cursors(given: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Return a strategy for texts that are no cursors, though they may look like one.

    Some are made of those given, which are to be cursors that an endpoint has answered: cut,
    changed, put together of two, lengthened. An endpoint has to answer them 400.

    Example:
        >>> from hypothesis import given
        >>> from sqla_pages.testing.strategies import hostile_cursors
        >>> @given(hostile_cursors())
        ... def test_what_is_no_cursor_is_refused(text):
        ...     assert client.get("/users", params={"cursor": text}).status_code == 400
    """
    junk = (
        st.text(max_size=200)
        | st.text(_ALPHABET, max_size=200)
        | st.integers(MAX_LENGTH + 1, 2 * MAX_LENGTH).map(lambda length: "A" * length)
    )
    if not given:
        return junk
    known = st.sampled_from(list(given))
    changed = st.one_of(
        known.flatmap(_cut),
        known.flatmap(_changed),
        st.tuples(known, known, st.integers(0, MAX_LENGTH)).map(_spliced),
        st.tuples(known, st.text(_ALPHABET + "=", min_size=1, max_size=20)).map("".join),
    )
    return junk | changed.filter(lambda text: text not in given)


def page_metas(*, max_page_size: int = 100) -> st.SearchStrategy[PageMeta]:
    """Return a strategy for the meta of offset pages that there can be, past the end too.

    Example:
        >>> from hypothesis import given
        >>> from sqla_pages.testing.strategies import page_metas
        >>> @given(page_metas())
        ... def test_the_number_of_the_page_is_shown(meta):
        ...     assert f"{meta.page_number} of {meta.total_pages}" in rendered(meta)
    """
    sizes = st.integers(0, 200) | st.integers(0, MAX_OFFSET)
    return st.builds(
        PageMeta.of, offset=sizes, limit=st.integers(1, max_page_size), total_items=sizes
    )


def pages(items: st.SearchStrategy[T], *, max_page_size: int = 20) -> st.SearchStrategy[Page[T]]:
    """Return a strategy for offset pages of such items, as a client would be answered.

    Example:
        >>> from hypothesis import given, strategies as st
        >>> from sqla_pages.testing.strategies import pages
        >>> @given(pages(st.text()))
        ... def test_a_list_of_names_is_shown(page):
        ...     assert all(name in rendered(page) for name in page.data)
    """

    @st.composite
    def page(draw: st.DrawFn) -> Page[Any]:
        limit = draw(st.integers(1, max_page_size))
        total = draw(st.integers(0, 10 * max_page_size))
        offset = draw(st.integers(0, total + limit))
        number = min(limit, max(total - offset, 0))
        data = draw(st.lists(items, min_size=number, max_size=number))
        return Page(data=data, meta=PageMeta.of(offset=offset, limit=limit, total_items=total))

    return page()


def _cut(cursor: str) -> st.SearchStrategy[str]:
    return st.integers(0, len(cursor) - 1).map(lambda length: cursor[:length])


def _changed(cursor: str) -> st.SearchStrategy[str]:
    places = st.integers(0, len(cursor) - 1)
    return st.tuples(places, st.sampled_from(_ALPHABET)).map(
        lambda change: cursor[: change[0]] + change[1] + cursor[change[0] + 1 :]
    )


def _spliced(parts: tuple[str, str, int]) -> str:
    one, other, place = parts
    return one[:place] + other[place:]

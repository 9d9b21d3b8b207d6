"""The meta of an offset page, for every offset, limit and total."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select

from sqla_pages import PageMeta, offset_page

MANY = st.integers(0, 2**63 - 1)
SOME = st.integers(0, 40)


@given(offset=MANY, limit=st.integers(1, 2**63 - 1), total=MANY)
def test_the_pages_cover_the_items_and_no_more(offset: int, limit: int, total: int) -> None:
    meta = PageMeta.of(offset=offset, limit=limit, total_items=total)

    assert (meta.total_pages - 1) * limit < total <= meta.total_pages * limit or total == 0
    assert (meta.total_pages == 0) == (total == 0)
    assert (meta.page_number - 1) * limit <= offset < meta.page_number * limit
    assert (meta.offset, meta.total_items) == (offset, total)


@given(total=SOME, offset=SOME, limit=st.integers(1, 40), own_limit=st.none() | SOME)
def test_a_page_of_real_rows_is_the_slice_that_its_meta_says(
    total: int, offset: int, limit: int, own_limit: int | None
) -> None:
    numbers = Table("numbers", MetaData(), Column("n", Integer, primary_key=True))
    statement = select(numbers.c.n).limit(own_limit)
    expected = list(range(total))[:own_limit]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        numbers.create(connection)
        if total:
            connection.execute(insert(numbers), [{"n": n} for n in range(total)])
        page = offset_page(connection, statement, offset=offset, limit=limit)
    engine.dispose()

    assert page.data == expected[offset : offset + limit]
    assert page.meta.total_items == len(expected)

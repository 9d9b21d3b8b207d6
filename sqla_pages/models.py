"""The response models: one item, a collection, a page."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

# So that a function can be annotated with a page of entities: `-> Page[User]`.
_OF_ANYTHING = ConfigDict(arbitrary_types_allowed=True)


class Item(BaseModel, Generic[T]):
    """One item, under `data`."""

    model_config = _OF_ANYTHING

    data: T


class Collection(BaseModel, Generic[T]):
    """A list of items, under `data`."""

    model_config = _OF_ANYTHING

    data: list[T]


class PageMeta(BaseModel):
    """Where an offset page lies in its collection."""

    offset: int = Field(description="Number of items before this page", ge=0)
    total_items: int = Field(description="Number of items in the collection", ge=0)
    total_pages: int = Field(
        description="Number of pages of this size that the collection fills", ge=0
    )
    page_number: int = Field(description="Number of this page, the first being 1", ge=1)

    @classmethod
    def of(cls, *, offset: int, limit: int, total_items: int) -> "PageMeta":
        """Return the meta of the page of `limit` items at `offset`.

        Example:
            >>> PageMeta.of(offset=40, limit=10, total_items=42)
            PageMeta(offset=40, total_items=42, total_pages=5, page_number=5)
        """
        return cls(
            offset=offset,
            total_items=total_items,
            total_pages=-(-total_items // limit),
            page_number=offset // limit + 1,
        )


class Page(Collection[T], Generic[T]):
    """An offset page: its items under `data`, its place in the collection under `meta`."""

    meta: PageMeta


class CursorPageMeta(BaseModel):
    """The ways on from a cursor page: a cursor for each side on which there are items."""

    next_cursor: str | None = Field(description="Cursor of the next page; null on the last one")
    previous_cursor: str | None = Field(
        description="Cursor of the previous page; null on the first one"
    )


class CursorPage(Collection[T], Generic[T]):
    """A cursor page: its items under `data`, the ways on under `meta`."""

    meta: CursorPageMeta

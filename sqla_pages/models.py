"""The response models: one item, a collection, a page."""

from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from .responses import ReadFromColumns

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

# So that a function can be annotated with a page of entities: `-> Page[User]`.
_OF_ANYTHING = ConfigDict(arbitrary_types_allowed=True)


class Item(BaseModel, Generic[T]):
    """One item, under `data`."""

    model_config = _OF_ANYTHING

    data: T


class Collection(BaseModel, Generic[T]):
    """A list of items, under `data`."""

    model_config = _OF_ANYTHING

    data: Annotated[list[T], ReadFromColumns]


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


class OffsetPage(Collection[T], Generic[T, M]):
    """An offset page: its items under `data`, under `meta` what is known of its place.

    What that is depends on how the collection was counted: `Page[T]` where it was counted exactly,
    `CappedPage[T]`, `EstimatedPage[T]` and `UncountedPage[T]` where it was not.
    """

    meta: M


class Page(OffsetPage[T, PageMeta], Generic[T]):
    """An offset page: its items under `data`, its place in the collection under `meta`."""


class UncountedPageMeta(BaseModel):
    """Where an offset page lies in a collection that was not counted."""

    offset: int = Field(description="Number of items before this page", ge=0)
    page_number: int = Field(description="Number of this page, the first being 1", ge=1)
    has_next: bool = Field(description="Whether there are items after this page")


class CappedPageMeta(BaseModel):
    """Where an offset page lies in a collection that was counted up to a number."""

    offset: int = Field(description="Number of items before this page", ge=0)
    total_items: int = Field(
        description="Number of items in the collection if total_items_exact is true; "
        "if not, there are at least these",
        ge=0,
    )
    total_items_exact: bool = Field(description="Whether total_items is the number of all items")
    total_pages: int = Field(description="Number of pages that total_items fill", ge=0)
    page_number: int = Field(description="Number of this page, the first being 1", ge=1)


class EstimatedPageMeta(BaseModel):
    """Where an offset page lies in a collection whose size may be an estimate."""

    offset: int = Field(description="Number of items before this page", ge=0)
    total_items: int = Field(
        description="Number of items in the collection if total_items_exact is true; "
        "if not, an estimate, which may be too high or too low",
        ge=0,
    )
    total_items_exact: bool = Field(description="Whether total_items was counted")
    total_pages: int = Field(description="Number of pages that total_items fill", ge=0)
    page_number: int = Field(description="Number of this page, the first being 1", ge=1)


UncountedPage: TypeAlias = OffsetPage[T, UncountedPageMeta]
"""An offset page of a collection that was not counted, by `NoCount`."""

CappedPage: TypeAlias = OffsetPage[T, CappedPageMeta]
"""An offset page of a collection that was counted up to a number, by `CappedCount`."""

EstimatedPage: TypeAlias = OffsetPage[T, EstimatedPageMeta]
"""An offset page of a collection whose size may be an estimate, by `EstimatedCount`."""


class CursorPageMeta(BaseModel):
    """The ways on from a cursor page: a cursor for each side on which there are items."""

    next_cursor: str | None = Field(description="Cursor of the next page; null on the last one")
    previous_cursor: str | None = Field(
        description="Cursor of the previous page; null on the first one"
    )


class CursorPage(Collection[T], Generic[T]):
    """A cursor page: its items under `data`, the ways on under `meta`."""

    meta: CursorPageMeta


class CountedCursorPageMeta(CursorPageMeta):
    """The ways on from a cursor page, and the size of its collection."""

    total_items: int = Field(
        description="Number of items in the collection if total_items_exact is true; "
        "if not, an estimate, or a number that it exceeds",
        ge=0,
    )
    total_items_exact: bool = Field(description="Whether total_items is the number of all items")


class CountedCursorPage(Collection[T], Generic[T]):
    """A cursor page with the size of its collection: `cursor_page(..., count=ExactCount())`."""

    meta: CountedCursorPageMeta

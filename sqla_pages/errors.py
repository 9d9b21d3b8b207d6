"""The errors of pagination, by who is at fault.

::

    PagesError
    ├── PageRequestError (also a ValueError)   the client; status_hint 422
    │   └── InvalidCursorError                 status_hint 400
    ├── StatementNotPageableError              the developer
    │   ├── OrderingNotTotalError
    │   └── SortKeyNotSeekableError
    └── DialectNotSupportedError               the database
"""

from typing import ClassVar, Final, Literal, TypeAlias

CursorFault: TypeAlias = Literal["malformed", "too_long", "signature", "ordering"]

_FAULTS: Final[dict[str, str]] = {
    "malformed": "the cursor is not one that was given out",
    "too_long": "the cursor is longer than any that was given out",
    "signature": "the cursor is not one that was given out here",
    "ordering": "the cursor belongs to another ordering",
}


class PagesError(Exception):
    """Anything that this package raises of its own."""


class PageRequestError(PagesError, ValueError):
    """The client asked for a page that cannot be: a negative offset, a limit of zero.

    `status_hint` is the HTTP status that suits it.
    """

    status_hint: ClassVar[int] = 422


class InvalidCursorError(PageRequestError):
    """The client sent a cursor that was not made for this; `reason` says in one word why.

    `malformed`: no cursor at all. `too_long`: over 8,192 characters. `signature`: signed with no
    known secret, or for another scope. `ordering`: made for pages in another order.
    """

    status_hint: ClassVar[int] = 400

    def __init__(self, reason: CursorFault) -> None:
        super().__init__(_FAULTS[reason])
        self.reason: CursorFault = reason


class StatementNotPageableError(PagesError):
    """The statement has no pages that could be right; the message names the cure."""


class OrderingNotTotalError(StatementNotPageableError):
    """No order of the statement's rows can be proved to be the same on every page."""


class SortKeyNotSeekableError(StatementNotPageableError):
    """A value that is sorted by cannot be carried in a cursor without loss."""


class DialectNotSupportedError(PagesError):
    """The SQL that this statement needs is not known for its database."""

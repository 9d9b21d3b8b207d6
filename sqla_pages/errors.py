"""The errors of pagination, by who is at fault.

::

    PagesError
    ├── PageRequestError (also a ValueError)   the client; status_hint 422
    ├── StatementNotPageableError              the developer
    │   └── OrderingNotTotalError
    └── DialectNotSupportedError               the database
"""

from typing import ClassVar


class PagesError(Exception):
    """Anything that this package raises of its own."""


class PageRequestError(PagesError, ValueError):
    """The client asked for a page that cannot be: a negative offset, a limit of zero.

    `status_hint` is the HTTP status that suits it.
    """

    status_hint: ClassVar[int] = 422


class StatementNotPageableError(PagesError):
    """The statement has no pages that could be right; the message names the cure."""


class OrderingNotTotalError(StatementNotPageableError):
    """No order of the statement's rows can be proved to be the same on every page."""


class DialectNotSupportedError(PagesError):
    """The SQL that this statement needs is not known for its database."""

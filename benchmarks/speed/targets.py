"""What is aimed at: ratios, each of a group of contenders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import imports, pages
from . import requests_compared as requests
from .measured import Measured
from .runner import Ratio
from .suite import DRIVERS, REQUEST_DRIVERS


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio to reach: the time of `ours`, as a multiple of the time of `other`.

    `is_floor` where it is not ours, and shows how low a ratio can be.
    """

    words: str
    most: float
    kind: str
    ours: str
    other: str
    databases: Sequence[str]
    has_rows: bool = True
    is_floor: bool = False

    def found(self, measured: Measured, rows: int) -> Iterator[tuple[str, Ratio]]:
        """Yield the ratio for each database that it was measured on, with so many rows."""
        for database in self.databases:
            group = measured.find(self.kind, database, rows if self.has_rows else 0)
            if group and {self.ours, self.other} <= set(group.times.names):
                yield database, group.times.ratio(self.ours, self.other)


KEYSET, OFFSET = "keyset", "offset"
FASTAPI_PAGINATION, FASTAPI_SQLA = "fastapi-pagination", "fastapi-sqla"

TARGETS = (
    Target(
        "keyset page, module-level statement / prebuilt that answers the same",
        *(1.08, KEYSET, pages.OURS, pages.PREBUILT, DRIVERS),
    ),
    Target(
        "keyset page, module-level statement / prebuilt that guesses the previous link",
        *(1.20, KEYSET, pages.OURS, pages.GUESSING, DRIVERS),
    ),
    Target(
        "keyset page, statement per request / hand-written per request that answers the same",
        *(0.98, KEYSET, pages.OURS_PER_REQUEST, pages.PER_REQUEST, DRIVERS),
    ),
    Target(
        "the same, with a filter of another value for each request",
        *(0.98, KEYSET, pages.OURS_FILTERED, pages.PER_REQUEST_FILTERED, DRIVERS),
    ),
    Target(
        "keyset page / sqlakeyset",
        *(0.45, KEYSET, pages.OURS, "sqlakeyset", DRIVERS),
    ),
    Target(
        "of this, a statement prepared by hand",
        *(0.0, KEYSET, pages.PREBUILT, "sqlakeyset", DRIVERS, True, True),
    ),
    Target(
        "keyset page / cursor page of fastapi-pagination",
        *(0.25, KEYSET, pages.OURS, FASTAPI_PAGINATION, DRIVERS),
    ),
    Target(
        "of this, a statement prepared by hand",
        *(0.0, KEYSET, pages.PREBUILT, FASTAPI_PAGINATION, DRIVERS, True, True),
    ),
    Target(
        "offset page and count, module-level statement / prebuilt",
        *(1.10, OFFSET, pages.OURS, pages.PREBUILT, DRIVERS),
    ),
    Target(
        "offset page and count, statement per request / fastapi-sqla",
        *(0.75, OFFSET, pages.OURS_PER_REQUEST, FASTAPI_SQLA, DRIVERS),
    ),
    Target(
        "of this, a statement prepared by hand",
        *(0.0, OFFSET, pages.PREBUILT, FASTAPI_SQLA, DRIVERS, True, True),
    ),
    Target(
        "of this, a statement per request, written by hand",
        *(0.0, OFFSET, pages.PER_REQUEST, FASTAPI_SQLA, DRIVERS, True, True),
    ),
    Target(
        "offset page and count, statement per request / fastapi-pagination",
        *(0.70, OFFSET, pages.OURS_PER_REQUEST, FASTAPI_PAGINATION, DRIVERS),
    ),
    Target(
        "of this, a statement prepared by hand",
        *(0.0, OFFSET, pages.PREBUILT, FASTAPI_PAGINATION, DRIVERS, True, True),
    ),
    Target(
        "of this, a statement per request, written by hand",
        *(0.0, OFFSET, pages.PER_REQUEST, FASTAPI_PAGINATION, DRIVERS, True, True),
    ),
    Target(
        "endpoint without a session, with the middleware / without",
        *(1.05, "request, none", requests.OURS, requests.BY_HAND, REQUEST_DRIVERS),
    ),
    Target(
        "whole offset request / fastapi-sqla",
        *(0.6, "request, offset", requests.OURS, FASTAPI_SQLA, REQUEST_DRIVERS),
    ),
    Target(
        "of this, an endpoint written by hand",
        *(0.0, "request, offset", requests.BY_HAND, FASTAPI_SQLA, REQUEST_DRIVERS, True, True),
    ),
    Target(
        "whole cursor request / fastapi-pagination",
        *(0.35, "request, cursor", requests.OURS, FASTAPI_PAGINATION, REQUEST_DRIVERS),
    ),
    Target(
        "of this, an endpoint written by hand",
        *(0.0, "request, cursor", requests.BY_HAND, FASTAPI_PAGINATION, REQUEST_DRIVERS),
        *(True, True),
    ),
    Target(
        "response of 50 objects / an ordinary model",
        *(0.5, "response", requests.OURS, requests.ORDINARY, ("",), False),
    ),
    Target(
        "import of both packages with fastapi and sqlalchemy / without them",
        *(1.10, "import", imports.OURS, imports.BASE, ("",), False),
    ),
)

HOPS = (
    ("thread hops, sync page", "offset", False, 3),
    ("thread hops, async page", "offset", True, 0),
    ("thread hops, async endpoint without a session", "none", True, 0),
)
"""What is aimed at: of which kind of request, by which kind of driver, and how many at most."""

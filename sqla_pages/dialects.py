"""What the databases differ in, as far as pages are concerned: one table of traits."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Dialect

from .errors import DialectNotSupportedError


@dataclass(frozen=True, slots=True)
class Traits:
    """How a database sorts and seeks.

    Attributes:
        nulls_largest: NULL sorts as if larger than every value; otherwise as if smaller.
        places_nulls: it has NULLS FIRST and NULLS LAST.
        seeks_nulls: `a IS NULL AND b > y` is one range of an index.
        compares_rows: `(a, b) > (x, y)` is one range of an index: the "whole" of the keys that are
            left, or any "parts" of them.
        equality_hides: `a = x` keeps it from seeing that an index has the order a, b: where a is
            the "first" key, or one of "expressions".
        misses_filters: with an equality filter, it takes the index that the filter alone needs, and
            reads on from the start; sought by keys alone, it does not.
        unites: how several ranges become one page: by UNION ALL of "limited" or of "whole" parts,
            or not: their OR is then read as ranges.
    """

    nulls_largest: bool
    places_nulls: bool
    seeks_nulls: bool = True
    compares_rows: Literal["parts", "whole"] | None = None
    equality_hides: Literal["first", "expressions"] | None = None
    misses_filters: bool = False
    unites: Literal["limited", "whole"] | None = None


# PostgreSQL stops reading the parts of a UNION ALL early only if each has a LIMIT; SQLite merges
# them as they come, and sorts them anew if each has one. SQLite reads all rows that equal the part
# of a row that it compares. benchmarks/depth.py measures what comes of it.
_POSTGRESQL: Final = Traits(
    nulls_largest=True,
    places_nulls=True,
    compares_rows="parts",
    equality_hides="first",
    unites="limited",
)
_SQLITE: Final = Traits(
    nulls_largest=False,
    places_nulls=True,
    compares_rows="whole",
    equality_hides="expressions",
    unites="whole",
)
_MYSQL: Final = Traits(
    nulls_largest=False, places_nulls=False, seeks_nulls=False, misses_filters=True
)
_TRAITS: Final = {
    "postgresql": _POSTGRESQL,
    "sqlite": _SQLITE,
    "mariadb": _MYSQL,
    "mysql": _MYSQL,
    "mssql": Traits(nulls_largest=False, places_nulls=False),
    "oracle": Traits(nulls_largest=True, places_nulls=True),
}


def traits_of(dialect: Dialect) -> Traits:
    """Return the traits of a database.

    Raises:
        DialectNotSupportedError: it is not one of those known.
    """
    try:
        return _TRAITS[dialect.name]
    except KeyError:
        raise DialectNotSupportedError(
            f"how {dialect.name} seeks is not known: use offset pages; "
            f"cursor pages are for {', '.join(_TRAITS)}"
        ) from None

"""Tells the SQL statements that may change a row from those that cannot."""

import re
from typing import Final

# A WITH may: on PostgreSQL it can hold an INSERT.
_READS: Final = re.compile(
    r"[\s(]*(select|show|explain|values|table|pragma|set|savepoint|release|rollback"
    r"|with(?!.*\b(insert|update|delete|merge)\b))\b",
    re.IGNORECASE | re.DOTALL,
)


def may_write(statement: str) -> bool:
    """Tell whether a statement may change a row, other than by a function that it calls."""
    return not _READS.match(statement)

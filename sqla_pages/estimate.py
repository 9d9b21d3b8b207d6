"""How many rows a database expects of a statement, as the plan of its EXPLAIN says."""

import json
from collections.abc import Mapping
from math import prod
from typing import Any, Final

from sqlalchemy import ClauseElement, CompoundSelect, Dialect, Executable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from . import _sqla
from ._sqla import Statement
from .errors import DialectNotSupportedError

_EXPLAIN: Final = {
    "postgresql": "EXPLAIN (FORMAT JSON)",
    "mariadb": "EXPLAIN FORMAT=JSON",
    "mysql": "EXPLAIN FORMAT=JSON",
}


class explain(Executable, ClauseElement):  # noqa: N801  (a clause, as SQLAlchemy names its own)
    """The plan of a statement, as JSON, without running it."""

    inherit_cache = False

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        _sqla.with_subject_of(self, statement)

    def get_children(self, **_: Any) -> tuple[Statement]:
        """Return the statement, by whose tables a session finds its bind."""
        return (self.statement,)


@compiles(explain)
def _compile(element: explain, compiler: SQLCompiler, **options: Any) -> str:
    try:
        command = _EXPLAIN[compiler.dialect.name]
    except KeyError:
        raise DialectNotSupportedError(
            f"what {compiler.dialect.name} expects of a statement is not known"
        ) from None
    return f"{command} {compiler.process(element.statement, **options)}"


def can_estimate(statement: Statement, dialect: Dialect) -> bool:
    """Tell whether the database has an estimate of the number of the statement's rows.

    MariaDB and MySQL have none of groups, and none of what is DISTINCT or of a union.
    """
    if dialect.name == "postgresql":
        return True
    if dialect.name not in _EXPLAIN or isinstance(statement, CompoundSelect):
        return False
    return not (
        _sqla.is_distinct(statement)
        or _sqla.is_limited(statement)
        or _sqla.group_by_of(statement)
        or _sqla.having_of(statement)
    )


def rows_expected(plan: Any) -> int | None:
    """Return the number of rows that a plan expects; None if it does not say.

    Args:
        plan: the JSON that `explain` gives, as text or as the driver decodes it.

    Example:
        >>> rows_expected('[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 1200}}]')
        1200
    """
    found = json.loads(plan) if isinstance(plan, str | bytes) else plan
    if isinstance(found, list):
        return int(found[0]["Plan"]["Plan Rows"])  # pyright: ignore[reportUnknownArgumentType]
    tables = _tables_of(found.get("query_block", {}))
    factors = [_rows_of(table) for table in tables]
    known = [factor for factor in factors if factor is not None]
    return round(prod(known)) if known and len(known) == len(factors) else None


def _tables_of(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tables that MariaDB or MySQL joins, each of which multiplies the rows."""
    joined = block.get("nested_loop", [block])
    found: list[Mapping[str, Any]] = []
    for one in joined:
        while "table" not in one and len(one) and (inner := _inner(one)) is not None:
            one = inner
        found += [one["table"]] if "table" in one else []
    return found


def _inner(block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    parts: list[Any] = list(block.values())
    return next((part for part in parts if hasattr(part, "values")), None)


def _rows_of(table: Mapping[str, Any]) -> float | None:
    rows = table.get("rows", table.get("rows_examined_per_scan"))
    return None if rows is None else float(rows) * float(table.get("filtered", 100)) / 100

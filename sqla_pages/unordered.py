"""What to sort by where no order is meant, but the database takes no OFFSET without one."""

from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NULLTYPE

from . import _sqla
from ._sqla import Statement

S = TypeVar("S", bound=Statement)


class unordered(ColumnElement[Any]):  # noqa: N801 spelled as SQLAlchemy spells functions
    """An ORDER BY that is there for SQL Server alone, and says nothing there either.

    With DISTINCT and UNION it sorts by what is selected, of which there it is the first column.
    """

    __visit_name__ = "unordered"
    _traverse_internals = [("by_selected", InternalTraversal.dp_boolean)]  # noqa: RUF012
    inherit_cache = True
    type = NULLTYPE

    def __init__(self, *, by_selected: bool) -> None:
        self.by_selected = by_selected


@compiles(unordered)
def _compile(element: unordered, compiler: SQLCompiler, **options: Any) -> str:
    if compiler.dialect.name == "mssql":
        # https://learn.microsoft.com/sql/t-sql/queries/select-order-by-clause-transact-sql
        return "1" if element.by_selected else "(SELECT NULL)"
    # An eager load selects what it sorts by.
    return "NULL" if options.get("within_columns_clause") else ""


def with_any_order(statement: S) -> S:
    """Return the statement with something in its ORDER BY, if SQL Server wants that for OFFSET."""
    if _sqla.order_by_of(statement) or not _sqla.has_offset(statement):
        return statement
    by_selected = not isinstance(statement, Select) or _sqla.is_distinct(statement)
    return cast("S", statement.order_by(unordered(by_selected=by_selected)))

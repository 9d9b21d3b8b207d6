"""The count of the rows that a statement returns."""

from typing import Any

from sqlalchemy import Select, func, select

from . import _sqla
from ._sqla import AnySelect, Statement
from .expressions import is_aggregate, is_plain


def count_statement(statement: Statement) -> Select[Any]:
    """Return the statement that counts the rows of another one.

    ORDER BY, eager loads and FOR UPDATE are dropped; loader criteria, DISTINCT, GROUP BY and LIMIT
    are kept. The select list is dropped where nothing in it can change the number of rows.

    Example:
        >>> from sqlalchemy import column, select, table
        >>> user = table("user", column("id"), column("name"))
        >>> print(count_statement(select(user).order_by(user.c.name)))
        SELECT count(*) AS count_1
        FROM "user"
    """
    counted = statement if _needs_order(statement) else statement.order_by(None)
    if isinstance(counted, Select):
        counted = _sqla.without_loading(counted)
        if _is_list_droppable(counted):
            return counted.with_only_columns(func.count(), maintain_column_froms=True)
    return (
        select(func.count())
        .select_from(counted.subquery())
        # Criteria on the inner statement alone are not applied to it as a subquery.
        .options(*_sqla.criteria_of(statement))
        .execution_options(**statement.get_execution_options())
    )


def _needs_order(statement: Statement) -> bool:
    """Tell whether ORDER BY decides how many rows there are."""
    if _sqla.has_fetch_options(statement):
        return True
    if not isinstance(statement, Select) or is_aggregate(statement):
        return False
    # An aggregate that stands in ORDER BY alone still makes one row of all.
    return is_aggregate(statement.with_only_columns(*_sqla.order_by_of(statement)))


def _is_list_droppable(statement: AnySelect) -> bool:
    return (
        not _sqla.is_distinct(statement)
        and not _sqla.is_limited(statement)
        and not _sqla.has_extension(statement)
        and not _sqla.group_by_of(statement)
        and not _sqla.having_of(statement)
        and all(map(is_plain, _sqla.raw_columns_of(statement)))
    )

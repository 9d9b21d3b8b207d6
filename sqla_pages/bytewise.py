"""Sorts texts by their bytes, where a collation takes different texts for equal.

Under MariaDB's usual collations `a` and `A` tie, and rows that tie may change places from page to
page. Where nothing but such a text tells rows apart, it is sorted by once more, bytewise.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Enum, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .errors import DialectNotSupportedError

# https://mariadb.com/kb/en/binary-operator, https://www.postgresql.org/docs/current/collation.html,
# https://sqlite.org/datatype3.html#collation, and the manuals of SQL Server and Oracle.
_FORMS: Final = {
    "mariadb": "CAST({} AS BINARY)",
    "mysql": "CAST({} AS BINARY)",
    "postgresql": '{} COLLATE "C"',
    "sqlite": "{} COLLATE BINARY",
    "mssql": "{} COLLATE Latin1_General_100_BIN2",
    "default": "bytewise({})",  # that of SQLAlchemy's own, in which nothing is run
    "oracle": "NLSSORT({}, 'NLS_SORT=BINARY')",
}


class bytewise(FunctionElement[str]):  # noqa: N801 spelled as SQLAlchemy spells functions
    """A text as something that sorts by its bytes."""

    name = "bytewise"
    inherit_cache = True


@compiles(bytewise)
def _compile(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    form = _FORMS.get(compiler.dialect.name)
    if form is None:
        raise DialectNotSupportedError(
            f"how {compiler.dialect.name} sorts texts by their bytes is not known, and nothing "
            "else tells the rows of this statement apart: select a primary key or order by one"
        )
    return form.format(compiler.process(element.clauses, **options))


def is_collated(column: ColumnElement[Any]) -> bool:
    """Tell whether texts that differ may be equal to the database, by their collation."""
    return isinstance(column.type, String) and not isinstance(column.type, Enum)

"""The declarative base, whose tables are read from the database at startup."""

from typing import Any

from sqlalchemy import INTEGER, Inspector, Table, event
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase, DeferredReflection):
    """Base of entity classes that name their table and leave the columns to the database.

    `sqla_session.startup` reflects and maps every subclass; until then a subclass cannot be
    queried. Columns and relationships can be declared too, and take precedence. A table or view
    that does not exist at startup is an error; a view needs a declared primary key.

    Example:
        >>> from sqlalchemy import create_engine, text
        >>> from sqla_session import Base
        >>> class Planet(Base):
        ...     __tablename__ = "planet"
        >>> engine = create_engine("sqlite://")
        >>> with engine.connect() as connection:
        ...     _ = connection.execute(text("CREATE TABLE planet (id INTEGER PRIMARY KEY)"))
        ...     Base.prepare(connection)  # as startup does
        >>> engine.dispose()
        >>> Planet.__table__.c.keys()
        ['id']
    """

    __abstract__ = True


@event.listens_for(Base.metadata, "column_reflect")
def _rowids_are_not_null(inspector: Inspector, table: Table, column: dict[str, Any]) -> None:
    # SQLite says that an INTEGER PRIMARY KEY may be NULL, which it never is
    # (https://sqlite.org/lang_createtable.html#rowid); SQLAlchemy then refuses to insert several.
    if inspector.dialect.name == "sqlite" and isinstance(column["type"], INTEGER):
        keys = inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]
        if keys == [column["name"]]:
            column["nullable"] = False

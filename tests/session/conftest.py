"""An application on each database."""

from collections.abc import Iterator

import pytest

from ..databases import Database
from .application import Application, Linked, Model


@pytest.fixture
def tables(database: Database) -> Iterator[Database]:
    with database.tables(Model.metadata):
        yield database


@pytest.fixture
def application(tables: Database) -> Application:
    return Application(tables)


@pytest.fixture
def linked(tables: Database) -> Iterator[Application]:
    """With tables that check a foreign key at the commit."""
    with tables.tables(Linked.metadata):
        yield Application(tables)

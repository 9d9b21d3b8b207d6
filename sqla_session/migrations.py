"""Asks Alembic what a database has been migrated to."""

from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory


def revisions_of(config: Config) -> tuple[str, ...]:
    """Return what the database is at, asked by way of the project's own env.py."""
    found: list[str] = []

    def note(revision: tuple[str, ...], _context: MigrationContext) -> list[Any]:
        found.extend(revision)
        return []

    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, scripts, fn=note, dont_mutate=True):
        scripts.run_env()
    return tuple(found)

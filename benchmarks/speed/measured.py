"""What a run measured: kept in a file for each version of SQLAlchemy, for the report to read."""

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .peers import versions
from .runner import Times

FOLDER = Path(__file__).parents[1] / "measured"


@dataclass(frozen=True, slots=True)
class Group:
    """Contenders that were measured in turn: of what, on which driver, on how many rows.

    Times are of the wall clock, or of the processor.
    """

    kind: str
    database: str
    rows: int
    times: Times
    by_processor: bool = False


@dataclass(slots=True)
class Measured:
    """All that is known of one version of SQLAlchemy."""

    environment: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    hops: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """By driver, kind of request and name."""
    instructions: dict[str, dict[str, float]] = field(default_factory=dict)
    """Thousands of instructions of a page, by kind and name."""
    profiles: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """Microseconds by kind, name and part."""
    memory: dict[str, float] = field(default_factory=dict)

    def add(self, group: Group) -> None:
        """Take a group in, for the one of the same that there may be."""
        key = (group.kind, group.database, group.rows)
        self.groups = [
            other for other in self.groups if (other.kind, other.database, other.rows) != key
        ]
        self.groups.append(group)

    def find(self, kind: str, database: str, rows: int) -> Group | None:
        for group in self.groups:
            if (group.kind, group.database, group.rows) == (kind, database, rows):
                return group
        return None

    def write(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        values = {
            "environment": self.environment,
            "hops": self.hops,
            "instructions": self.instructions,
            "profiles": self.profiles,
            "memory": self.memory,
            "groups": [
                {
                    **{name: value for name, value in asdict(group).items() if name != "times"},
                    "rounds": {
                        name: [float(f"{seconds:.4g}") for seconds in taken]
                        for name, taken in group.times.rounds.items()
                    },
                }
                for group in self.groups
            ],
        }
        # One list of rounds a line: what changed can then be seen.
        text = re.sub(r"\[[\d\s.,e-]*\]", _on_a_line, json.dumps(values, indent=1))
        path_of(self.environment["sqlalchemy"]).write_text(text + "\n")


def _on_a_line(found: re.Match[str]) -> str:
    return " ".join(found[0].split())


def path_of(sqlalchemy: str) -> Path:
    return FOLDER / f"sqlalchemy-{'.'.join(sqlalchemy.split('.')[:2])}.json"


def read(path: Path) -> Measured:
    values: dict[str, Any] = json.loads(path.read_text())
    groups = [
        Group(
            group["kind"],
            group["database"],
            group["rows"],
            Times({name: tuple(taken) for name, taken in group["rounds"].items()}),
            group["by_processor"],
        )
        for group in values.pop("groups")
    ]
    return Measured(groups=groups, **values)


def read_all() -> list[Measured]:
    """Return what was measured with each version of SQLAlchemy, the newest first."""
    return [read(path) for path in sorted(FOLDER.glob("*.json"), reverse=True)]


def of_this_environment() -> Measured:
    """Return what was measured before in this environment, to add to."""
    environment = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in ("sqlalchemy", "fastapi", "pydantic")},
        **{name: version(name) for name in ("psycopg", "psycopg2-binary", "asyncpg", "aiosqlite")},
        **versions(),
    }
    path = path_of(environment["sqlalchemy"])
    measured = read(path) if path.exists() else Measured()
    measured.environment = {**measured.environment, **environment}
    return measured

"""Instructions of a page, as valgrind counts them: blind to noise, and the same in each run.

One process under valgrind makes everything ready. For each contender it forks twice: one child
takes all arguments once, the other three times as often. The difference of what the two counted is
of the pages alone. SQLite, in memory.
"""

import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import create_engine

from .anatomy import anatomy
from .pages import keyset_contenders, offset_contenders
from .places import places_of
from .runner import Contender
from .table import fill
from .ways import SyncWay

ROWS = 1_000
OFFSETS = range(50, 850, 100)
FEW, MANY = 1, 3


def count_instructions() -> dict[str, dict[str, float]]:
    """Return thousands of instructions of a page, by kind and name of contender."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        command = [
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/%p"),
            *(sys.executable, "-m", "benchmarks.speed.instructions", f"{folder}/children.json"),
        ]
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
        children = json.loads(Path(folder, "children.json").read_text())
        counted: dict[str, dict[str, float]] = {}
        for kind, name, few, many, calls in children:
            difference = total_of(Path(folder, str(many))) - total_of(Path(folder, str(few)))
            counted.setdefault(kind, {})[name] = difference / calls / 1000
        return counted


def total_of(file: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)
    assert found, f"{file.name} has no total"
    return int(found[1])


def child(contender: Contender, cycles: int) -> int:
    """Call a contender in a process of its own, and return its number."""
    number = os.fork()
    if number == 0:
        for argument in contender.arguments * cycles:
            contender.call(argument)
        os._exit(0)
    _, status = os.waitpid(number, 0)
    assert status == 0, contender.name
    return number


async def contenders_on(way: SyncWay) -> Mapping[str, list[Contender]]:
    places = places_of(way.connection, ROWS, OFFSETS)
    return {
        "keyset": [*await keyset_contenders(way, places), *anatomy(way, places)],
        "offset": await offset_contenders(way, places),
    }


def main(file: str) -> None:
    """Fork, and write the numbers of the processes."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        fill(connection, ROWS)
        connection.commit()
        by_kind = asyncio.run(contenders_on(SyncWay(connection)))
        gc.collect()
        gc.freeze()
        children = [
            (
                kind,
                contender.name,
                child(contender, FEW),
                child(contender, MANY),
                len(contender.arguments) * (MANY - FEW),
            )
            for kind, contenders in by_kind.items()
            for contender in contenders
        ]
    Path(file).write_text(json.dumps(children))


if __name__ == "__main__":
    main(sys.argv[1])

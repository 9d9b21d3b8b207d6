"""Plants the faults of `planted.py`, one at a time, and sees whether a test catches each.

    python -m property_tests.faults                 all of them; writes FAULTS.md
    python -m property_tests.faults TEXT...         those with one of these texts in their names;
                                                    brings their lines in FAULTS.md up to date
    python -m property_tests.faults --list          their names

A fault is planted in a copy of the repository, and tests are run there that should catch it. Each
selection of tests has to pass in an unchanged copy first: else to fail would mean nothing.
"""

import argparse
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from itertools import count, groupby
from pathlib import Path
from queue import SimpleQueue
from shutil import copy2
from typing import Final, TypeVar
from xml.etree import ElementTree

from .planted import BY_TOOL, FAULTS, Fault

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[1]
RESULT: Final = Path(__file__).with_name("FAULTS.md")
PACKAGES: Final = ("sqla_pages", "sqla_session")
SURVIVED: Final = "**survived**"
TIMEOUT: Final = 400.0
"""Seconds for one run of tests: many times what any takes, so that one that hangs ends too."""


_later: Final = count(1)


class UnusableError(Exception):
    """What was found says nothing of the tests: the list or the environment is wrong."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of tests: its first failure, if any, and how long it took."""

    failed: str | None
    message: str
    seconds: float


def check(faults: Iterable[Fault], root: Path) -> None:
    """Refuse faults that cannot be planted, as they are after the code around them has changed.

    Raises:
        UnusableError: a text does not occur exactly once in its file, or a name comes twice.
    """
    wrong: list[str] = []
    names: set[str] = set()
    for fault in faults:
        found = (root / fault.file).read_text().count(fault.text)
        if found != 1:
            wrong.append(f"{fault.name}: its text occurs {found} times in {fault.file}")
        if fault.text == fault.planted or fault.name in names:
            wrong.append(f"{fault.name}: it changes nothing, or is there twice")
        names.add(fault.name)
    if wrong:
        raise UnusableError("\n".join(wrong))


def copy_to(folder: Path) -> None:
    """Copy what git knows of the repository, and what is new in it, as it is now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy2(ROOT / name, folder / name)
    _check_imports(folder)


def _check_imports(folder: Path) -> None:
    # The packages may be installed from the checkout; what is tested has to be the copy.
    code = f"import {', '.join(PACKAGES)}; print({', '.join(f'{p}.__file__' for p in PACKAGES)})"
    command = [sys.executable, "-c", code]
    environment = _environment(folder)
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    if not all(Path(file).is_relative_to(folder) for file in done.stdout.split()):
        raise UnusableError(f"not the copy is imported, but {done.stdout}")


def _environment(folder: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**mine, "PYTHONPATH": str(folder)}


def tested(folder: Path, selection: str) -> Run:
    """Run a selection of tests in a copy, up to the first failure.

    Raises:
        UnusableError: no test has failed, and not all have passed either.
    """
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *shlex.split(selection)],
        cwd=folder,
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        _end(process)
        return Run("no end", f"not over after {TIMEOUT:.0f} s", time.monotonic() - started)
    seconds = time.monotonic() - started
    if process.returncode == 0:
        return Run(None, "", seconds)
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        if (failure := case.find("failure")) is not None:
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
            return Run(name, failure.get("message", ""), seconds)
    raise UnusableError(f"pytest {selection}: exit {process.returncode}\n{output[-3000:]}")


def _end(process: "subprocess.Popen[str]") -> None:
    """End a run and the servers that it has started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def planted(folder: Path, fault: Fault) -> Iterator[None]:
    """Have a fault in a copy."""
    check([fault], folder)
    file = folder / fault.file
    right, modified = file.read_text(), int(file.stat().st_mtime)
    file.write_text(right.replace(fault.text, fault.planted))
    # A time of its own, since Python knows a file that has changed by its time and its length.
    os.utime(file, times=(modified, modified + next(_later)))
    try:
        yield
    finally:
        file.write_text(right)
        os.utime(file, times=(modified, modified))


@contextmanager
def copies(number: int) -> Iterator["SimpleQueue[Path]"]:
    """Have copies of the repository, to take and to put back."""
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        free: SimpleQueue[Path] = SimpleQueue()
        for n in range(number):
            folder = Path(temporary).resolve() / str(n)
            folder.mkdir()
            copy_to(folder)
            free.put(folder)
        yield free


def each(
    free: "SimpleQueue[Path]", jobs: int, work: Callable[[Path, T], Run], tasks: Sequence[T]
) -> Iterator[tuple[T, Run]]:
    """Do the work in a copy for each of the tasks, yield them as they are done."""

    def in_a_copy(task: T) -> Run:
        folder = free.get()
        try:
            return work(folder, task)
        finally:
            free.put(folder)

    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(in_a_copy, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def plant_all(faults: Sequence[Fault], jobs: int) -> dict[str, Run]:
    """Plant the faults, tell what came of each, and return it by their names.

    Raises:
        UnusableError: tests fail without a fault.
    """

    def with_fault(folder: Path, fault: Fault) -> Run:
        with planted(folder, fault):
            try:
                return tested(folder, fault.tests)
            except UnusableError as error:  # no test has failed, so none has caught it
                return Run(None, str(error), 0)

    selections = list(dict.fromkeys(fault.tests for fault in faults))
    runs: dict[str, Run] = {}
    with copies(jobs) as free:
        check(FAULTS, first := free.get())
        free.put(first)
        for selection, run in each(free, jobs, tested, selections):
            print(f"{'passed' if run.failed is None else 'FAILED':8} {run.seconds:4.0f} s ", end="")
            print(f"without a fault: {selection}", flush=True)
            if run.failed is not None:
                raise UnusableError(f"without a fault, {run.failed} fails: {run.message}")
        for fault, run in each(free, jobs, with_fault, faults):
            runs[fault.name] = run
            is_caught = run.failed is not None
            print(f"{'caught' if is_caught else 'SURVIVED':8} {run.seconds:4.0f} s  {fault.name}")
            told = " ".join(run.message.split())
            print(f"{'':17}by {run.failed}: {told[:110] if is_caught else told}", flush=True)
    return runs


def caught_by(text: str) -> dict[str, str]:
    """Return what FAULTS.md says of each fault: by what it is caught."""
    rows = (line[2:-2].split(" | ", 1) for line in text.splitlines() if line.startswith("| "))
    return {name: by for name, by in rows if by not in ("caught by", "---")}


def written(faults: Sequence[Fault], runs: dict[str, Run], seconds: float, before: str) -> str:
    """Return the text of FAULTS.md, with what was said `before` of faults that were not run."""
    shown = caught_by(before)
    for name, run in runs.items():
        by = run.failed
        shown[name] = SURVIVED if by is None else f"`{by.replace('|', chr(92) + '|')}`"
    faults = [fault for fault in faults if fault.name in shown]
    survived = sum(shown[fault.name] == SURVIVED for fault in faults)
    names = ("sqlalchemy", "fastapi", "pydantic", "pytest")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        "# The faults that were planted, and the tests that caught them",
        "",
        "Written by `python -m property_tests.faults`, which plants each fault of `planted.py` in",
        "a copy of the repository and runs tests that should fail then. They pass without it.",
        "",
        f"- {date.today()}, Python {platform.python_version()}, {versions}",
        f"- {len(faults)} planted, {len(faults) - survived} caught, {survived} survived",
        f"- {seconds:.0f} seconds for the {len(runs)} that were planted last",
        "",
        *BY_TOOL.strip().split("\n"),
    ]
    for file, group in groupby(sorted(faults, key=lambda fault: fault.file), lambda f: f.file):
        lines += ["", f"## {file}", "", "| what goes wrong | caught by |", "| --- | --- |"]
        for fault in group:
            lines.append(f"| {fault.name} | {shown[fault.name]} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m property_tests.faults")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="plant those with this in a name")
    parser.add_argument("--list", action="store_true", help="list the faults, plant none")
    parser.add_argument("-n", dest="jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    given = parser.parse_args()

    chosen = [f for f in FAULTS if not given.texts or any(text in f.name for text in given.texts)]
    if given.list:
        for fault in chosen:
            print(f"{fault.file:32} {fault.name}")
        return 0
    started = time.monotonic()
    try:
        runs = plant_all(chosen, given.jobs)
    except UnusableError as error:
        print(error, file=sys.stderr)
        return 2
    seconds = time.monotonic() - started
    survived = [name for name, run in runs.items() if run.failed is None]
    print(f"{len(runs)} planted, {len(runs) - len(survived)} caught, {seconds:.0f} s")
    for name in survived:
        print(f"SURVIVED {name}")
    before = RESULT.read_text() if given.texts and RESULT.exists() else ""
    RESULT.write_text(written(FAULTS, runs, seconds, before))
    return 1 if survived or not runs else 0


if __name__ == "__main__":
    sys.exit(main())

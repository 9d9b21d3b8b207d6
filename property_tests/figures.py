"""Writes FIGURES.md: what the properties of statements and cursors were tried with, and what came.

    python -m property_tests.figures

The tests run in their full profile, or in the one that `SQLA_PAGES_HYPOTHESIS_PROFILE` names. What
came of planted faults is copied from FAULTS.md, which `property_tests.faults` writes.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from .faults import RESULT as FAULTS
from .faults import ROOT

RESULT: Final = Path(__file__).with_name("FIGURES.md")
TESTS: Final = ("property_tests/test_statements.py", "property_tests/test_cursors.py")
PUT_ASIDE: Final = "put aside"


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of tests has recorded: figures by their names, seconds and failures by tests."""

    figures: Mapping[str, Any]
    seconds: Mapping[str, float]
    failed: tuple[str, ...]

    @classmethod
    def read(cls, file: Path) -> "Report":
        """Read it as pytest writes it."""
        suite = ElementTree.parse(file).getroot()
        cases = {f"{c.get('classname')}.{c.get('name')}": c for c in suite.iter("testcase")}
        return cls(
            figures={
                item.get("name", ""): json.loads(item.get("value", ""))
                for item in suite.iter("property")
                if not item.get("name", "").startswith("hypothesis-")  # its own statistics
            },
            seconds={name: float(case.get("time", 0)) for name, case in cases.items()},
            failed=tuple(
                name
                for name, case in cases.items()
                if case.find("failure") is not None or case.find("error") is not None
            ),
        )

    def seconds_of(self, text: str) -> float:
        """Return how long the tests took that have a text in their names."""
        return sum(seconds for name, seconds in self.seconds.items() if text in name)

    def wrong_of(self, text: str) -> int:
        """Return how many of them failed."""
        return sum(text in name for name in self.failed)


def run() -> Report:
    """Run the tests.

    Raises:
        SystemExit: they could not be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.xml"
        # With several processes, pytest records no figures.
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", f"--junitxml={file}", *TESTS]
        environment = {"SQLA_PAGES_TEST_PROFILE": "full", **os.environ}
        done = subprocess.run(command, cwd=ROOT, env=environment)
        if done.returncode not in (0, 1):
            raise SystemExit(done.returncode)
        return Report.read(file)


def written(report: Report, faults: str) -> str:
    """Return the text of FIGURES.md."""
    names = ("sqlalchemy", "hypothesis")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        "# What the properties were tried with, and what came of it",
        "",
        "Written by `python -m property_tests.figures`.",
        "",
        f"- Python {platform.python_version()}, {versions}",
        f"- {sum(report.seconds.values()):.0f} seconds in total",
        *_statements(report),
        *_cursors(report),
        "",
        "## Faults",
        "",
        "From [FAULTS.md](FAULTS.md):",
        "",
        *re.findall(r"^- .*(?:planted|seconds).*$", faults, re.M),
    ]
    return "\n".join(lines) + "\n"


def _statements(report: Report) -> Iterator[str]:
    yield from ("", "## Statements", "")
    yield "Generated, with tables and rows. Right if their pages hold the rows of the unpaged"
    yield "result, in an order of the statement; refused by our own errors; put aside if the"
    yield "database itself refuses them, or they have too many rows; wrong if a test fails."
    yield from ("", "| database | generated | right | refused | put aside | wrong | seconds |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    found = _named("statements ", report)
    for driver, figures in found.items():
        outcomes = figures["outcomes"]
        generated = sum(outcomes.values())
        refused = outcomes.get("refused", 0)
        cells = [
            f"{figures['version']} ({driver})",
            generated,
            outcomes.get("right", 0),
            f"{refused} ({refused / generated:.1%})",
            outcomes.get(PUT_ASIDE, 0),
            report.wrong_of(f"[{driver}]"),
            f"{report.seconds_of(f'[{driver}]'):.0f}",
        ]
        yield f"| {' | '.join(map(str, cells))} |"
    yield from ("", "| database | why refused | times |", "| --- | --- | ---: |")
    for driver, figures in found.items():
        for reason, number in sorted(figures["reasons"].items()):
            yield f"| {driver} | {reason} | {number} |"
    yield ""
    for driver, figures in _named("compiled ", report).items():
        outcomes = figures["outcomes"]
        right, refused = outcomes.get("right", 0), outcomes.get("refused", 0)
        yield f"- {driver}: the SQL of {right} pages compiled, {refused} refused,"
        yield f"  {report.wrong_of(f'[{driver}]')} wrong"


def _named(prefix: str, report: Report) -> dict[str, Any]:
    """Return the figures under a name that begins so, by the rest of it."""
    found = report.figures.items()
    return {name.removeprefix(prefix): f for name, f in found if name.startswith(prefix)}


def _cursors(report: Report) -> Iterator[str]:
    strings, orderings = report.figures["cursors"], report.figures["orderings"]
    yield from ("", "## Cursors", "")
    yield f"- {strings['tried']} strings tried, damaged, spliced, signed otherwise or forged:"
    yield f"  {strings['refused']} refused, the others were cursors that might have been given out"
    yield f"- {orderings} cursors of other orderings, all refused"
    for backend, seen in _named("forged ", report).items():
        yield f"- {backend}: {sum(seen.values())} forged keysets with the right digest tried,"
        yield f"  {seen['malformed']} refused, {seen['page']} led to rows of the statement"
    wrong, seconds = report.wrong_of("test_cursors"), report.seconds_of("test_cursors")
    yield f"- {wrong} wrong, {seconds:.0f} seconds"


def main() -> int:
    """Run the command."""
    report = run()
    RESULT.write_text(written(report, FAULTS.read_text()))
    print(RESULT.read_text())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

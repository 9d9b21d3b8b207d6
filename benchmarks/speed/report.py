"""Writes what was measured: a report in Markdown, and plots."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import make_url

from . import pages
from .measured import Measured, read_all
from .pictures import DATABASES, depths, plots, title_of
from .requests_compared import BY_HAND, OURS
from .runner import Ratio
from .suite import LARGE, PSYCOPG, SMALL, SQLITE
from .targets import HOPS, TARGETS, Target

FOLDER = Path(__file__).parents[1]
PLOTS = FOLDER / "plots"

KINDS = {
    "keyset": "Keyset pages",
    "offset": "Offset pages with a count",
    "request, none": "Requests to an endpoint without a session",
    "request, offset": "Whole requests for an offset page",
    "request, cursor": "Whole requests for a cursor page",
    "response": "Responses of 50 objects",
    "cursor": "A cursor read and written",
    "import": "Imports",
}


PROFILED = {
    "keyset": ", SQLite",
    "offset": ", SQLite",
    "request, offset": ", PostgreSQL by asyncpg",
    "request, cursor": ", PostgreSQL by asyncpg",
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def targets(measured: Measured, rows: int) -> Iterator[str]:
    """Yield a table of what is aimed at, and was found; ✗ is where it was not reached."""
    aimed = [(target, dict(target.found(measured, rows))) for target in TARGETS]
    if rows != SMALL:
        aimed = [(target, found) for target, found in aimed if found and target.has_rows]
    if not aimed:
        return
    yield f"{title_of(measured)}, {rows:,} rows:\n"
    names = [name for name in DATABASES if any(name in found for _, found in aimed)]
    lines = [
        [
            target.words,
            "" if target.is_floor else f"≤ {target.most:.2f}",
            *(cell(found.get(name), target) for name in names),
            instructions_of(measured, target),
        ]
        for target, found in aimed
    ]
    for words, kind, is_async, most in HOPS if rows == SMALL else ():
        found = {
            driver: by_kind[kind][OURS]
            for driver, by_kind in measured.hops.items()
            if is_async is None or make_url(f"{driver}://").get_dialect().is_async == is_async
        }
        cells = [
            f"{found[name]}{'' if found[name] <= most else ' ✗'}" if name in found else ""
            for name in names
        ]
        lines.append([words, str(most), *cells, ""])
    heads = ("time as a ratio, median (quartiles)", "target")
    yield from table((*heads, *(DATABASES[name] for name in names), "instructions, SQLite"), lines)


def cell(ratio: Ratio | None, target: Target) -> str:
    if ratio is None:
        return ""
    is_reached = target.is_floor or ratio.median <= target.most
    return f"{ratio}{'' if is_reached else ' ✗'}"


def instructions_of(measured: Measured, target: Target) -> str:
    counted = measured.instructions.get(target.kind, {})
    if not {target.ours, target.other} <= set(counted):
        return ""
    return f"{counted[target.ours] / counted[target.other]:.3f}"


def hops(measured: Measured) -> Iterator[str]:
    kinds = {"none": "no session", "offset": "offset page", "cursor": "cursor page"}
    rows = [
        [DATABASES[driver], kinds[kind], *(str(found.get(name, "")) for name in HOP_NAMES)]
        for driver, by_kind in measured.hops.items()
        for kind, found in by_kind.items()
    ]
    yield from table(("", "request", *HOP_NAMES), rows)


HOP_NAMES = (OURS, BY_HAND, "fastapi-sqla", "fastapi-pagination")


def groups(measured: Measured, kind: str) -> Iterator[str]:
    """Yield a table for each size: what each contender takes, as a multiple of ours."""
    found = [group for group in measured.groups if group.kind == kind]
    for size in sorted({group.rows for group in found}):
        of_size = [group for group in found if group.rows == size]
        names = list(dict.fromkeys(name for group in of_size for name in group.times.names))
        base = next((name for name in names if name.startswith("ours")), names[0])
        first = of_size[0].times
        names.sort(key=first.microseconds)
        rows = [
            [
                f"**{name}**" if name.startswith("ours") else name,
                *(
                    f"{group.times.ratio(name, base)}"
                    if name != base
                    else f"1 = {shown(group.times.microseconds(name))}"
                    for group in of_size
                ),
            ]
            for name in names
        ]
        if size:
            yield f"{size:,} rows:\n"
        yield from table(("", *(DATABASES[group.database] for group in of_size)), rows)


def shown(microseconds: float) -> str:
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1000:.3g} ms"


def instructions(measured: Measured) -> Iterator[str]:
    for kind, counted in measured.instructions.items():
        base = counted[pages.PREBUILT]
        rows = [
            [name, f"{thousands:,.0f}", f"{thousands / base:.3f}"]
            for name, thousands in sorted(counted.items(), key=lambda pair: pair[1])
        ]
        yield f"{KINDS[kind]}, SQLite, {title_of(measured)}:\n"
        yield from table(("", "thousands of instructions", "/ prebuilt"), rows)


def profiles(measured: Measured) -> Iterator[str]:
    for kind, by_name in measured.profiles.items():
        parts = list(dict.fromkeys(part for found in by_name.values() for part in found))
        parts.sort(key=lambda part: (part == "waiting", part.startswith("of these")))
        rows = [
            [name, *(f"{found.get(part, 0):.0f}" for part in parts), f"{sum_of(found):.0f}"]
            for name, found in by_name.items()
        ]
        yield f"{KINDS[kind]}{PROFILED.get(kind, '')}, microseconds:\n"
        yield from table(("", *parts, "sum"), rows)


def sum_of(parts: Mapping[str, float]) -> float:
    return sum(value for part, value in parts.items() if not part.startswith("of these"))


def depth_table(measured: Measured, driver: str) -> Iterator[str]:
    lines = depths(measured, driver)
    places = sorted({place for line in lines.values() for place in line})
    if places:
        yield f"{DATABASES[driver]}, {LARGE:,} rows, milliseconds by rows before the page:\n"
        rows = [
            [name, *(f"{line[place]:.3g}" if place in line else "" for place in places)]
            for name, line in lines.items()
        ]
        yield from table(("", *(f"{place:,}" for place in places)), rows)


INTRODUCTION = """\
Written by `python -m benchmarks.speed`. "Ours" is sqla_pages, with sqla_session in whole requests.

A page has 50 objects of 8 columns, ordered by a date that rows share and by the primary key; the
rows lie in no order of the date, and an index has it. Each page is read by a new session on a
connection that is open. Contenders take turns, in another order in each round; a ratio is of the
same round, and shown are the median and the quartiles of all rounds. Every contender is checked to
give the right rows before it is timed. "Prebuilt" is a statement at module level with bind
parameters, "per request" one that is made for each page. The other libraries are given a statement
at module level for keyset pages, and one per request for offset pages.
"""


REASONS = """\
Why some are not reached, and where that is shown below:

- Beside a statement that is prepared by hand, in instructions: 4 % are the two sort keys that
  travel beside the objects. They could be read from the objects for less, and would be wrong where
  an object holds something else by then, or where the type of its column changes what is stored.
  2 % are the statement: on SQLite, the rows that equal the cursor's in the first key are sought by
  themselves, so that a million of them cost no more. 4 % are Python of sqla_pages: finding the
  plan, checking what the cursor holds and what the next ones will, making a model of the page.
- Beside other libraries, a statement that is prepared by hand, or written by hand for each request,
  shows how low it goes: what remains is the driver, SQLAlchemy and making objects. A target below
  that cannot be reached. It also counts what the database does for both: of 10,000 rows, a count
  costs PostgreSQL more than a page.
- Of a whole request by asyncpg, the database and the event loop take more than a third of the time,
  SQLAlchemy and the driver a third, FastAPI and pydantic a sixth; sqla_pages, its codec and
  sqla_session take a tenth together. What is left to save is in that tenth: an endpoint that is
  written by hand takes no less.
- Of a response, reading attributes was what could be saved; FastAPI, validating and writing JSON
  are the same for both, and take 0.5 to 0.6 of what is compared to.
- Of the imports, a quarter is making dataclasses and models, and the rest is loading the modules
  that plan pages. `import sqla_pages, sqla_session` alone brings none of them; names bring what
  they need. To put that off until the first page would move it into a request.
"""


def clock_of(measured: Measured) -> str:
    found = {DATABASES[group.database] for group in measured.groups if group.by_processor}
    return f"; {', '.join(sorted(found))} by processor time, not by the clock" if found else ""


def lines_of(all_measured: Sequence[Measured]) -> Iterator[str]:
    yield "# What pages cost\n"
    yield INTRODUCTION
    for measured in all_measured:
        told = ", ".join(f"{name} {value}" for name, value in measured.environment.items())
        yield f"- {told}{clock_of(measured)}"
    yield "\n## Targets\n"
    yield "Below 1, ours takes less. ✗ is where a target was not reached.\n"
    yield REASONS
    for measured in all_measured:
        for rows in (SMALL, LARGE):
            yield from targets(measured, rows)
    for name, _ in plots(all_measured[0]):
        yield f"![{name}](plots/{name}.svg)\n"
    for measured in all_measured:
        yield f"\n## {title_of(measured)}\n"
        for kind, title in KINDS.items():
            yield f"### {title}\n"
            yield from groups(measured, kind)
        yield "### Depth\n"
        for driver in (SQLITE, PSYCOPG):
            yield from depth_table(measured, driver)
        yield "### Thread hops of a request\n"
        yield from hops(measured)
        if measured.instructions:
            yield "### Instructions\n"
            yield from instructions(measured)
        if measured.profiles:
            yield "### Where the time goes\n"
            yield from profiles(measured)
        if measured.memory:
            yield "### Memory\n"
            rows = [[name, f"{value:,.1f}"] for name, value in measured.memory.items()]
            yield from table(("", ""), rows)


def write() -> None:
    """Write the report and the plots, of all that was measured, and print the targets."""
    all_measured = read_all()
    PLOTS.mkdir(exist_ok=True)
    for name, picture in plots(all_measured[0]):
        (PLOTS / f"{name}.svg").write_text(picture)
    (FOLDER / "SPEED.md").write_text("\n".join(lines_of(all_measured)).rstrip() + "\n")
    for measured in all_measured:
        print(*targets(measured, SMALL), *targets(measured, LARGE), sep="\n")

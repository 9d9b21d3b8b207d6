"""What totals and deep offset pages cost, rewritten and not. Run by hand, from the top folder:

    python benchmarks/totals.py [--rows 1000000] [--databases sqlite postgresql mariadb]
                                [--parts count offset policies] [--statements "ORDER BY a"]

Each call is timed, in milliseconds of this process and the database together: the median of at
least three repetitions, of more where they are quick, the forms of one statement taking turns; what
takes over five seconds is timed once. A call is a transaction of its own, in the isolation that the
database has by default. On MariaDB a plain page deep in a million rows takes a minute and more, and
all of the offsets hours: `--statements` names the only ones to run.

Counted is what the database reads, as in `depth.py`: shared buffers on PostgreSQL, steps of the
virtual machine on SQLite, handler reads on MariaDB; unlike times, these hardly differ from run to
run. Memory is the peak of Python's own in one call; beside it is what the database says of its
sorts, hashes and temporary tables, where it says anything.

Rows are wide, with a text of 200 characters, and lie on disk in no order of a sort key; on
PostgreSQL in none of the primary key either. Ten rows each are equal in a sort key. All that is
compared must give the same rows and totals, or the run ends with an error. Forms that send the
same statements are measured once, and share the result. "-" is what is not to be had: turned round
at offset 0, or refused, which is then said below.

Offsets are 0, 1,000, 100,000, and 50 and 99 % of the rows. What was measured is in TOTALS.md.
"""

import argparse
import tracemalloc
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from counters import DATABASES, Counter, engine_of
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ForeignKey,
    FromClause,
    Index,
    String,
    Text,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    null,
    select,
    table,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship
from sqlalchemy.schema import CreateTable

from sqla_pages import (
    COUNT_REWRITES,
    CappedCount,
    DeepOffset,
    EstimatedCount,
    ExactCount,
    NoCount,
    PagesError,
    count_statement,
    offset_page,
    plan_count,
)
from sqla_pages._sqla import AnySelect

LIMIT = 50
TEAMS = 1000
BATCH = 300
"""Rows that the narrow filter finds, about."""
LEAST, MOST = 3, 30
"""Repetitions of a call that is timed."""
ENOUGH = 1.5
"""Seconds of repetitions after which a call is timed no more, if it was at least that often."""
SLOW = 5.0
"""Seconds from which a call is timed once alone."""
QUICK = 0.1
"""Seconds up to which a call is made once more before each time that it is timed."""
SLOWER = 1.1
"""The ratio from which a form is said to be slower."""
NOISE = 0.1
"""Milliseconds by which times differ of themselves."""


# As it would be reflected: MariaDB holds a snapshot of InnoDB's tables.
INNODB = {"mariadb_engine": "InnoDB"}


class Model(DeclarativeBase):
    pass


class Team(Model):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))

    __table_args__ = INNODB


class Item(Model):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant: Mapped[int]
    a: Mapped[int]
    u: Mapped[int]
    batch: Mapped[int]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    price: Mapped[int]
    stock: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(Text)
    remark: Mapped[str | None] = mapped_column(String(100))
    team: Mapped[Team | None] = relationship()
    notes: Mapped[list["Note"]] = relationship()

    __table_args__ = (
        Index("item_a", "a", "id"),
        Index("item_tenant_a", "tenant", "a", "id"),
        Index("item_batch", "batch"),
        Index("item_team", "team_id"),
        INNODB,
    )


class Note(Model):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    words: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("note_item", "item_id"), INNODB)


ITEMS = select(Item)
TO_COUNT: Mapping[str, AnySelect] = {
    "ORDER BY a": ITEMS.order_by(Item.a),
    "ORDER BY u, without an index": ITEMS.order_by(Item.u),
    "all columns": ITEMS,
    "joinedload of a team": ITEMS.options(joinedload(Item.team)),
    "DISTINCT": ITEMS.distinct(),
    "DISTINCT, JOIN of notes": ITEMS.join(Item.notes).distinct(),
    "GROUP BY, HAVING": (
        select(Item.team_id, func.count(), func.sum(Item.stock), func.max(Item.title))
        .group_by(Item.team_id)
        .having(func.avg(Item.price) > 500)
    ),
    "LEFT JOIN of a team": ITEMS.outerjoin(Item.team),
    "LEFT JOIN of a team, ORDER BY it": ITEMS.outerjoin(Item.team).order_by(Team.name),
    "ORDER BY u, LIMIT 10000": ITEMS.order_by(Item.u).limit(10_000),
}
TO_PAGE: Mapping[str, AnySelect] = {
    "ORDER BY id": ITEMS.order_by(Item.id),
    "ORDER BY a": ITEMS.order_by(Item.a),
    "ORDER BY u, without an index": ITEMS.order_by(Item.u),
    "of a tenant, ORDER BY a": ITEMS.where(Item.tenant == 1).order_by(Item.a),
    "LEFT JOIN of a team, ORDER BY a": ITEMS.outerjoin(Item.team).order_by(Item.a),
    "with the team's name, ORDER BY a": (
        select(Item, Team.name).outerjoin(Item.team).order_by(Item.a)
    ),
    "joinedload of a team, ORDER BY a": ITEMS.options(joinedload(Item.team)).order_by(Item.a),
}
DEPTHS: Mapping[str, DeepOffset] = {
    "plain": DeepOffset(defer=False, turn=False),
    "deferred": DeepOffset(defer=True, turn=False),
    "turned": DeepOffset(defer=True, turn=True),
    "chosen": DeepOffset(),
}
POLICIES: Mapping[str, Any] = {
    "ExactCount()": ExactCount(),
    "ExactCount(in_page=True)": ExactCount(in_page=True),
    "CappedCount(10_000)": CappedCount(10_000),
    "EstimatedCount()": EstimatedCount(),
    "NoCount()": NoCount(),
}


# The rows.


def numbers(database: str, rows: int) -> FromClause:
    """Return what has the numbers from 0 up to that of rows as its column `n`."""
    if database == "postgresql":
        return func.generate_series(0, rows - 1).table_valued("n").render_derived()
    if database == "mariadb":
        sequence = table(f"seq_0_to_{rows - 1}", column("seq"))
        return select(sequence.c.seq.label("n")).subquery()
    first = select(literal(0).label("n")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.n + 1).where(first.c.n < rows - 1))


def fill(connection: Connection, rows: int) -> None:
    """Make the rows, all of them functions of their id."""
    database = connection.dialect.name
    n = cast(numbers(database, rows).c.n, BigInteger)

    # n * prime % rows is each number below rows once, in another order, for a prime above rows.
    def spread(number: ColumnElement[Any], prime: int) -> ColumnElement[Any]:
        return number * prime % rows

    # Elsewhere the table is in the order of its primary key anyway, and best filled in it.
    ids = select((1 + (spread(n, 15_485_863) if database == "postgresql" else n)).label("id"))
    id_ = ids.subquery().c.id
    a, u, b = (spread(id_, prime) for prime in (32_452_843, 49_979_687, 67_867_967))
    values = {
        Item.id: id_,
        Item.tenant: id_ % 4,
        Item.a: a - a % 10,
        Item.u: u - u % 10,
        Item.batch: b % max(rows // BATCH, 1),
        Item.team_id: case((id_ % 10 == 0, null()), else_=b % TEAMS + 1),
        Item.price: spread(id_, 86_028_121) % 1000,
        Item.stock: u % 100,
        Item.code: literal("code ") + cast(b, String(20)),
        Item.title: literal("the title of item ") + cast(u, String(20)),
        Item.body: literal("words " * 32) + cast(a, String(20)),
        Item.remark: case((id_ % 3 == 0, "remarkable"), else_=null()),
    }
    teams = [{"id": number, "name": f"team {number}"} for number in range(1, TEAMS + 1)]
    connection.execute(insert(Team), teams)
    connection.execute(insert(Item).from_select(list(values), select(*values.values())))
    for number in (0, 1):
        of_a_tenth = select(Item.id * 2 + number, Item.id, Item.code).where(Item.id % 10 == 3)
        connection.execute(insert(Note).from_select(["id", "item_id", "words"], of_a_tenth))


def make(connection: Connection, rows: int) -> None:
    tables = Model.metadata.sorted_tables
    Model.metadata.drop_all(connection)
    for made in tables:
        connection.execute(CreateTable(made))
    fill(connection, rows)
    for made in tables:
        for index in sorted(made.indexes, key=lambda index: str(index.name)):
            index.create(connection)


# What calls cost.


@dataclass(frozen=True)
class Cost:
    """What a call costs; `peak` is in bytes."""

    milliseconds: float
    counted: int
    peak: int
    details: Mapping[str, int]
    sent: Sequence[Any]

    @property
    def memory(self) -> str:
        said = [f"{name} {value:,}" for name, value in self.details.items() if value]
        return "; ".join([f"{self.peak / 1024:,.0f} KiB", *said])


@dataclass(frozen=True)
class Compared:
    """What one thing costs in each of its forms, but for those that it does not have."""

    labels: tuple[str, ...]
    costs: Mapping[str, Cost]

    def ratio(self, kind: str, form: str, base: str) -> float | None:
        if form not in self.costs or base not in self.costs:
            return None
        over, under = getattr(self.costs[form], kind), getattr(self.costs[base], kind)
        return float(over / max(under, 1)) if kind == "counted" else float(over / under)

    def slower(self, form: str, plain: str) -> Iterable[str]:
        """Say that a form is slower than the plain one, if it is."""
        times, reads = (self.ratio(kind, form, plain) for kind in ("milliseconds", "counted"))
        if times is None or reads is None:
            return
        lost = self.costs[form].milliseconds - self.costs[plain].milliseconds
        if (times > SLOWER and lost > NOISE) or reads > SLOWER:
            yield (
                f"{', '.join(self.labels)}: {form} to {plain}: "
                f"{times:.2f} of the time, {reads:.2f} of what is read"
            )


def peak_of(call: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def milliseconds_of(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median of each call's times, the calls taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}

    def is_due(taken: Sequence[float]) -> bool:
        if taken and taken[0] > SLOW:
            return False
        return len(taken) < LEAST or (len(taken) < MOST and sum(taken) < ENOUGH)

    while due := [name for name, taken in seconds.items() if is_due(taken)]:
        for name in due:
            if seconds[name] and seconds[name][-1] < QUICK:
                calls[name]()  # so that it does not pay for what others left in the caches
            began = perf_counter()
            calls[name]()
            seconds[name].append(perf_counter() - began)
    return {name: median(taken) * 1000 for name, taken in seconds.items()}


def costs_of(
    counter: Counter, calls: Mapping[str, Callable[[], Any]], refused: set[str]
) -> dict[str, Cost]:
    """Return what calls cost, but for those that are refused, which are then said.

    Raises:
        AssertionError: they do not all return the same.
    """
    results: dict[str, Any] = {}
    counted: dict[str, int] = {}
    sent: dict[str, list[Any]] = {}
    details: dict[str, dict[str, int]] = {}
    for name, call in calls.items():
        try:
            results[name], counted[name] = counter(call)
        except PagesError as error:
            refused.add(f"{name}: {error}")
            continue
        sent[name], details[name] = list(counter.sent), dict(counter.details)
    for name, result in results.items():
        first = next(iter(results))
        if result != results[first]:
            raise AssertionError(
                f"{name} gives {result}, {first} gives {results[first]}: {sent[name]}"
            )
    same = {name: next(other for other in sent if sent[other] == sent[name]) for name in results}
    own = {name: calls[name] for name in set(same.values())}
    times = milliseconds_of({name: own[name] for name in results if name in own})
    peaks = {name: peak_of(call) for name, call in own.items()}
    return {
        name: Cost(times[by], counted[by], peaks[by], details[by], sent[by])
        for name, by in same.items()
    }


# The tables.


def print_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    print("\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for line in lines:
        print("| " + " | ".join(line) + " |", flush=True)


def shown(value: float | None) -> str:
    """Return a number, with as many digits as can be relied on if it is none of a count."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def print_compared(
    heads: Sequence[str],
    forms: Sequence[str],
    ratios: Sequence[tuple[str, str]],
    found: Sequence[Compared],
    unit: str,
) -> None:
    """Print three tables, of times, of what was counted, and of memory, a column for each form."""
    for kind, name in (("milliseconds", "milliseconds"), ("counted", unit)):
        print(f"\n{name}:")
        print_table(
            [*heads, *forms, *(f"{form} / {base}" for form, base in ratios)],
            (
                [
                    *each.labels,
                    *(
                        shown(getattr(each.costs[form], kind) if form in each.costs else None)
                        for form in forms
                    ),
                    *(shown(each.ratio(kind, form, base)) for form, base in ratios),
                ]
                for each in found
            ),
        )
    print("\nmemory:")
    print_table(
        [*heads, *forms],
        (
            [
                *each.labels,
                *(each.costs[form].memory if form in each.costs else "-" for form in forms),
            ]
            for each in found
        ),
    )


def print_refused(refused: set[str]) -> None:
    for line in sorted(refused):
        print(f"\nrefused: {line}")


# What is compared.


def compare_counts(counter: Counter, names: Collection[str]) -> Iterable[str]:
    """Print what counts cost with all rewrites, without one of them, and without any."""
    on, off, none = "all", "all but it", "none"
    found: list[Compared] = []
    refused: set[str] = set()
    for name, statement in TO_COUNT.items():
        if names and name not in names:
            continue
        rewrites = plan_count(statement).rewrites
        counts = {
            on: count_statement(statement),
            none: count_statement(statement, without=COUNT_REWRITES),
        }
        for rewrite in rewrites or ("-",):
            if rewrites:
                without = [name for name in rewrites if name == rewrite]
                counts[off] = count_statement(statement, without=without)
            calls = {form: total_of(counter.connection, count) for form, count in counts.items()}
            found.append(Compared((name, rewrite), costs_of(counter, calls, refused)))
    print("\n### COUNT, by the rewrites that are made")
    ratios = ((off, on), (none, on))
    print_compared(("statement", "rewrite"), (on, off, none), ratios, found, counter.unit)
    print_refused(refused)
    for each in found:
        yield from each.slower(on, off)
        if off not in each.costs or each.costs[off].sent != each.costs[none].sent:
            yield from each.slower(on, none)


def total_of(connection: Connection, count: AnySelect) -> Callable[[], Any]:
    def call() -> Any:
        with Session(connection) as session:
            return session.execute(count).scalar_one()

    return call


def ids_of(
    connection: Connection,
    statement: AnySelect,
    offset: int,
    *,
    total: int | None = None,
    **options: Any,
) -> Callable[[], list[int]]:
    """Return a call for the ids of a page; it raises if the page has not the total given."""

    def call() -> list[int]:
        with Session(connection) as session:
            page = offset_page(session, statement, offset=offset, limit=LIMIT, **options)
            if total is not None and page.meta.total_items != total:
                raise AssertionError(f"the total is {page.meta.total_items}, not {total}")
            return [item.id for item in page.data]

    return call


def number_of(connection: Connection, statement: AnySelect) -> int:
    """Return the number of rows of a statement, by a count that knows of no rewrites."""
    with Session(connection) as session:
        rows = statement.order_by(None).subquery()
        return session.execute(select(func.count()).select_from(rows)).scalar_one()


def offsets_of(total: int) -> list[int]:
    return sorted({n for n in (0, 1000, 100_000, total // 2, total * 99 // 100) if n < total})


def compare_depths(counter: Counter, names: Collection[str]) -> Iterable[str]:
    """Print what a page costs in each form, with its exact total and without one."""
    found: list[Compared] = []
    refused: set[str] = set()
    for name, statement in TO_PAGE.items():
        if names and name not in names:
            continue
        total = number_of(counter.connection, statement)
        for offset in offsets_of(total):
            calls = calls_at(counter.connection, statement, offset, total)
            costs = costs_of(counter, calls, refused)
            found.append(Compared((name, f"{offset:,}", choice_of(costs)), costs))
    forms = (*DEPTHS, "plain, no total", "deferred, no total")
    ratios = (("plain", "chosen"), (forms[-2], forms[-1]))
    print(f"\n### OFFSET, for a page of {LIMIT} and the exact total")
    print_compared(("statement", "offset", "chosen is"), forms, ratios, found, counter.unit)
    print_refused(refused)
    for each in found:
        yield from each.slower("chosen", "plain")


def choice_of(costs: Mapping[str, Cost]) -> str:
    """Return the form that the chosen one is, whichever comes first of the page and the total."""
    if "chosen" not in costs:
        return "-"
    sent = costs["chosen"].sent
    for form in DEPTHS:
        if form in costs and costs[form].sent == sent:
            return form if form != "chosen" else "another"
        if form in costs and costs[form].sent[:1] == sent[-1:]:
            return f"{form}, total first"
    return "another"


def calls_at(
    connection: Connection, statement: AnySelect, offset: int, total: int
) -> dict[str, Callable[[], list[int]]]:
    calls = {
        form: ids_of(connection, statement, offset, total=total, count=ExactCount(), deep=deep)
        for form, deep in DEPTHS.items()
        if offset or form != "turned"
    }
    for form in ("plain", "deferred"):
        calls[f"{form}, no total"] = ids_of(
            connection, statement, offset, count=NoCount(), deep=DEPTHS[form]
        )
    return calls


def compare_policies(counter: Counter, rows: int) -> Iterable[str]:
    """Print what the ways to count cost, on the whole table and on a few hundred rows of it."""
    connection, ordered = counter.connection, ITEMS.order_by(Item.a)
    deep = min(100_000, rows // 2)
    asked = [("all", ordered, 0), ("all", ordered, deep)]
    few = ordered.where(Item.batch == 0)
    asked += [("of a batch", few, offset) for offset in (0, 100, deep)]
    lines: list[list[str]] = []
    refused: set[str] = set()
    for name, statement, offset in asked:
        calls = {
            policy: ids_of(connection, statement, offset, count=count)
            for policy, count in POLICIES.items()
        }
        compared = Compared((name, f"{offset:,}"), costs_of(counter, calls, refused))
        totals = {
            policy: said_of(connection, statement, offset, POLICIES[policy])
            for policy in compared.costs
        }
        lines += lines_of(compared, next(iter(POLICIES)), totals)
    print(f"\n### Ways to count, for a page of {LIMIT} by a")
    heads = ("rows", "offset", "count", "total", "statements", "milliseconds", "/ exact")
    print_table((*heads, counter.unit, "/ exact", "memory"), lines)
    print_refused(refused)
    return ()


def said_of(connection: Connection, statement: AnySelect, offset: int, count: Any) -> str:
    """Return what the page says of the total, with "about" where it is not exact."""
    with Session(connection) as session:
        meta = offset_page(session, statement, offset=offset, limit=LIMIT, count=count).meta
    if not hasattr(meta, "total_items"):
        return "-"
    return f"{'' if getattr(meta, 'total_items_exact', True) else 'about '}{meta.total_items:,}"


def lines_of(compared: Compared, base: str, totals: Mapping[str, str]) -> Iterable[list[str]]:
    for policy, cost in compared.costs.items():
        yield [
            *compared.labels,
            policy,
            totals[policy],
            str(len(cost.sent)),
            shown(cost.milliseconds),
            shown(compared.ratio("milliseconds", policy, base)),
            shown(cost.counted),
            shown(compared.ratio("counted", policy, base)),
            cost.memory,
        ]


PARTS = ("count", "offset", "policies")


def report(counter: Counter, rows: int, parts: Sequence[str], names: Collection[str]) -> None:
    slower: list[str] = []
    if "count" in parts:
        slower += compare_counts(counter, names)
    if "offset" in parts:
        slower += compare_depths(counter, names)
    if "policies" in parts:
        slower += compare_policies(counter, rows)
    print("\nSlower than the plain form by more than a tenth, of what is chosen by default:")
    print("\n".join(f"- {line}" for line in slower) or "none")


def main(databases: Sequence[str], rows: int, parts: Sequence[str], names: Collection[str]) -> None:
    for name in databases:
        _, _, counter, version = DATABASES[name]
        with engine_of(name) as engine:
            began = perf_counter()
            with engine.begin() as connection:
                make(connection, rows)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                # SQLite is left as most applications leave it, without statistics.
                if name == "postgresql":
                    connection.execute(text("VACUUM ANALYZE"))
                if name == "mariadb":
                    connection.execute(text("ANALYZE TABLE item, team, note"))
                shown_version = connection.execute(text(version)).scalar_one()
            print(f"\n## {name} {shown_version}, {rows:,} rows")
            print(f"\nfilled in {perf_counter() - began:.0f} seconds", flush=True)
            with engine.connect() as connection:
                report(counter(connection), rows, parts, names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--statements", nargs="+", default=(), help="names of the only ones to run")
    options = parser.parse_args()
    main(options.databases, options.rows, options.parts, options.statements)

"""What a cursor page costs at any depth, on each database. Run by hand, from the top folder:

    python benchmarks/depth.py [--rows 300000] [--databases sqlite postgresql mariadb]

Counted is what a database reads for the statements that `cursor_page` sends, with the probe for the
other side: shared buffers on PostgreSQL, steps of the virtual machine on SQLite, handler reads on
MariaDB, with the index entries that an index condition refuses. Unlike times, these hardly differ
from run to run. Rows lie on disk in no order of a sort key, and one value of each sort key, that in
the middle, is shared by a fifth of them.

Depth is counted in the direction of reading, so that 0 % is always the second page. `tie` is late
in the block of rows that share that value in all sort keys, `NULLs` amid those with a NULL, and the
last two begin where half a page is left of the rows before the NULLs, or of the NULLs. The worst of
all these but 0 % is compared to the first page and to the second. OFFSET gives the page at 99 %.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from counters import DATABASES, Counter, engine_of
from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship

from sqla_pages import CursorCodec, CursorPage, cursor_page
from sqla_pages._sqla import without_loading
from sqla_pages.cursor import Cursor
from sqla_pages.cursor_plan import CursorPlan, cursor_plan
from sqla_pages.fragments import Direction
from sqla_pages.keyset import order_of

LIMIT = 50
TIE = 5_000_000
"""The value of a fifth of the rows; the others have values around it."""
LOWER_TIE = f"name {TIE:08}"
CODEC = CursorCodec()
PLACES = ("first", "0 %", "50 %", "tie", "99 %", "NULLs", "into NULLs", "out of NULLs")
DEEP = PLACES[2:]


class Model(DeclarativeBase):
    pass


class Group(Model):
    __tablename__ = "group_"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))


class Item(Model):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant: Mapped[int]
    a: Mapped[int]
    b: Mapped[int]
    c: Mapped[int]
    n: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(String(250))
    group_id: Mapped[int] = mapped_column(ForeignKey("group_.id"))
    group: Mapped[Group] = relationship()


@dataclass(frozen=True)
class Case:
    """A statement, and the sort key whose ties and NULLs pages are measured in.

    `databases` are those that have an index for it.
    """

    name: str
    statement: Select[Any]
    ties: ColumnElement[bool] | None = None
    nulls: ColumnElement[bool] | None = None
    databases: tuple[str, ...] = ("sqlite", "postgresql", "mariadb")


ITEMS = select(Item)
TENANT = ITEMS.where(Item.tenant == 1)
LOWER = func.lower(Item.name, type_=String(40))
A, B, C, N = (key == TIE for key in (Item.a, Item.b, Item.c, Item.n))
NULL = Item.n.is_(None)
CASES = (
    Case("primary key", ITEMS.order_by(Item.id)),
    Case("a", ITEMS.order_by(Item.a), A),
    Case("a DESC", ITEMS.order_by(Item.a.desc()), A),
    Case("a, b", ITEMS.order_by(Item.a, Item.b), A & B),
    Case("a, b DESC", ITEMS.order_by(Item.a, Item.b.desc()), A & B),
    Case("a, b, c", ITEMS.order_by(Item.a, Item.b, Item.c), A & B & C),
    Case("a, b DESC, c", ITEMS.order_by(Item.a, Item.b.desc(), Item.c), A & B & C),
    Case("tenant = 1, a", TENANT.order_by(Item.a), A),
    Case("tenant = 1, n", TENANT.order_by(Item.n), N, NULL),
    Case("n", ITEMS.order_by(Item.n), N, NULL),
    Case("n NULLS LAST", ITEMS.order_by(Item.n.nulls_last()), N, NULL),
    Case("n NULLS FIRST", ITEMS.order_by(Item.n.nulls_first()), N, NULL),
    Case("n DESC", ITEMS.order_by(Item.n.desc()), N, NULL),
    Case("n DESC NULLS LAST", ITEMS.order_by(Item.n.desc().nulls_last()), N, NULL),
    Case("n DESC NULLS FIRST", ITEMS.order_by(Item.n.desc().nulls_first()), N, NULL),
    Case("n, b", ITEMS.order_by(Item.n, Item.b), N, NULL),
    Case("a, n", ITEMS.order_by(Item.a, Item.n), A & N, A & NULL),
    Case(
        "a, b DESC, joined",
        ITEMS.options(joinedload(Item.group)).order_by(Item.a, Item.b.desc()),
        A & B,
    ),
    Case(
        "n NULLS LAST, joined",
        ITEMS.options(joinedload(Item.group)).order_by(Item.n.nulls_last()),
        N,
        NULL,
    ),
    Case(
        "lower(name)",
        ITEMS.order_by(LOWER),
        literal(LOWER_TIE) == LOWER,
        databases=("sqlite", "postgresql"),
    ),
)


def indexes_of(database: str) -> list[Index]:
    """Return an index for each ordering, backward and forward.

    PostgreSQL puts NULLs where an index has them; the others keep them first, and have an index
    for a placement only in the direction of the key.
    """
    made = [
        Index("item_a", Item.a, Item.id),
        Index("item_a_b", Item.a, Item.b, Item.id),
        Index("item_a_b_desc", Item.a, Item.b.desc(), Item.id.desc()),
        Index("item_a_b_c", Item.a, Item.b, Item.c, Item.id),
        Index("item_a_b_desc_c", Item.a, Item.b.desc(), Item.c, Item.id),
        Index("item_tenant_n", Item.tenant, Item.n, Item.id),
        Index("item_tenant_a", Item.tenant, Item.a, Item.id),
        Index("item_n", Item.n, Item.id),
        Index("item_n_b", Item.n, Item.b, Item.id),
        Index("item_a_n", Item.a, Item.n, Item.id),
    ]
    if database == "postgresql":
        made.append(Index("item_n_nulls_first", Item.n.nulls_first(), Item.id))
    if database != "mariadb":
        made.append(Index("item_lower_name", LOWER, Item.id))
    return made


def column_of(rows: int, random_: random.Random, *, nulls: int = 0) -> list[int | None]:
    """Return a value for each row: a fifth are equal, the others spread around them."""
    ties = rows // 5
    values: list[int | None] = [TIE] * ties + [None] * nulls
    values += random_.sample([*range(TIE), *range(TIE + 1, 2 * TIE)], rows - ties - nulls)
    random_.shuffle(values)
    return values


def fill(connection: Connection, rows: int) -> None:
    random_ = random.Random(20)
    ids = random_.sample(range(1, 4 * rows), rows)
    a, b, c, names = (column_of(rows, random_) for _ in range(4))
    n = column_of(rows, random_, nulls=rows // 5)
    connection.execute(insert(Group), [{"id": n, "name": f"group {n}"} for n in range(1, 101)])
    items = (
        {
            "id": id_,
            "tenant": random_.randrange(4),
            "a": a[place],
            "b": b[place],
            "c": c[place],
            "n": n[place],
            "name": f"Name {names[place]:08}",
            "body": f"{random_.getrandbits(800):0200x}",
            "group_id": random_.randrange(1, 101),
        }
        for place, id_ in enumerate(ids)
    )
    while batch := list(islice(items, 10_000)):
        connection.execute(insert(Item), batch)


@dataclass(frozen=True)
class Measured:
    """The pages of a case in one direction: what was read for each place, and by how many
    statements at most."""

    reads: dict[str, int]
    statements: int
    by_offset: int


def keyset_at(
    session: Session, plan: CursorPlan, direction: Direction, depth: int, *conditions: Any
) -> tuple[Any, ...]:
    """Return the values of the sort keys of the row this deep, of those fulfilling conditions."""
    keys = [key.flipped() if direction == "before" else key for key in plan.keys]
    sent = (key.carrier.sent(key.expression).label(f"k{n}") for n, key in enumerate(keys))
    rows = (
        without_loading(plan.statement)
        .with_only_columns(*sent, maintain_column_froms=True)
        .where(*conditions)
        .order_by(None)
        .order_by(*order_of(keys, plan.frame.traits))
    )
    return tuple(session.execute(rows.limit(1).offset(depth)).one())


def number_of(session: Session, statement: Select[Any], *conditions: Any) -> int:
    core = without_loading(statement).with_only_columns(func.count(), maintain_column_froms=True)
    return session.execute(core.order_by(None).where(*conditions)).scalar_one()


def keysets_of(
    session: Session, case: Case, plan: CursorPlan, direction: Direction, rows: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the keys of the row that each page begins after."""
    yield "0 %", keyset_at(session, plan, direction, LIMIT - 1)
    for percent in (50, 99):
        yield f"{percent} %", keyset_at(session, plan, direction, rows * percent // 100)
    if case.ties is not None:
        ties = number_of(session, case.statement, case.ties)
        # Late in the block: a form that reads it from its beginning then shows.
        yield "tie", keyset_at(session, plan, direction, ties * 9 // 10, case.ties)
    if case.nulls is not None:
        nulls = number_of(session, case.statement, case.nulls)
        yield "NULLs", keyset_at(session, plan, direction, nulls // 2, case.nulls)
        if not plan.keys[0].nullable:
            return
        is_first = plan.keys[0].nulls_first == (direction == "after")
        name, border = ("out of NULLs", nulls) if is_first else ("into NULLs", rows - nulls)
        yield name, keyset_at(session, plan, direction, border - LIMIT // 2)


def measured(counter: Counter, case: Case, direction: Direction, rows: int) -> Measured:
    """Measure the pages of a case.

    Raises:
        AssertionError: the page at 99 % is not the one that OFFSET gives.
    """
    connection = counter.connection
    plan = cursor_plan(case.statement, connection.dialect)

    def page_at(keyset: tuple[Any, ...] | None) -> tuple[CursorPage[Any], int]:
        cursor = CODEC.encode(Cursor(direction, plan.fingerprint, keyset))
        first = keyset is None and direction == "after"
        with Session(connection) as session:
            return counter(
                lambda: cursor_page(
                    session, case.statement, cursor=None if first else cursor, limit=LIMIT
                )
            )

    def page_by_offset(depth: int) -> tuple[Sequence[Any], int]:
        keys = [key.flipped() if direction == "before" else key for key in plan.keys]
        page = case.statement.order_by(None).order_by(*order_of(keys, plan.frame.traits))
        page = page.limit(LIMIT).offset(depth)
        with Session(connection) as session:
            return counter(lambda: session.scalars(page).all())

    reads: dict[str, int] = {}
    page, reads["first"] = page_at(None)
    statements = len(counter.sent)
    with Session(connection) as session:
        keysets = dict(keysets_of(session, case, plan, direction, rows))
    for place, keyset in keysets.items():
        page, reads[place] = page_at(keyset)
        statements = max(statements, len(counter.sent))
        if place == "99 %":
            ids = [item.id for item in page.data]
    by_offset, cost = page_by_offset(rows * 99 // 100 + 1)
    expected = [item.id for item in by_offset]
    assert ids == (expected if direction == "after" else expected[::-1]), case.name
    return Measured(reads, statements, cost)


def report(counter: Counter, title: str, shown: Callable[[Case], bool]) -> None:
    database = counter.connection.dialect.name
    print(f"\n{title}: {counter.unit} for a page of {LIMIT}")
    names = (*PLACES, "worst/first", "worst/0 %", "statements", "OFFSET 99 %")
    print(f"{'case':22}{'direction':10}" + "".join(f"{name:>13}" for name in names))
    for case in CASES:
        if database not in case.databases or not shown(case):
            continue
        with Session(counter.connection) as session:
            rows = number_of(session, case.statement)
        for direction in ("after", "before"):
            found = measured(counter, case, direction, rows)
            worst = max(found.reads[place] for place in DEEP if place in found.reads)
            cells = [
                *(f"{found.reads[place]:,}" if place in found.reads else "-" for place in PLACES),
                f"{worst / found.reads['first']:.2f}",
                f"{worst / found.reads['0 %']:.2f}",
                str(found.statements),
                f"{found.by_offset:,}",
            ]
            print(
                f"{case.name:22}{direction:10}" + "".join(f"{cell:>13}" for cell in cells),
                flush=True,
            )


def main(databases: Sequence[str], rows: int, shown: Callable[[Case], bool]) -> None:
    for name in databases:
        _, _, counter, version = DATABASES[name]
        with engine_of(name) as engine:
            with engine.begin() as connection:
                Model.metadata.drop_all(connection)
                Model.metadata.create_all(connection)
                fill(connection, rows)
                for index in indexes_of(name):
                    index.create(connection)
                    Item.__table__.indexes.remove(index)  # type: ignore[attr-defined]
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                # SQLite is left as most applications leave it, without statistics.
                if name == "postgresql":
                    connection.execute(text("VACUUM ANALYZE"))
                if name == "mariadb":
                    connection.execute(text("ANALYZE TABLE item, group_"))
                title = f"{name} {connection.execute(text(version)).scalar_one()}, {rows:,} rows"
                report(counter(connection), title, shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--cases", nargs="+", help="names of the only cases to measure")
    options = parser.parse_args()
    main(
        options.databases,
        options.rows,
        lambda case: not options.cases or case.name in options.cases,
    )

"""Hypothesis strategies for schemas: mapped tables of every type of key, full of ties and NULLs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    insert,
)
from sqlalchemy.orm import registry, relationship
from sqlalchemy.schema import CreateTable

Row = dict[str, Any]
DrawFn = Any  # hypothesis.strategies.DrawFn is made for type checkers alone


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of columns: `few` values that many rows share, and `more` for keys."""

    type: Any
    few: tuple[Any, ...]
    more: tuple[Any, ...] = ()


# No two texts that a collation might call equal: which of them a DISTINCT keeps would be open.
KINDS = {
    "int": Kind(Integer(), (0, 1, 2, -1), tuple(range(3, 13))),
    "text": Kind(String(20), ("a", "b", "", "ba", "é"), ("bb", *"cdfghijk")),
    "date": Kind(
        Date(),
        (date(2020, 1, 1), date(2021, 12, 31), date(1999, 5, 5)),
        tuple(date(2020, 2, day) for day in range(1, 11)),
    ),
    "datetime": Kind(
        DateTime(),
        (datetime(2020, 1, 1), datetime(2020, 1, 1, 12, 30), datetime(1999, 5, 5, 5)),
        tuple(datetime(2020, 2, 1 + n // 4, n % 4) for n in range(10)),
    ),
    "decimal": Kind(
        Numeric(8, 2),
        (Decimal("0.00"), Decimal("0.50"), Decimal("-1.25"), Decimal("10.00")),
        tuple(Decimal(n) / 4 for n in range(3, 13)),
    ),
    "uuid": Kind(
        Uuid(),
        (UUID(int=0), UUID(int=1 << 120), UUID("01000000-0000-0000-0000-000000000002")),
        tuple(UUID(int=(n * 7 % 16) << 124 | n) for n in range(1, 11)),
    ),
    "bool": Kind(Boolean(), (False, True)),
}
KEY_KINDS = [name for name, kind in KINDS.items() if kind.more]


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: its columns, and the table that has them as its primary key."""

    columns: tuple[Column[Any], ...]
    target: str


@dataclass(frozen=True, eq=False)
class Schema:
    """Tables, the classes that are mapped to them, and their rows in the order of foreign keys."""

    backend: str
    metadata: MetaData
    classes: tuple[type, ...]
    rows: dict[str, list[Row]]
    numbers: Iterator[int] = field(default_factory=count)

    def found(self, kind: Kind) -> list[Any]:
        """Return the values of a kind that there are, the most common first."""
        of_kind = [
            row[column.name]
            for table in self.tables
            for column in table.c
            if kind_of(column) is kind
            for row in self.rows[table.name]
        ]
        return [value for value, _ in Counter(of_kind).most_common() if value is not None]

    def alias_name(self) -> str:
        """Return another name: what has none is not among the names of a row."""
        return f"a{next(self.numbers)}"

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(self.metadata.tables.values())

    def fill(self, connection: Connection) -> None:
        """Make the tables and put the rows in."""
        self.metadata.create_all(connection, checkfirst=False)
        for table in self.tables:
            if self.rows[table.name]:
                connection.execute(insert(table), self.rows[table.name])

    def __repr__(self) -> str:
        lines = []
        for table in self.tables:
            lines += [str(CreateTable(table)).strip(), *map(repr, self.rows[table.name])]
        return "\n".join(lines)


@st.composite
def schemas(draw: DrawFn, backend: str) -> Schema:
    """Two to four tables that refer to each other; one of them may have no primary key."""
    metadata = MetaData()
    # Few kinds, so that there is much to join by.
    kinds = draw(st.lists(st.sampled_from(KEY_KINDS), min_size=2, max_size=3, unique=True))
    references: dict[str, list[Reference]] = {}
    for n in range(draw(st.integers(2, 4))):
        keyless = n > 1 and draw(st.integers(0, 4)) == 4
        table, found = draw(_tables(metadata, f"t{n}", kinds, not keyless))
        references[table.name] = found
    rows: dict[str, list[Row]] = {}
    for table in metadata.tables.values():
        rows[table.name] = draw(_rows(table, references[table.name], rows, backend))
    return Schema(backend, metadata, _mapped(metadata, references), rows)


def kind_of(expression: Any) -> Kind | None:
    """Return the kind of a column, or of an expression that has its type."""
    for kind in KINDS.values():
        if type(kind.type) is type(expression.type):
            return kind
    return None


@st.composite
def _tables(
    draw: DrawFn, metadata: MetaData, name: str, kinds: list[str], has_key: bool
) -> tuple[Table, list[Reference]]:
    earlier = [table for table in metadata.tables.values() if table.primary_key.columns]
    short = [table for table in earlier if len(table.primary_key.columns) == 1]
    columns: list[Column[Any]] = []
    references: list[Reference] = []

    def refer(target: Table, **options: Any) -> None:
        made = tuple(
            Column(f"f{len(references)}{n}", column.type, **options)
            for n, column in enumerate(target.primary_key.columns)
        )
        references.append(Reference(made, target.name))
        columns.extend(made)

    if has_key:
        shape = draw(st.sampled_from(["own", "own own", "fk own", "fk fk", "fk"]))
        for n, part in enumerate(shape.split()):
            if part == "fk" and short:
                refer(draw(st.sampled_from(short)), primary_key=True)
                continue
            kind = KINDS[draw(st.sampled_from(kinds))]
            columns.append(Column(f"k{n}", kind.type, primary_key=True, autoincrement=False))
    for n in range(draw(st.integers(1, 4))):
        kind = KINDS[draw(st.sampled_from([*kinds, *kinds, *KINDS]))]
        columns.append(Column(f"c{n}", kind.type, nullable=draw(st.integers(0, 2)) > 0))
    for _ in range(draw(st.integers(0, 2)) if earlier else 0):
        refer(draw(st.sampled_from(earlier)), nullable=draw(st.booleans()))
    table = Table(name, metadata, *columns, mysql_engine="InnoDB", mariadb_engine="InnoDB")
    if has_key and draw(st.integers(0, 3)) == 3:  # to itself
        nullable = draw(st.booleans())
        own = [
            Column(f"up_{column.name}", column.type, nullable=nullable)
            for column in table.primary_key.columns
        ]
        for column in own:
            table.append_column(column)
        references.append(Reference(tuple(own), name))
    for reference in references:
        target = metadata.tables[reference.target]
        table.append_constraint(
            ForeignKeyConstraint(reference.columns, list(target.primary_key.columns))
        )
    others = [column for column in table.c if not column.primary_key]
    if draw(st.booleans()):
        unique = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
        table.append_constraint(UniqueConstraint(*unique))
    return table, references


@st.composite
def _rows(
    draw: DrawFn,
    table: Table,
    references: Sequence[Reference],
    rows: dict[str, list[Row]],
    backend: str,
) -> list[Row]:
    referring = {column.name for reference in references for column in reference.columns}
    parts: dict[Any, Any] = {}
    for column in table.c:
        if column.name not in referring:
            parts[column.name] = _values(column, backend)
    for n, reference in enumerate(references):
        nullable = reference.columns[0].nullable
        if reference.target == table.name:  # the number of a row, at most its own
            choices: list[Any] = list(range(15))
        else:
            choices = _keys(table.metadata.tables[reference.target], rows[reference.target])
        if nullable:
            choices = [*[None] * (len(choices) // 3 + 1), *choices]
        if not choices:
            return []
        parts[n] = st.sampled_from(choices)
    if draw(st.integers(0, 9)) == 9:
        return []
    least = draw(st.sampled_from([3, 7, 9, 9, 12]))
    drawn = draw(st.lists(st.fixed_dictionaries(parts), min_size=least, max_size=15))
    found: list[Row] = []
    for parts in drawn:
        row = {name: value for name, value in parts.items() if isinstance(name, str)}
        for n, reference in enumerate(references):
            row |= _referring(table, reference, parts[n], [*found, row])
        if not _clashes(table, row, found):
            found.append(row)
    return found


def _values(column: Column[Any], backend: str) -> st.SearchStrategy[Any]:
    kind = kind_of(column)
    assert kind is not None
    if column.primary_key:
        return st.sampled_from((*kind.few, *kind.more))
    few = kind.few
    if isinstance(column.type, String) and backend != "mariadb":
        few = (*few, "B")  # MariaDB's collation knows no difference to "b"
    return st.sampled_from((*few, None, None) if column.nullable else few)


def _keys(table: Table, rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    return [tuple(row[column.name] for column in table.primary_key.columns) for row in rows]


def _referring(table: Table, reference: Reference, to: Any, rows: list[Row]) -> Row:
    if isinstance(to, int):
        row = rows[to % len(rows)]
        # The key of a row may itself be made of references, which come before this one.
        to = tuple(row[column.name] for column in table.primary_key.columns)
    values = to if to is not None else [None] * len(reference.columns)
    return {column.name: value for column, value in zip(reference.columns, values, strict=True)}


def _clashes(table: Table, row: Row, others: Iterable[Row]) -> bool:
    """Whether a row breaks a unique constraint of its table, in which NULLs are all different."""
    for constraint in (table.primary_key, *table.constraints):
        if isinstance(constraint, ForeignKeyConstraint) or not constraint.columns:  # type: ignore[attr-defined]
            continue
        values = [row[column.name] for column in constraint.columns]  # type: ignore[attr-defined]
        if None not in values and any(
            values == [other[column.name] for column in constraint.columns]  # type: ignore[attr-defined]
            for other in others
        ):
            return True
    return False


def _mapped(metadata: MetaData, references: dict[str, list[Reference]]) -> tuple[type, ...]:
    """Map a class to each table that has a key, with relationships both ways."""
    mapped_by = registry(metadata=metadata)
    tables = metadata.tables
    keyed = [table for table in tables.values() if table.primary_key.columns]
    classes = {table.name: type(table.name.upper(), (), {}) for table in keyed}
    properties: dict[str, dict[str, Any]] = {table.name: {} for table in keyed}
    for table in keyed:
        found = references[table.name]
        for n, reference in enumerate(found):
            own, target = list(reference.columns), tables[reference.target]
            one, many = f"one_{n}", f"many_{table.name}_{n}"
            itself = target is table
            properties[table.name][one] = relationship(
                classes[target.name],
                foreign_keys=own,
                remote_side=list(target.primary_key.columns) if itself else None,
                back_populates=many,
            )
            properties[target.name][many] = relationship(
                classes[table.name],
                foreign_keys=own,
                remote_side=own if itself else None,
                order_by=list(table.primary_key.columns),
                back_populates=one,
                uselist=True,
            )
        if len({reference.target for reference in found}) == len(found) == 2:
            this, that = (tables[reference.target] for reference in found)
            properties[this.name][f"through_{table.name}"] = relationship(
                classes[that.name],
                secondary=table,
                order_by=list(that.primary_key.columns),
                viewonly=True,
            )
    for table in keyed:
        mapped_by.map_imperatively(classes[table.name], table, properties=properties[table.name])
    mapped_by.configure()
    return tuple(classes.values())

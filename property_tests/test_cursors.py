"""Cursors carry every value, and of the strings that they are not made of none passes for one."""

import json
import sys
import tracemalloc
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum as PythonEnum
from itertools import chain, combinations, pairwise
from random import Random
from traceback import format_exception
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ColumnElement, Connection, MetaData, Table, func, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import iterate

from sqla_pages import CursorCodec, InvalidCursorError, SortKeyNotSeekableError, cursor_page
from sqla_pages.cursor import Cursor
from sqla_pages.cursor_plan import cursor_plan
from tests.databases import IS_FULL, ONE_OF_EACH_DRIVERS, Caller, Database, database_of
from tests.test_cursors import LONGEST, NEW, OLD, OTHER, URL_SAFE, VERSION, identity_of, minted

from .cursor_values import CONTENT_CHANGES, DAMAGES, HOSTILE, KEYSETS, LONG, SCALARS, content_of

MESSAGES = {
    "malformed": "the cursor is not one that was given out",
    "too_long": "the cursor is longer than any that was given out",
    "signature": "the cursor is not one that was given out here",
    "ordering": "the cursor belongs to another ordering",
}


@dataclass(frozen=True)
class Signing:
    """How cursors are signed: by which secrets, the first of them first, and for which scope."""

    secrets: tuple[str, ...] = ()
    scope: str = ""

    @property
    def codec(self) -> CursorCodec:
        return CursorCodec(secrets=self.secrets, scope=self.scope)

    @property
    def refusal(self) -> str:
        """The reason of what is no cursor of its own."""
        return "signature" if self.secrets or self.scope else "malformed"


SIGNINGS = [
    Signing(),
    Signing((NEW,)),
    Signing(scope="tenant 7"),
    Signing((NEW, OLD), "tenant 7"),
]
PLAIN = CursorCodec()

DIRECTIONS = st.sampled_from(["after", "before"])
CURSORS = st.builds(Cursor, DIRECTIONS, st.text("0123456789abcdef"), st.none() | KEYSETS)
SHORT_SCALARS = SCALARS.filter(lambda value: len(ascii(value)) < 500)
SHORT_CURSORS = CURSORS.filter(lambda cursor: len(ascii(cursor.keyset)) < 500)


# Values.


@given(st.sampled_from(SIGNINGS), DIRECTIONS, st.text("0123456789abcdef"), st.none() | KEYSETS)
def test_a_cursor_comes_back_as_it_was_or_is_refused_for_its_length(
    signing: Signing, direction: Any, fingerprint: str, keyset: tuple[Any, ...] | None
) -> None:
    try:
        text = signing.codec.encode(Cursor(direction, fingerprint, keyset))
    except SortKeyNotSeekableError:
        assert len(ascii(keyset)) > 1000
        return
    found = signing.codec.decode(text)

    assert len(text) <= LONGEST
    assert set(text) <= URL_SAFE
    assert (found.direction, found.fingerprint) == (direction, fingerprint)
    assert identity_of(found.keyset) == identity_of(keyset)


@given(LONG)
def test_a_long_value_comes_back_or_is_refused(value: str | bytes) -> None:
    # As JSON has it: of a text what must be escaped is, of bytes there are two digits each.
    text = value.hex() if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)[1:-1]
    shown = text.encode("utf-8", "surrogatepass")
    cursor = Cursor("after", "f", (value,))
    try:
        text = PLAIN.encode(cursor)
    except SortKeyNotSeekableError:
        assert len(shown) > 6000
        return

    assert len(shown) < 6144
    assert len(text) <= LONGEST
    assert PLAIN.decode(text) == cursor


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


# Values that no column holds, or only by a driver that is told to; see the test.
UNUSUAL: dict[str, Any] = {
    "a lone surrogate": "\ud800",
    "a lone surrogate in a list": ["\udcff"],
    "a signalling NaN": Decimal("sNaN"),
    "an exponent that no database has": Decimal("1E+131073"),
    "an integer of more digits than Python prints": 10**4300,
    "a list that is nested too deep": _nested(500),
    "a text that is an enum's": PythonEnum("Fruit", {"PEAR": "pear"}, type=str).PEAR,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_value_that_does_not_come_back_is_refused(name: str) -> None:
    value = UNUSUAL[name]
    try:
        text = PLAIN.encode(Cursor("after", "f", (value,)))
    except SortKeyNotSeekableError:
        return

    assert PLAIN.decode(text).keyset == (value,)


# Strings that are no cursors.


def _refusal_of(codec: CursorCodec, text: str) -> str | None:
    """Return the reason of a refusal, None if there is none."""
    error = _error_of(codec, text)
    return None if error is None else _reason_of(error)


def _reason_of(error: InvalidCursorError) -> str:
    """Return the reason of a refusal, which says nothing else and is alone in a traceback."""
    message = MESSAGES[error.reason]
    assert (str(error), error.args) == (message, (message,))
    assert vars(error) == {"reason": error.reason}
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return error.reason


def _error_of(codec: CursorCodec, text: str) -> InvalidCursorError | None:
    try:
        codec.decode(text)
    except InvalidCursorError as error:
        return error
    return None


def _is_canonical(content: bytes) -> bool:
    with suppress(ValueError, RecursionError):
        read = json.loads(content)
        return json.dumps(read, separators=(",", ":"), ensure_ascii=False).encode() == content
    return False


def _try_damaged(signing: Signing, random: Random, one: str, other: str) -> str:
    """Try a string that nobody made."""
    change = random.choice(DAMAGES)
    text = change(random, one, other)
    if text in (one, other):
        return "the same"
    refusal = _refusal_of(signing.codec, text)
    assert refusal in ("malformed", signing.refusal), (change.__name__, text)
    return change.__name__


def _try_signed_otherwise(signing: Signing, random: Random, one: str, other: str) -> str:
    """Try a cursor of another secret, scope or version."""
    own = (signing.secrets, signing.scope)
    secret = random.choice([None, OTHER, NEW, OLD])
    scope = random.choice(["", "tenant 7", "tenant 8", "tenant 7 "])
    version = random.choice([VERSION, VERSION + b"0", b"sqla-pages cursor 2", b""])
    is_own = secret in (own[0] or (None,)) and (scope, version) == (own[1], VERSION)
    text = minted(content_of(one), secret=secret, scope=scope, version=version)
    assert _refusal_of(signing.codec, text) == (None if is_own else signing.refusal)
    return "own" if is_own else "signed otherwise"


def _try_forged(signing: Signing, random: Random, one: str, other: str) -> str:
    """Try a changed content with the right digest."""
    change = random.choice(CONTENT_CHANGES)
    content = change(random, content_of(one), content_of(other))
    secret = random.choice(signing.secrets or (None,))
    text = minted(content, secret=secret, scope=signing.scope)
    refusal = _refusal_of(signing.codec, text)
    if refusal is not None:
        assert refusal in ("malformed", "too_long")
        return change.__name__
    # It is a cursor that might have been given out, in the one spelling that it has.
    assert _is_canonical(content), (change.__name__, content)
    codec = CursorCodec(secrets=() if secret is None else (secret,), scope=signing.scope)
    assert codec.encode(signing.codec.decode(text)) == text
    return "accepted"


TRIES = [_try_damaged] * 5 + [_try_signed_otherwise] + [_try_forged] * 4
# 120,000 at least but for the quick profile.
TRIES_OF_EACH = 1200 if IS_FULL or settings.default.max_examples >= 100 else 1000


def test_strings_that_are_not_given_out_are_refused(record_figures: Any) -> None:
    tried = Counter[str]()

    @given(st.sampled_from(SIGNINGS), SHORT_CURSORS, SHORT_CURSORS, st.integers(0, 2**64))
    def try_some(signing: Signing, one: Cursor, other: Cursor, seed: int) -> None:
        random = Random(seed)
        texts = [signing.codec.encode(cursor) for cursor in (one, other)]
        for _ in range(TRIES_OF_EACH):
            tried[random.choice(TRIES)(signing, random, *random.sample(texts, 2))] += 1

    try_some()

    refused = tried.total() - sum(tried[name] for name in ("the same", "own", "accepted"))
    record_figures("cursors", {"tried": tried.total(), "refused": refused})
    assert refused >= TRIES_OF_EACH * settings.default.max_examples * 5 // 6
    names = [change.__name__ for change in (*DAMAGES, *CONTENT_CHANGES)]
    least = min(tried[name] for name in (*names, "signed otherwise", "accepted"))
    assert least > tried.total() // 3000


@given(st.sampled_from(SIGNINGS), SHORT_CURSORS, SHORT_CURSORS)
def test_a_cursor_cut_at_any_place_or_continued_by_another_is_refused(
    signing: Signing, one: Cursor, other: Cursor
) -> None:
    codec = signing.codec
    text, another = codec.encode(one), codec.encode(other)

    for place in range(len(text)):
        parts = [text[:place], text[place + 1 :], text + another[: place + 1]]
        parts += [text[:place] + another[place:]] if text != another else []
        for part in {*parts} - {text, another}:
            assert _refusal_of(codec, part) in ("malformed", signing.refusal)


# What a refusal costs, and what it says.

ROOM = LONGEST // 4 * 3 - 16
PIECES = [*(b"[", b"]", b"{", b'["list",[', b'{"a":', b'"\\u00fc"', b'"', b"\\", b"\xff"), *HOSTILE]


def _calls_of(codec: CursorCodec, text: str) -> int:
    """Return how many functions are called to decode a text."""
    calls = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        _error_of(codec, text)
    finally:
        sys.setprofile(before)
    return calls


def _peak_of(codec: CursorCodec, text: str) -> int:
    """Return how many bytes are held at most to decode a text."""
    tracemalloc.start()
    try:
        _error_of(codec, text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@given(st.sampled_from(PIECES), st.sampled_from([b"", b","]), st.booleans())
def test_the_cost_of_decoding_is_bounded_whatever_fills_the_room(
    piece: bytes, comma: bytes, is_closed: bool
) -> None:
    opening, closing = b'["after","f",[', b"]]" if is_closed else b""
    room = ROOM - len(opening) - len(closing)
    content = opening + comma.join([piece] * (room // len(piece + comma))) + closing
    text = minted(content)

    assert LONGEST - 4 * len(piece) - 100 < len(text) <= LONGEST
    assert _calls_of(PLAIN, text) < 20 * LONGEST
    assert _peak_of(PLAIN, text) < 2**21


@pytest.mark.parametrize("unit", ["A", "=", "[", "1", "é", '["list",[', "漢"])
def test_a_text_of_any_length_is_refused_by_its_length_alone(unit: str) -> None:
    text = unit * (10**8 // len(unit))

    for codec in (signing.codec for signing in SIGNINGS):
        assert _refusal_of(codec, text) == "too_long"
        assert _calls_of(codec, text) < 50
        assert _peak_of(codec, text) < 2**16


MARK = "2718"
# Values of every type, each with the mark in it.
MARKED = {
    "text": "hunter 2718",
    "bytes": b"hunter\x27\x18",
    "integer": 27182818284,
    "huge integer": 2718 * 10**30,
    "float": 2718.25,
    "decimal": Decimal("2718.28"),
    "datetime": datetime(2718, 2, 8),
    "zoned datetime": datetime(2718, 2, 8, tzinfo=UTC),
    "date": date(2718, 2, 8),
    "time": time(12, 0, 0, 2718),
    "timedelta": timedelta(microseconds=2718),
    "uuid": UUID(int=0x2718 << 64),
    "list": [2718],
}


def _said_by(error: BaseException | None) -> Iterator[str]:
    """Yield what an error says, and those that it was raised for, though they are not printed."""
    while error is not None:
        yield f"{error} {error!r} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


@given(
    st.sampled_from(SIGNINGS),
    st.sampled_from(list(MARKED.values())),
    st.sampled_from(SIGNINGS),
    st.integers(0, 2**64),
)
def test_no_refusal_echoes_a_value(signing: Signing, value: Any, other: Signing, seed: int) -> None:
    random = Random(seed)
    codec = signing.codec
    text = codec.encode(Cursor("after", MARK, (value, 1)))
    content = content_of(text)
    texts = [other.codec.encode(Cursor("after", MARK, (value, 1))) if other != signing else MARK]
    texts += [change(random, text, text) for change in DAMAGES for _ in range(3)]
    for change in CONTENT_CHANGES:
        changed = change(random, content, content)
        texts.append(minted(changed, secret=next(iter(signing.secrets), None), scope=signing.scope))

    texts += [text * LONGEST, content.decode()]

    errors = [error for text in texts if (error := _error_of(codec, text)) is not None]
    assert len(errors) > len(texts) // 2
    for error in errors:
        said = [*_said_by(error), *format_exception(error)]
        assert not any(shown in line for line in said for shown in (MARK, text))


@pytest.mark.parametrize(
    "value", [{MARK: 1}, (MARK,), [{MARK}], MARK * LONGEST, [[MARK * LONGEST]]]
)
def test_no_refusal_of_a_value_echoes_it(value: Any) -> None:
    with pytest.raises(SortKeyNotSeekableError) as raised:
        PLAIN.encode(Cursor("after", "f", (value,)))

    assert not any(MARK in said for said in _said_by(raised.value))


# Orderings.

metadata = MetaData()
thing = Table(
    "thing",
    metadata,
    Column("id", sa.Integer, primary_key=True),
    Column("parent_id", sa.Integer),
    Column("number", sa.Integer),
    Column("price", sa.Numeric(10, 2)),
    Column("ratio", sa.Double),
    Column("word", sa.String(40)),
    Column("code", sa.String(40), nullable=False),
    Column("moment", sa.DateTime),
    Column("day", sa.Date),
    Column("clock", sa.Time),
    Column("span", sa.Interval),
    Column("flag", sa.Boolean),
    Column("data", sa.LargeBinary(40)),
    Column("uid", sa.Uuid),
    Column("kind", sa.Enum("pear", "apple", name="kind")),
    Column("extra", sa.JSON),
)
ROWS: list[dict[str, Any]] = [
    {
        "id": place + 1,
        "parent_id": place // 2,
        "number": place % 3,
        "price": Decimal(place % 3) / 4,
        "ratio": place % 3 / 3,
        "word": ["", "a", "Bc"][place % 3],
        "code": "abc"[place % 3],
        "moment": datetime(2024, 1, 1 + place % 3, 12),
        "day": date(2024, 1, 1 + place % 3),
        "clock": time(12, place % 3),
        "span": timedelta(hours=place % 3),
        "flag": place % 2 == 0,
        "data": [b"", b"a", b"\xff\x00"][place % 3],
        "uid": UUID(int=place % 3),
        "kind": ["pear", "apple"][place % 2],
        "extra": {"size": place * 7 % 12},
    }
    for place in range(12)
]
NULLABLE = [column.name for column in thing.c if column.nullable]
for place, row in enumerate(ROWS):
    row.update(dict.fromkeys(NULLABLE[place % 4 :: 4]))

# The two aliases have the same name in any expression of their own.
parent, grandparent = thing.alias(), thing.alias()
FAMILIES = (
    select(thing.c.id)
    .outerjoin(parent, thing.c.parent_id == parent.c.id)
    .outerjoin(grandparent, parent.c.parent_id == grandparent.c.id)
)
# No two of them are the same, though most of them are like another one.
KEYS: dict[str, ColumnElement[Any]] = {
    **{
        column.name: column for column in thing.c if column.name not in ("id", "parent_id", "extra")
    },
    "number + 1": thing.c.number + 1,
    "number + 2": thing.c.number + 2,
    "number * 2": thing.c.number * 2,
    "number or 1": func.coalesce(thing.c.number, 1),
    "number or 2": func.coalesce(thing.c.number, 2),
    "number in 1, 2": thing.c.number.in_([1, 2]),
    "number in 1, 3": thing.c.number.in_([1, 3]),
    "number as a text": sa.cast(thing.c.number, sa.String(9)),
    "number as a fraction": sa.cast(thing.c.number, sa.Double),
    "word or a": func.coalesce(thing.c.word, "a"),
    "word or b": func.coalesce(thing.c.word, "b"),
    "word or A": func.coalesce(thing.c.word, "A"),
    "lower word": func.lower(thing.c.word),
    "upper word": func.upper(thing.c.word),
    "lower code": func.lower(thing.c.code),
    "length of word": func.length(thing.c.word),
    "word like a%": thing.c.word.like("a%"),
    "word like b%": thing.c.word.like("b%"),
    "word with a": thing.c.word + "a",
    "word with b": thing.c.word + "b",
    "beginning of word": func.substr(thing.c.word, 1, 1),
    "end of word": func.substr(thing.c.word, 2, 1),
    "one case": sa.case((thing.c.number > 1, "a"), else_="b"),
    "another case": sa.case((thing.c.number > 1, "b"), else_="a"),
    "a third case": sa.case((thing.c.number > 2, "a"), else_="b"),
    "year": sa.extract("year", thing.c.day),
    "month": sa.extract("month", thing.c.day),
    "is null": thing.c.number.is_(None),
    "is not null": thing.c.number.is_not(None),
}

OF_FAMILIES = {"parent's number": parent.c.number, "grandparent's number": grandparent.c.number}


@dataclass(frozen=True)
class Term:
    """A sort key by its name, its direction, and where its NULLs go; None if that is not said."""

    name: str
    descending: bool
    nulls_first: bool | None = None

    @property
    def key(self) -> ColumnElement[Any]:
        return {"id": thing.c.id, **KEYS, **OF_FAMILIES}[self.name]

    @property
    def clause(self) -> ColumnElement[Any]:
        key = self.key
        directed = key.desc() if self.descending else key.asc()
        if self.nulls_first is None:
            return directed
        return directed.nulls_first() if self.nulls_first else directed.nulls_last()

    @property
    def spelled_out(self) -> list[ColumnElement[Any]]:
        """The same order for a database that knows no NULLS FIRST."""
        key = self.key
        nulls = [] if self.nulls_first is None else [sa.case((key.is_(None), 0), else_=1)]
        nulls = nulls if self.nulls_first else [place.desc() for place in nulls]
        return [*nulls, key.desc() if self.descending else key.asc()]


Ordering = tuple[Term, ...]


def orderings_by(names: Collection[str]) -> st.SearchStrategy[Ordering]:
    terms = st.builds(
        Term,
        st.sampled_from(sorted(names)),
        st.booleans(),
        st.sampled_from([None, None, True, False]),
    )
    return st.builds(
        lambda terms, descending: (*terms, Term("id", descending)),
        st.lists(terms, max_size=3, unique_by=lambda term: term.name),
        st.booleans(),
    )


@st.composite
def alike(draw: st.DrawFn) -> tuple[Ordering, list[Ordering]]:
    """Draw an ordering and others, most of which differ from it in one thing."""
    names = [*KEYS, *OF_FAMILIES]
    first = draw(orderings_by(names))
    found = [draw(orderings_by(names)), first[:-1] + draw(orderings_by(names)), first[1:]]
    for place, term in enumerate(first[:-1]):
        changed = [
            Term(term.name, not term.descending, term.nulls_first),
            Term(term.name, term.descending, not term.nulls_first),
            Term(draw(st.sampled_from(names)), term.descending, term.nulls_first),
        ]
        found += [(*first[:place], other, *first[place + 1 :]) for other in changed]
    found += [first[:-1][::-1] + first[-1:], (*first[:-1], Term("id", not first[-1].descending))]
    return first, [ordering for ordering in found if ordering]


def effective(ordering: Ordering) -> Ordering:
    """Return the terms that sort: none after the primary key, none that earlier ones determine."""
    found: list[Term] = []
    known = set[str]()
    for term in ordering:
        if term.name not in known and not _columns_of(term) <= known:
            found.append(term)
        known |= {term.name}
        if term.name == "id":
            break
    return tuple(found)


def _columns_of(term: Term) -> set[str]:
    if term.name == "id" or term.name in OF_FAMILIES:
        return {term.name}
    return {part.name for part in iterate(term.key) if isinstance(part, sa.ColumnClause)}


@pytest.fixture(
    scope="module",
    params=ONE_OF_EACH_DRIVERS,
)
def things(request: pytest.FixtureRequest, databases: dict[str, Database]) -> Iterator[Database]:
    database = database_of(request, databases, request.param)
    with database.tables(metadata):
        with database.connect() as connection:
            connection.execute(insert(thing), ROWS)
        yield database


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(thing), ROWS)
        yield connection
    engine.dispose()


def test_no_two_orderings_accept_each_others_cursors(
    connection: Connection, record_figures: Any
) -> None:
    tried = Counter[bool]()

    @settings(max_examples=settings.default.max_examples // 2)
    @given(alike())
    def try_all(drawn: tuple[Ordering, list[Ordering]]) -> None:
        first, others = drawn
        one = _statement_and_cursor(connection, first)
        for ordering in others:
            is_other = effective(first) != effective(ordering)
            tried[is_other] += 1
            if is_other:
                _refuse_each_other(connection, one, _statement_and_cursor(connection, ordering))

    try_all()

    record_figures("orderings", 2 * tried[True])
    assert tried[True] > 2 * settings.default.max_examples


def test_no_two_keys_accept_each_others_cursors(connection: Connection) -> None:
    made = [
        _statement_and_cursor(connection, (Term(name, False), Term("id", False)))
        for name in (*KEYS, *OF_FAMILIES)
    ]

    # By default each and those behind it, most of which are like it.
    pairs = combinations(made, 2) if IS_FULL else chain(pairwise(made), pairwise(made[::2]))
    for one, other in pairs:
        _refuse_each_other(connection, one, other)


def _statement_and_cursor(connection: Connection, ordering: Ordering) -> tuple[Any, str]:
    statement = FAMILIES.order_by(*(term.clause for term in ordering))
    cursor = cursor_page(connection, statement, limit=3).meta.next_cursor
    assert cursor is not None
    return statement, cursor


def _refuse_each_other(
    connection: Connection, one: tuple[Any, str], other: tuple[Any, str]
) -> None:
    for statement, cursor in ((one[0], other[1]), (other[0], one[1])):
        with pytest.raises(InvalidCursorError) as raised:
            cursor_page(connection, statement, cursor=cursor)
        assert raised.value.reason == "ordering"


# Pairs that sort differently, though SQLAlchemy's own text of both is the same.
ALIKE: dict[str, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    "a part of JSON as texts and as numbers": (
        thing.c.extra["size"].as_string(),
        thing.c.extra["size"].as_integer(),
    ),
    "regular expressions with other flags": (
        thing.c.word.regexp_replace("a", "", flags="i"),
        thing.c.word.regexp_replace("a", "", flags="g"),
    ),
    "casts to times with a zone and without": (
        sa.cast(thing.c.moment, sa.DateTime(timezone=True)),
        sa.cast(thing.c.moment, sa.DateTime()),
    ),
    "casts to times of other precision": (
        sa.cast(thing.c.moment, postgresql.TIMESTAMP(precision=0)),
        sa.cast(thing.c.moment, postgresql.TIMESTAMP(precision=3)),
    ),
    "casts to other enums": (
        sa.cast(thing.c.word, sa.Enum("pear", "apple", name="one")),
        sa.cast(thing.c.word, sa.Enum("apple", "pear", name="other")),
    ),
    "casts to a type with a variant and without": (
        sa.cast(thing.c.word, sa.String().with_variant(sa.Integer(), "postgresql")),
        sa.cast(thing.c.word, sa.String()),
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_orderings_that_differ_in_little_have_other_fingerprints(name: str) -> None:
    statements = [select(thing.c.id).order_by(key) for key in ALIKE[name]]
    one, other = (cursor_plan(statement, postgresql.dialect()) for statement in statements)

    assert str(statements[0].compile(dialect=postgresql.dialect())) != str(
        statements[1].compile(dialect=postgresql.dialect())
    )
    assert one.fingerprint != other.fingerprint


def test_forged_cursors_lead_to_rows_of_the_statement_or_nowhere(
    things: Database, record_figures: Any
) -> None:
    seen = Counter[str]()
    is_quick = things.backend == "sqlite"
    examples = settings.default.max_examples * (4 if is_quick else 1)

    with things.core() as caller:

        @settings(max_examples=examples)
        @given(
            orderings_by(KEYS),
            st.integers(1, len(ROWS) - 1),
            DIRECTIONS,
            st.integers(1, 13),
            st.data(),
        )
        def forge(
            ordering: Ordering, place: int, direction: Any, limit: int, data: st.DataObject
        ) -> None:
            statement = select(thing.c.id).order_by(*(term.clause for term in ordering))
            own = PLAIN.decode(caller("cursor_page", statement, limit=place).meta.next_cursor)
            keyset = data.draw(_forged(own.keyset), "keyset")
            text = PLAIN.encode(Cursor(direction, own.fingerprint, keyset))
            spelled_out = (part for term in ordering for part in term.spelled_out)
            unpaged = select(thing.c.id).order_by(*spelled_out)
            order = list(caller.execute(unpaged).scalars())
            try:
                page = caller("cursor_page", statement, cursor=text, limit=limit)
            except InvalidCursorError as error:
                seen[_reason_of(error)] += 1
                _roll_back(caller)
                return
            seen["page"] += 1
            # The last key is the primary key.
            assert keyset is None or (len(keyset) == len(own.keyset) and keyset[-1] is not None)
            places = [order.index(id_) for id_ in page.data]
            assert places == sorted(set(places))
            assert len(places) <= limit
            for cursor in (page.meta.next_cursor, page.meta.previous_cursor):
                if cursor is not None:
                    assert set(caller("cursor_page", statement, cursor=cursor).data) <= set(order)

        forge()

    record_figures(f"forged {things.backend}", seen)
    assert min(seen["page"], seen["malformed"]) > examples // 10


def test_a_refusal_by_the_database_keeps_no_value_behind_it(things: Database) -> None:
    errors: list[InvalidCursorError] = []
    with things.core() as caller:
        for column in (thing.c.number, thing.c.day, thing.c.uid, thing.c.ratio):
            statement = select(thing.c.id).order_by(column, thing.c.id)
            own = PLAIN.decode(caller("cursor_page", statement, limit=6).meta.next_cursor)
            for value in [*MARKED.values(), "2718-02-30", 12718 * 10**15, Decimal("2.718E+2718")]:
                text = PLAIN.encode(Cursor("after", own.fingerprint, (value, 1)))
                try:
                    caller("cursor_page", statement, cursor=text)
                except InvalidCursorError as error:
                    errors.append(error)
                    _roll_back(caller)

    assert len(errors) > 10
    assert not any(MARK in said for error in errors for said in _said_by(error))


def _forged(keyset: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    """Return keysets that begin as this one does, or have some of its values, or none."""
    values = st.tuples(*(st.just(value) | SHORT_SCALARS for value in keyset))
    return st.none() | values | values | values | st.lists(SHORT_SCALARS, max_size=5).map(tuple)


def _roll_back(caller: Caller) -> None:
    done = caller.session.rollback()
    if caller.loop is not None:
        caller.loop.run(done)

"""Plans that are remembered: found again, let go of, and never with the values of another call."""

import gc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    Integer,
    String,
    bindparam,
    case,
    cast,
    create_engine,
    event,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import (
    ORMExecuteState,
    Session,
    aliased,
    joinedload,
    selectinload,
    with_loader_criteria,
)
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.visitors import iterate

from sqla_pages import (
    DeepOffset,
    InvalidCursorError,
    StatementNotPageableError,
    cursor_page,
    iter_rows,
    offset_page,
)
from sqla_pages.plans import CURSOR_PLANS, OFFSET_FRAMES, Plans

from .databases import MATRIX_DRIVERS, Database
from .schema import Base, Note, Team, User, rows

PLANS: list[Plans[Any]] = [CURSOR_PLANS, OFFSET_FRAMES]
BY_NAME = select(User).where(User.team_id > 0).order_by(User.name)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'plans.sqlite'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for table, values in rows():
            session.execute(table.insert(), values)
        session.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def walked(session: Session, make: Callable[[], Any], limit: int = 4) -> list[Any]:
    """Return the items of all cursor pages, of a statement that is made anew for each."""
    page = cursor_page(session, make(), limit=limit)
    items = list(page.data)
    while page.meta.next_cursor is not None:
        page = cursor_page(session, make(), limit=limit, cursor=page.meta.next_cursor)
        items += page.data
    return items


@pytest.mark.parametrize("plans", PLANS)
def test_a_statement_is_planned_once_in_each_dialect(plans: Plans[Any], engine: Engine) -> None:
    other = create_engine("sqlite://")

    planned = plans.of(BY_NAME, engine.dialect)

    assert plans.of(BY_NAME, engine.dialect) is planned
    assert plans.of(BY_NAME, other.dialect).plan is not planned.plan
    another = plans.of(BY_NAME.where(User.score > 0), engine.dialect)
    assert another.plan is not planned.plan


@pytest.mark.parametrize("plans", PLANS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: select(User).order_by(User.name),
        lambda: select(User.name, func.count()).group_by(User.name).order_by(func.count() + 1),
        lambda: select(User).options(joinedload(User.notes)).limit(7),
        lambda: union(select(User.name), select(Team.name)),
    ],
)
def test_neither_a_statement_nor_an_engine_is_kept_alive(
    plans: Plans[Any], make: Callable[[], Any]
) -> None:
    statement, engine = make(), create_engine("sqlite://")
    plans.of(statement, engine.dialect)
    kept = [weakref.ref(one) for one in (statement, engine, engine.dialect)]

    del statement, engine
    gc.collect()

    assert [one() for one in kept] == [None, None, None]


@pytest.mark.parametrize("plans", PLANS)
def test_what_is_remembered_of_statements_that_are_built_is_bounded(
    plans: Plans[Any], engine: Engine
) -> None:
    for number in range(400):
        plans.of(select(User.id, func.abs(User.id).label(f"n{number}")), engine.dialect)

    remembered = plans._by_dialect[engine.dialect]
    assert (len(remembered.blank), len(remembered.whole)) == (256, 256)
    gc.collect()
    assert len(remembered.by_statement) == 0


def test_a_page_of_a_module_s_statement_compiles_nothing_after_the_first(
    session: Session, engine: Engine
) -> None:
    first = cursor_page(session, BY_NAME, limit=4)
    cursor_page(session, BY_NAME, limit=4, cursor=first.meta.next_cursor)
    offset_page(session, BY_NAME, limit=4)
    cache: Any = engine._compiled_cache  # type: ignore[attr-defined]
    entries = len(cache)

    for limit in range(1, 9):
        page = cursor_page(session, BY_NAME, limit=limit, cursor=first.meta.next_cursor)
        assert page.data[0] == walked(session, lambda: BY_NAME)[4]
        offset_page(session, BY_NAME, limit=limit, offset=limit)

    assert len(cache) == entries


def test_pages_found_from_the_end_compile_nothing_after_the_first(
    session: Session, engine: Engine
) -> None:
    def page_of(least: int, offset: int, limit: int) -> list[User]:
        ordered = select(User).where(User.id > least).order_by(User.name)
        page = offset_page(session, ordered, offset=offset, limit=limit, deep=DeepOffset(turn=True))
        everyone = session.scalars(ordered.order_by(User.id)).all()
        assert page.meta.total_items == len(everyone)
        assert page.data == everyone[offset : offset + limit]
        return page.data

    assert page_of(0, 1, 2)
    cache: Any = engine._compiled_cache  # type: ignore[attr-defined]
    entries = len(cache)

    for least in range(3):
        for offset in range(8):
            for limit in (1, 3, 50):
                assert page_of(least, offset, limit)
    assert len(cache) == entries


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize(
    "make",
    [
        lambda least: select(User).where(User.id > least).order_by(User.name),
        lambda least: select(User).where(User.id > least).order_by(User.score.desc()),
        lambda least: select(User.name).where(User.id > least).distinct(),
        lambda least: select(User.id).order_by(User.name).limit(least),
        lambda least: select(User.id).order_by(User.name).offset(least),
        lambda least: select(User.id).where(User.id.in_(range(least))).order_by(User.name),
        lambda least: select(User).join(User.team).where(Team.id != least).order_by(Team.name),
        lambda least: select(User.id).where(User.name == "name 1").order_by(User.name),
        lambda least: select(User).where(User.notes.any(Note.id < least)).order_by(User.name),
        lambda least: select(User).where((n := User.id + least) > 9).order_by(n),
        lambda least: select(User.id).where(
            tuple_(User.id, User.team_id).in_([(n, n % 3 + 1) for n in range(least)])
        ),
        lambda least: select(User).where(User.id.in_(list(range(least - 3)))),
        lambda least: select(User).where(User.name.like(f"%{least}%") | (User.id != least)),
        lambda least: select(User).where(
            User.team_id.in_(select(Team.id).where(Team.id < least).limit(least))
        ),
        lambda least: select(User.id, User.score + least).order_by(User.score + least),
        lambda least: union(
            select(User.id).where(User.id > least), select(Note.id).where(Note.id < least)
        ),
    ],
)
def test_statements_built_alike_share_no_values(
    session: Session, make: Callable[[int], Any], limit: int
) -> None:
    def unpaged(least: int) -> list[Any]:
        return sorted(map(repr, session.scalars(make(least)).all()))

    for least in (3, 11, 7, 3):
        offsets = range(0, len(unpaged(least)) + limit, limit)
        by_offset = [offset_page(session, make(least), offset=n, limit=limit) for n in offsets]
        items = [item for page in by_offset for item in page.data]

        assert sorted(map(repr, items)) == unpaged(least)
        assert {page.meta.total_items for page in by_offset} == {len(items)}
        found = walked(session, lambda least=least: make(least), limit)  # type: ignore[misc]
        assert sorted(map(repr, found)) == unpaged(least)


def test_aliases_and_subqueries_of_one_statement_are_none_of_another(session: Session) -> None:
    def of_alias() -> Any:
        user = aliased(User)
        return select(user.id).order_by(user.name)

    def of_subquery() -> Any:
        names = select(User.id, User.name).where(User.id > 4).subquery("names")
        return select(names.c.id).order_by(names.c.name)

    by_name = [*session.scalars(select(User.id).order_by(User.name, User.id))]

    for _ in range(2):
        assert walked(session, of_alias) == by_name
        assert walked(session, of_subquery) == [id_ for id_ in by_name if id_ > 4]
        assert offset_page(session, of_alias(), limit=50).data == by_name


@pytest.mark.parametrize("plans", PLANS)
def test_statements_whose_values_are_all_in_where_have_a_plan_in_common(
    plans: Plans[Any], engine: Engine
) -> None:
    def are_one(make: Callable[[], Any]) -> bool:
        one, other = make(), make()
        return plans.of(one, engine.dialect).plan is plans.of(other, engine.dialect).plan

    ordered = select(User).order_by(User.name)
    assert are_one(lambda: select(User).order_by(User.name))
    assert are_one(lambda: select(User).options(selectinload(User.notes)).order_by(User.score))
    assert are_one(lambda: select(User.id, User.name).join(User.team).order_by(Team.name))
    numbers = iter(range(100))
    assert are_one(lambda: ordered.where(User.id > next(numbers)))
    assert are_one(lambda: ordered.where(User.id.in_([next(numbers)] * 3)))
    assert are_one(lambda: ordered.where((User.id > next(numbers)) | User.score.between(1, 2)))
    assert not are_one(lambda: ordered.order_by(User.score + next(numbers)))
    assert not are_one(lambda: ordered.where((n := User.id + next(numbers)) > 3).order_by(n))
    assert not are_one(lambda: ordered.join(Team, Team.id == next(numbers)))
    assert not are_one(lambda: ordered.where(User.id > bindparam("least", next(numbers))))
    assert not are_one(lambda: ordered.limit(5))
    assert not are_one(lambda: ordered.execution_options(yield_per=5))
    assert not are_one(lambda: ordered.options(selectinload(User.notes.and_(Note.kind == 1))))
    assert not are_one(lambda: ordered.options(with_loader_criteria(Note, Note.kind == 1)))
    assert not are_one(lambda: select(aliased(User)))
    assert not are_one(lambda: select(User.id, func.lower(User.name).label("name")))
    assert not are_one(lambda: select(select(User.id).subquery()))


def test_rows_are_read_by_the_columns_of_the_statement_in_hand(session: Session) -> None:
    for _ in range(3):
        for score in (func.coalesce(User.score, 0).label("score"), literal_column("1")):
            statement = select(User.id, score).order_by(User.id)
            for page in (
                cursor_page(session, statement, limit=3, scalars=False).data,
                offset_page(session, statement, limit=3, scalars=False).data,
            ):
                assert [row[User.id] for row in page] == [1, 2, 3]
                assert {row[score] for row in page} <= {0, 1, 2}


def test_a_number_in_place_of_a_text_is_planned_by_itself(session: Session) -> None:
    # Compared to a number, the names are numbers to some databases, and so not one name.
    def plan(value: Any) -> Any:
        statement = select(User).where(User.name == value).order_by(User.name)
        return CURSOR_PLANS.of(statement, session.get_bind().dialect).plan

    assert len(plan("name 1").keys) == 1
    assert len(plan(5).keys) == 2
    assert len(plan("name 2").keys) == 1
    assert len(plan(literal("name 1", String(20))).keys) == 1
    assert len(plan(literal(5, String(20))).keys) == 2


def test_a_statement_is_sorted_by_its_own_values(session: Session) -> None:
    for near in (3, 17, 9, 3):
        statement = select(User.id).order_by(func.abs(User.id - near), User.id)
        expected = [*session.scalars(statement)]

        assert walked(session, statement.order_by) == expected
        assert offset_page(session, statement.order_by(), limit=50).data == expected


def test_a_value_that_is_found_out_at_every_run_is_found_out_anew(session: Session) -> None:
    now: list[Any] = [3]
    least = bindparam("least", callable_=lambda: now[0], type_=Integer)
    statement = select(User.id).where(User.id > least).order_by(User.id)
    shifted = select(User).order_by(func.coalesce(User.score, least))

    for now[0] in (3, 9, 20):
        expected = [user for user in range(1, 25) if user > now[0]]
        found = offset_page(session, statement, limit=50).data
        assert found == [id_ for id_ in expected if id_ in found]
        assert walked(session, lambda: statement) == found
    cursor = cursor_page(session, shifted, limit=5).meta.next_cursor
    now[0] = 1
    with pytest.raises(InvalidCursorError, match="another ordering"):
        cursor_page(session, shifted, limit=5, cursor=cursor)


def test_an_event_sets_a_parameter_by_the_name_that_the_application_gave(
    session: Session,
) -> None:
    def set_least(state: ORMExecuteState) -> Any:
        state.parameters = dict(state.parameters or {})
        return state.invoke_statement(params={"least": 20})

    event.listen(session, "do_orm_execute", set_least)

    for _ in range(2):
        statement = select(User.id).where(User.id > bindparam("least", 3))
        expected = list(session.scalars(statement))
        assert expected == [21, 22, 23, 24]
        assert walked(session, lambda of=statement: of) == expected  # type: ignore[misc]
        page = offset_page(session, statement, limit=3)
        assert (page.data, page.meta.total_items) == (expected[:3], 4)


@pytest.mark.parametrize("name", ["_limit", "_offset", "_counted", "_seen", "_a0", "_a11"])
@pytest.mark.parametrize(
    "make",
    [
        lambda least: select(User.id).where(User.id > least),
        lambda least: select(User).order_by(User.score + least),
        lambda least: union(select(User.id).where(User.id > least), select(Team.id)),
        lambda least: select(User).from_statement(
            select(User).where(User.id > least).order_by(User.id)
        ),
        lambda least: select(User).options(with_loader_criteria(User, User.id > least)),
        lambda least: select(User).options(joinedload(User.notes.and_(Note.id > least))),
    ],
)
def test_a_parameter_that_is_named_as_those_of_pages_is_refused(
    session: Session, make: Callable[[Any], Any], name: str
) -> None:
    for _ in range(2):
        for page in (cursor_page, offset_page):
            with pytest.raises(StatementNotPageableError, match="give it another name"):
                page(session, make(bindparam(name, 3)))


class OfEngines(Session):
    """A session that runs a statement on the engine that its WHERE names."""

    engines: dict[Any, Engine]

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **options: Any) -> Any:
        parts = iterate(clause) if clause is not None else ()
        comparisons = (part for part in parts if isinstance(part, BinaryExpression))
        values = [getattr(one.right, "effective_value", None) for one in comparisons]
        (engine,) = {self.engines[value] for value in values if value in self.engines}
        return engine


def test_a_session_that_reads_values_finds_them_in_the_statement(
    engine: Engine, tmp_path: Path
) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    Base.metadata.create_all(other)
    with Session(other) as session, session.begin():
        session.add_all(User(id=n, name="name 2", email=f"{n}") for n in range(3))
    of_module = {name: select(User).where(User.name == name) for name in ("name 1", "name 2")}

    def make(name: str) -> Any:
        return select(User).where(User.name == name)

    with Session(engine) as plain:
        for name in of_module:
            offset_page(plain, of_module[name])
            cursor_page(plain, of_module[name])
    with OfEngines() as session:
        session.engines = {"name 1": engine, "name 2": other}
        for _ in range(2):
            for name in of_module:
                session.expunge_all()
                expected = list(session.scalars(make(name).order_by(User.id)))
                assert len(expected) == (6 if name == "name 1" else 3)
                for statement in (make(name), of_module[name]):
                    assert walked(session, lambda of=statement: of, 2) == expected  # type: ignore[misc]
                    assert list(iter_rows(session, statement)) == expected
                    page = offset_page(session, statement, limit=2)
                    assert page.data == expected[:2]
                    assert page.meta.total_items == len(expected)
    other.dispose()


def test_criteria_that_filter_eager_loads_are_read_at_every_call(session: Session) -> None:
    kind = [0]
    now = bindparam("now", callable_=lambda: kind[0], type_=Integer)
    statement = (
        select(User)
        .options(
            joinedload(User.notes, innerjoin=True), with_loader_criteria(Note, Note.kind == now)
        )
        .order_by(User.id)
    )

    def owners() -> list[int]:
        return [*session.scalars(select(Note.user_id).where(Note.kind == kind[0]).distinct())]

    for kind[0] in (0, 1, 2, 0):
        session.expunge_all()
        page = offset_page(session, statement, limit=50)
        users = [user.id for user in page.data]
        assert (users, page.meta.total_items) == (sorted(owners()), len(owners()))
        assert [user.id for user in walked(session, lambda: statement)] == users


@pytest.mark.parametrize("plans", PLANS)
def test_nothing_that_is_remembered_holds_a_value(plans: Plans[Any], engine: Engine) -> None:
    class Secret(str):
        __slots__ = ("__weakref__",)

    def make(secret: Secret) -> Any:
        either = (User.name == secret) | (User.email.in_([secret]))
        label = (User.name + secret).label("label")
        return select(User).where(either, func.lower(User.name).contains(secret), label != "")

    planned = plans.of(make(Secret("a")), engine.dialect)
    secret = Secret("b")
    again, kept = plans.of(make(secret), engine.dialect), weakref.ref(secret)
    assert again.plan is planned.plan
    assert secret in again.values.values()

    firsts = [weakref.ref(value) for value in planned.values.values() if type(value) is Secret]
    del secret, again, planned
    gc.collect()

    assert kept() is None
    assert [first() for first in firsts] == [None] * 3


def test_no_thread_reads_the_values_of_another(engine: Engine) -> None:
    def make(kind: int) -> Any:
        return (
            select(User)
            .where(User.id > kind)
            .options(
                selectinload(User.notes.and_(Note.kind == kind)),
                with_loader_criteria(Team, Team.id != kind),
            )
            .order_by(func.coalesce(User.score, kind), User.id)
        )

    def expected(kind: int) -> list[int]:
        with Session(engine) as session:
            return [user.id for user in session.scalars(make(kind))]

    orders = {kind: expected(kind) for kind in range(3)}

    def read(number: int) -> None:
        kind = number % 3
        with Session(engine) as session:
            pages = [offset_page(session, make(kind), offset=n, limit=5) for n in range(0, 30, 5)]
            users = [user for page in pages for user in page.data]
            assert [user.id for user in users] == orders[kind]
            assert {note.kind for user in users for note in user.notes} <= {kind}
            assert {page.meta.total_items for page in pages} == {len(orders[kind])}
            assert [user.id for user in walked(session, lambda: make(kind))] == orders[kind]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(48)))


def test_a_page_takes_the_same_statements_however_often_it_was_planned(session: Session) -> None:
    sent: list[tuple[str, Any]] = []
    event.listen(
        session.get_bind(), "before_cursor_execute", lambda *call: sent.append((call[2], call[3]))
    )
    for _ in range(3):
        page = cursor_page(session, BY_NAME, limit=3)
        cursor_page(session, BY_NAME, limit=3, cursor=page.meta.next_cursor)
        offset_page(session, BY_NAME, limit=3, offset=6)

    runs = [sent[:4], sent[4:8], sent[8:]]
    assert len(sent) == 12
    assert all(one == other for one, other in pairwise(runs))


CONDITIONS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "comparison": (lambda value: User.id > value, [3, 11, 2**31 - 1, -1]),
    "the value first": (lambda value: literal(value) < User.id, [3, 11]),
    "NULL and others": (lambda value: User.score.is_distinct_from(value), [None, 1, 2]),
    "equality": (lambda value: User.name == value, ["name 1", "name 2", "it's %s :_v0", ""]),
    "list": (lambda value: User.id.in_(value), [[1, 2, 3], [], [7], list(range(20))]),
    "list of others": (lambda value: User.id.not_in(value), [[1, 2, 3], [], [7]]),
    "pairs": (
        lambda value: tuple_(User.id, User.team_id).in_(value),
        [[(1, 2), (4, 3)], [(7, 1)], []],
    ),
    "pattern": (lambda value: User.name.contains(value, autoescape=True), ["1", "%", "name"]),
    "no case": (lambda value: User.name.ilike(value), ["NAME%", "%2", "x"]),
    "function": (lambda value: func.lower(User.name) == value, ["name 1", "NAME 1"]),
    "case": (lambda value: case((User.id > value, 1), else_=0) == 1, [3, 20]),
    "arithmetic": (lambda value: User.id * value + value < 40, [1, 2, 5]),
    "cast": (lambda value: cast(User.id, String(20)) == value, ["3", "11"]),
    "both": (
        lambda value: ~((User.id > value[0]) | (User.name == value[1])),
        [(9, "name 1"), (20, "")],
    ),
    "between": (lambda value: User.id.between(*value), [(3, 9), (9, 3)]),
    "part of JSON": (lambda value: User.extra["i"].as_integer() == value, [0, 1, 2]),
    "subquery": (lambda value: User.notes.any(Note.kind == value), [0, 1, 7]),
    "query": (lambda value: User.id.in_(select(Note.user_id).where(Note.kind == value)), [0, 1, 7]),
}


@pytest.mark.parametrize(
    ("filled", "name"),
    [
        pytest.param(driver, name, id=f"{driver}-{name}")
        for driver in MATRIX_DRIVERS
        for name in CONDITIONS
    ],
    indirect=["filled"],
    scope="module",
)
def test_each_statement_is_run_with_its_own_values(filled: Database, name: str) -> None:
    condition, values = CONDITIONS[name]
    with filled.session() as caller:
        for value in [*values, *values]:
            for order in ([User.name, User.id], [User.score.desc(), User.id]):
                statement = select(User.id).where(condition(value)).order_by(*order)
                expected = list(caller.execute(statement).scalars())

                found: list[int] = []
                page = caller("cursor_page", statement.order_by(), limit=7)
                found += page.data
                while page.meta.next_cursor is not None:
                    cursor = page.meta.next_cursor
                    page = caller("cursor_page", statement.order_by(), limit=7, cursor=cursor)
                    found += page.data
                by_offset = caller("offset_page", statement.order_by(), limit=50)

                assert found == expected
                assert by_offset.data == expected
                assert by_offset.meta.total_items == len(expected)


@pytest.mark.parametrize("page", [cursor_page, offset_page])
def test_a_statement_that_writes_is_refused_before_it_is_run(session: Session, page: Any) -> None:
    added = insert(Team).values(id=99, name="new").returning(Team.id).cte("added")
    statement = select(User).where(User.team_id.in_(select(added.c.id))).order_by(User.id)

    for _ in range(2):
        with pytest.raises(StatementNotPageableError, match="on its own"):
            page(session, statement)
        with pytest.raises(StatementNotPageableError, match="on its own"):
            page(session, statement.limit(3))


def test_an_event_reads_the_values_in_the_statement(session: Session) -> None:
    by_name = select(User).where(User.name == "name 1").order_by(User.id)
    expected = [user.id for user in cursor_page(session, by_name, limit=50).data]
    seen: list[str] = []

    @event.listens_for(session, "do_orm_execute")
    def see(state: Any) -> None:
        literal_binds = {"literal_binds": True}
        seen.append(str(state.statement.compile(session.get_bind(), compile_kwargs=literal_binds)))

    for statement in (by_name, by_name, by_name.order_by(), by_name.order_by()):
        found = cursor_page(session, statement, limit=50).data
        assert [user.id for user in found] == expected
        assert offset_page(session, statement, limit=50).meta.total_items == len(expected)

    assert len(seen) >= 8
    assert all("'name 1'" in sql for sql in seen)

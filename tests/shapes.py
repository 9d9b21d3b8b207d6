"""Statements of every shape, each with whether its rows are scalars."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlmodel
from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    case,
    cast,
    column,
    desc,
    distinct,
    except_,
    false,
    func,
    intersect,
    lateral,
    literal,
    literal_column,
    not_,
    nulls_last,
    or_,
    select,
    text,
    true,
    tuple_,
    union,
    union_all,
    values,
)
from sqlalchemy.orm import (
    Bundle,
    Query,
    aliased,
    contains_eager,
    defer,
    join,
    joinedload,
    load_only,
    outerjoin,
    selectinload,
    subqueryload,
    undefer,
    with_loader_criteria,
    with_polymorphic,
)

from .schema import (
    Animal,
    Author,
    Bird,
    Book,
    Member,
    Note,
    Tag,
    Team,
    Truck,
    User,
    Vehicle,
    log,
    note_tag,
)

ALL = frozenset({"sqlite", "postgresql", "mariadb"})


@dataclass(frozen=True)
class Shape:
    """A kind of statement. `make` builds it anew, as an endpoint does for every request."""

    make: Callable[[], Any]
    scalars: bool = True
    # Where its own LIMIT takes any of several rows: the statement without it.
    unlimited: Callable[[], Any] | None = None
    backends: frozenset[str] = ALL
    # Refused by offset pages.
    only_cursors: bool = False
    # Refused by cursor pages.
    only_offsets: bool = False


def _entity(make: Callable[[], Any], *backends: str, **more: Any) -> Shape:
    return Shape(make, backends=frozenset(backends) or ALL, **more)


def _rows(make: Callable[[], Any], *backends: str, **more: Any) -> Shape:
    return Shape(make, scalars=False, backends=frozenset(backends) or ALL, **more)


def _distinct_on(statement: Any, *columns: Any) -> Any:
    """Return it with DISTINCT ON, as each release of SQLAlchemy spells it."""
    try:
        from sqlalchemy.dialects.postgresql import distinct_on
    except ImportError:
        return statement.distinct(*columns)
    return statement.ext(distinct_on(*columns))


def _ranked() -> Any:
    ranked = func.row_number().over(partition_by=Note.user_id, order_by=Note.id).label("n")
    return select(Note.id, Note.user_id, ranked)


def _tree() -> Any:
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 17))
    return select(numbers.c.n, (numbers.c.n % 3).label("rest"))


def _counted() -> Any:
    return (
        select(Note.user_id, func.count().label("notes")).group_by(Note.user_id).subquery("counted")
    )


def _counted_cte() -> Any:
    return select(Note.user_id, func.count().label("notes")).group_by(Note.user_id).cte("counted")


def _numbers_to(last: Any) -> Any:
    return func.generate_series(1, last).table_valued("n").render_derived(name="numbers")


def _a() -> Any:
    return aliased(User, name="a")


SHAPES: Mapping[str, Shape] = {
    "an entity": _entity(lambda: select(User)),
    "an entity by its key": _entity(lambda: select(User).order_by(User.id)),
    "an entity by its key, descending": _entity(lambda: select(User).order_by(User.id.desc())),
    "an entity by a tied column": _entity(lambda: select(User).order_by(User.name)),
    "an entity by a unique column": _entity(lambda: select(User).order_by(User.email)),
    "an entity by a nullable column": _entity(lambda: select(User).order_by(User.score)),
    "an entity by a nullable column, descending": _entity(
        lambda: select(User).order_by(User.score.desc())
    ),
    "an entity, nulls last": _entity(
        lambda: select(User).order_by(nulls_last(User.score.asc())), "sqlite", "postgresql"
    ),
    "an entity, nulls first": _entity(
        lambda: select(User).order_by(User.score.desc().nulls_first()), "sqlite", "postgresql"
    ),
    "mixed directions": _entity(lambda: select(User).order_by(User.name, User.score.desc())),
    "by an expression": _entity(lambda: select(User).order_by(func.lower(User.name))),
    "by arithmetic": _entity(lambda: select(User).order_by(User.id % 3)),
    "by a case": _entity(
        lambda: select(User).order_by(case((User.score > 1, 0), else_=1), User.name)
    ),
    "by a coalesce with a parameter": _entity(
        lambda: select(User).order_by(func.coalesce(User.score, 7).desc())
    ),
    "by a boolean": _entity(lambda: select(User).order_by(User.score > 1)),
    "by a scalar subquery": _entity(
        lambda: select(User).order_by(
            select(func.count(Note.id)).where(Note.user_id == User.id).scalar_subquery().desc()
        )
    ),
    "by a column property": _entity(lambda: select(User).order_by(User.notes_count.desc())),  # type: ignore[attr-defined]
    "by a text": _entity(lambda: select(User).order_by(text("name"))),
    "by a tuple": _entity(
        lambda: select(User).order_by(tuple_(User.name, User.score)), "postgresql"
    ),
    "by a label's name": _rows(
        lambda: select(User.id, User.name.label("n")).order_by("n"),
    ),
    "by a label's name, descending": _rows(
        lambda: select(User.id, User.name.label("n")).order_by(desc("n"))
    ),
    "by a label that hides a column": _rows(
        lambda: select(User.id, (-User.id).label("name")).order_by("name")
    ),
    "by an ordinal": _rows(lambda: select(User.name, User.score).order_by(text("1"))),
    "by a literal ordinal": _rows(lambda: select(User.name, User.id).order_by(literal_column("1"))),
    "by a label object": _rows(
        lambda: select(User.id, (label := (User.id % 3).label("r"))).order_by(label.desc())
    ),
    "filtered": _entity(lambda: select(User).where(User.score > 0).order_by(User.name)),
    "filtered by parameters": _entity(
        lambda: select(User).where(User.name.in_(["name 1", "name 2"])).order_by(User.score)
    ),
    "filtered by a named parameter": _entity(
        lambda: select(User).where(User.score >= bindparam("least")).params(least=1)
    ),
    "nothing found": _entity(lambda: select(User).where(User.id < 0)),
    "one found": _entity(lambda: select(User).where(User.email == "3@example.org")),
    "an alias": _entity(lambda: select(a := _a()).order_by(a.name)),
    "a composite key": _entity(lambda: select(Member).order_by(Member.role)),
    "a composite key, partly sorted by": _entity(lambda: select(Member).order_by(Member.team_id)),
    "by a unique constraint with a nullable column": _entity(
        lambda: select(Member).order_by(Member.team_id, Member.nick)
    ),
    "columns": _rows(lambda: select(User.id, User.name)),
    "columns without the key": _rows(lambda: select(User.name, User.score)),
    "a scalar column, repeated": _entity(lambda: select(User.name)),
    "a scalar column, by another": _entity(lambda: select(User.name).order_by(User.score)),
    "a JSON column": _entity(lambda: select(User.extra)),
    "a scalar expression": _entity(lambda: select(func.upper(User.name))),
    "a cast": _rows(lambda: select(cast(User.id, Integer).label("i"), User.score + 1)),
    "a constant": _rows(lambda: select(literal(1).label("one")).select_from(User)),
    "an unknown function": _rows(lambda: select(User.id, func.reverse(User.name)), "postgresql"),
    "a set-returning function": _rows(
        lambda: select(User.id, func.generate_series(1, 3).label("n")), "postgresql"
    ),
    "a literal column": _rows(lambda: select(literal_column("name").label("n")).select_from(User)),
    "an entity and a column": _rows(lambda: select(User, User.name.label("n")).order_by(User.name)),
    "two entities": _rows(
        lambda: select(User, Note).join(Note, Note.user_id == User.id).order_by(User.name)
    ),
    "two entities, outer": _rows(
        lambda: select(User, Note).outerjoin(User.notes).order_by(User.name)
    ),
    "a bundle": _rows(lambda: select(Bundle("b", User.id, User.name)).order_by(User.name)),
    "a join to one": _entity(lambda: select(Note).join(Note.user).order_by(User.name)),
    "a join that multiplies": _entity(lambda: select(User).join(User.notes).order_by(User.name)),
    "a join that multiplies, columns": _rows(
        lambda: select(User.name, Note.kind).join(User.notes).order_by(User.name)
    ),
    "a self join": _rows(
        lambda: (
            select(User.name, (other := _a()).name.label("other"))
            .join(other, other.team_id == User.team_id)
            .order_by(User.name)
        )
    ),
    "a cross join": _rows(lambda: select(Team.name, Tag.label).join(Tag, true())),
    "two tables in the filter": _entity(
        lambda: select(User).where(User.id == Note.user_id, Note.kind == 1)
    ),
    "many to many": _entity(lambda: select(Tag).join(Note.tags).order_by(Tag.label)),
    "an outer join to one": _rows(
        lambda: select(User.name, Team.name.label("t")).outerjoin(User.team).order_by(Team.name)
    ),
    "joinedload to one": _entity(
        lambda: select(Note).options(joinedload(Note.user)).order_by(Note.kind)
    ),
    "joinedload of a collection": _entity(
        lambda: select(User).options(joinedload(User.notes)).order_by(User.name)
    ),
    "joinedload of collections in collections": _entity(
        lambda: select(User).options(joinedload(User.notes).joinedload(Note.tags))
    ),
    "joinedload of a collection over a join to one": _entity(
        lambda: select(Note).join(Note.user).options(joinedload(Note.tags)).order_by(User.name)
    ),
    "joinedload of a collection over a join that multiplies": _entity(
        lambda: select(User).join(User.notes).options(joinedload(User.notes)).order_by(User.score),
    ),
    "joinedload of a collection, by a child's column": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .options(joinedload(User.notes))
            .order_by(Note.kind.desc(), User.name)
        ),
    ),
    "joinedload of a collection over a filter on another table": _entity(
        lambda: (
            select(User)
            .where(User.id == Note.user_id)
            .options(joinedload(User.notes), with_loader_criteria(Note, Note.kind != 1))
        ),
    ),
    "contains_eager": _entity(
        lambda: select(User).join(User.notes).options(contains_eager(User.notes))
    ),
    "contains_eager, filtered and sorted": _entity(
        lambda: (
            select(User)
            .outerjoin(User.notes)
            .where(or_(Note.kind != 1, Note.id.is_(None)))
            .options(contains_eager(User.notes))
            .order_by(Note.kind, User.name.desc())
        ),
    ),
    "contains_eager of a composite key's parent": _entity(
        lambda: (
            select(Member)
            .join(Team, Team.id == Member.team_id)
            .join(User, User.id == Member.user_id)
            .join(User.notes)
            .options(contains_eager(Member.user).contains_eager(User.notes))
            .order_by(Member.role)
        ),
    ),
    "contains_eager of the same entity's alias": _entity(
        lambda: (
            select(u := _a())
            .join(u.notes.of_type(n := aliased(Note)))
            .options(contains_eager(u.notes.of_type(n)))
            .order_by(func.coalesce(n.kind, 7).desc(), u.score)
        ),
    ),
    "joinedload of a collection, grouped by its parent": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .group_by(User.id)
            .having(func.count() > 2)
            .options(joinedload(User.notes))
            .order_by(User.name)
        ),
        "sqlite",
        "mariadb",
    ),
    "joinedload of a collection, DISTINCT parents": _entity(
        lambda: (
            select(Note)
            .join(Note.tags)
            .distinct()
            .options(joinedload(Note.tags))
            .order_by(Note.kind)
        )
    ),
    "contains_eager to one": _entity(
        lambda: select(Note).join(Note.user).options(contains_eager(Note.user)).order_by(User.name)
    ),
    "a collection joined by its mapping": _entity(lambda: select(Author).order_by(Author.name)),
    "selectinload": _entity(
        lambda: select(User).options(selectinload(User.notes)).order_by(User.name)
    ),
    "subqueryload": _entity(
        lambda: select(User).options(subqueryload(User.notes)).order_by(User.name, User.id)
    ),
    "load_only": _entity(lambda: select(User).options(load_only(User.name)).order_by(User.score)),
    "defer and undefer": _entity(
        lambda: select(Note).options(undefer(Note.body), defer(Note.kind)).order_by(Note.kind)
    ),
    "a deferred key": _entity(lambda: select(Note).order_by(Note.body)),
    "loader criteria": _entity(
        lambda: select(User).options(with_loader_criteria(User, User.score > 0)).order_by(User.name)
    ),
    "loader criteria on a join": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .options(with_loader_criteria(Note, Note.kind == 1))
            .order_by(User.name)
        )
    ),
    "loader criteria and DISTINCT": _entity(
        lambda: select(User.name).distinct().options(with_loader_criteria(User, User.score > 0))
    ),
    "loader criteria and GROUP BY": _rows(
        lambda: (
            select(User.name, func.count())
            .group_by(User.name)
            .options(with_loader_criteria(User, User.score > 0))
        )
    ),
    "an inherited entity": _entity(lambda: select(Vehicle).order_by(Vehicle.wheels)),
    "an inheriting entity": _entity(lambda: select(Truck).order_by(Truck.load)),
    "an inheriting entity's columns": _rows(lambda: select(Truck.wheels, Truck.load)),
    "with_polymorphic": _entity(
        lambda: select(v := with_polymorphic(Vehicle, "*")).order_by(v.Truck.load)
    ),
    "with_polymorphic, aliased": _entity(
        lambda: select(v := with_polymorphic(Vehicle, "*", aliased=True)).order_by(v.wheels)
    ),
    "with_polymorphic, flat": _entity(
        lambda: select(v := with_polymorphic(Vehicle, "*", flat=True)).order_by(v.wheels)
    ),
    "single table inheritance": _entity(lambda: select(Animal).order_by(Animal.legs)),
    "single table inheritance, a subclass": _entity(lambda: select(Bird).order_by(Bird.legs)),
    "single table inheritance, a subclass's column": _entity(lambda: select(Bird.legs)),
    "DISTINCT entity": _entity(lambda: select(User.id, User.name).distinct()),
    "DISTINCT columns": _rows(lambda: select(User.name, User.score).distinct()),
    "DISTINCT, sorted": _rows(
        lambda: select(User.name, User.score).distinct().order_by(User.score.desc())
    ),
    "DISTINCT expression": _rows(
        lambda: select((User.id % 5).label("r"), User.score + 1).distinct()
    ),
    "DISTINCT over a join": _entity(
        lambda: select(User.id).join(User.notes).distinct().order_by(User.id.desc())
    ),
    "DISTINCT ON": _rows(lambda: _distinct_on(select(User.name), User.name), "postgresql"),
    "DISTINCT ON, sorted": _rows(
        lambda: _distinct_on(select(User.name, User.score, User.email), User.name).order_by(
            User.name, User.id.desc()
        ),
        "postgresql",
    ),
    "DISTINCT ON, any of several": _rows(
        lambda: _distinct_on(select(User.name, User.email), User.name),
        "postgresql",
        unlimited=lambda: select(User.name, User.email),
    ),
    "DISTINCT ON two": _rows(
        lambda: _distinct_on(select(User.name, User.team_id), User.name, User.team_id),
        "postgresql",
    ),
    "GROUP BY": _rows(lambda: select(User.name, func.count().label("n")).group_by(User.name)),
    "GROUP BY, by the aggregate": _rows(
        lambda: (
            select(User.name, func.count().label("n")).group_by(User.name).order_by(func.count())
        )
    ),
    "GROUP BY, by the aggregate's label": _rows(
        lambda: select(User.score, func.count().label("n")).group_by(User.score).order_by(desc("n"))
    ),
    "GROUP BY an unselected column": _rows(
        lambda: select(func.count().label("n")).select_from(User).group_by(User.score, User.name)
    ),
    "GROUP BY, HAVING": _rows(
        lambda: (
            select(Note.user_id, func.count().label("n"))
            .group_by(Note.user_id)
            .having(func.count() > 2)
            .order_by(func.max(Note.kind))
        )
    ),
    "GROUP BY an expression": _rows(
        lambda: select(rest := (User.id % 4), func.count()).group_by(rest), "sqlite", "mariadb"
    ),
    "GROUP BY a label": _rows(
        lambda: select((User.id % 4).label("rest"), func.count()).group_by("rest")
    ),
    "GROUP BY an ordinal": _rows(lambda: select(User.name, func.count()).group_by(text("1"))),
    "GROUP BY an entity": _rows(
        lambda: (
            select(Team.id, Team.name, func.count(User.id).label("users"))
            .join(User, User.team_id == Team.id)
            .group_by(Team)
        )
    ),
    "GROUP BY ROLLUP": _rows(
        lambda: select(User.name, User.score, func.count()).group_by(
            func.rollup(User.name, User.score)
        ),
        "postgresql",
    ),
    "an aggregate": _entity(lambda: select(func.count(User.id))),
    "an aggregate of nothing": _entity(lambda: select(func.max(User.id)).where(User.id < 0)),
    "aggregates": _rows(lambda: select(func.count().label("n"), func.max(User.score).label("m"))),
    "an aggregate with HAVING": _entity(
        lambda: select(func.count(User.id)).having(func.count(User.id) > 100)
    ),
    "a filtered aggregate": _entity(
        lambda: select(func.count(User.id).filter(User.score > 0)), "sqlite", "postgresql"
    ),
    "an unknown aggregate": _entity(
        lambda: select(func.mode().within_group(User.score)), "postgresql"
    ),
    "count distinct": _entity(lambda: select(func.count(distinct(User.name)))),
    "a window": _rows(lambda: _ranked().order_by(Note.user_id)),
    "a window, sorted by it": _rows(lambda: (s := _ranked()).order_by(s.selected_columns.n)),
    "a scalar subquery": _rows(
        lambda: select(
            User.name,
            select(func.count(Note.id)).where(Note.user_id == User.id).scalar_subquery().label("n"),
        ).order_by("n")
    ),
    "UNION": _rows(lambda: union(select(User.id, User.name), select(Note.id, literal("note")))),
    "UNION, sorted": _rows(
        lambda: union(select(User.name, User.score), select(Team.name, Team.id)).order_by("name")
    ),
    "UNION ALL with equal rows": _rows(
        lambda: union_all(select(User.name, User.score), select(User.name, User.score)).order_by(
            desc("score")
        )
    ),
    "UNION of one column": _entity(lambda: union(select(User.name), select(Team.name))),
    "UNION of expressions without a name": _rows(
        lambda: union(select(User.id + 1, literal(2)), select(Team.id, literal(3)))
    ),
    "UNION of columns of one name": _rows(
        lambda: union_all(
            select(User.id, Note.id).join(User.notes), select(Team.id, Team.id + 1)
        ).order_by(text("2"))
    ),
    "UNION ALL of rows that differ in case": _rows(
        lambda: union_all(select(log), select(log.c.level, log.c.message)).order_by(
            log.c.level.desc()
        )
    ),
    "UNION ALL of rows that differ in case, with a limit": _entity(
        lambda: (
            union_all(select(log.c.message), select(log.c.message)).order_by("message").limit(9)
        ),
        unlimited=lambda: union_all(select(log.c.message), select(log.c.message)),
    ),
    "UNION with a limit": _rows(
        lambda: (
            union_all(select(User.id, User.name), select(Team.id, Team.name))
            .order_by("name")
            .limit(9)
        ),
        unlimited=lambda: union_all(select(User.id, User.name), select(Team.id, Team.name)),
    ),
    "UNION of a key with another table's": _rows(
        lambda: union_all(select(User.id, User.name), select(Team.id, Team.name)).order_by("id")
    ),
    "INTERSECT": _entity(lambda: intersect(select(User.id), select(Note.user_id))),
    "a union as a subquery": _rows(
        lambda: select(union_all(select(User.id, User.name), select(Team.id, Team.name)).subquery())
    ),
    "a CTE": _rows(
        lambda: select(c := select(User.id, User.name).where(User.score > 0).cte("c")).order_by(
            c.c.name
        )
    ),
    "a recursive CTE": _rows(lambda: _tree().order_by("rest")),
    "a subquery joined": _rows(
        lambda: select(User.name, (c := _counted()).c.notes).join(c, c.c.user_id == User.id)
    ),
    "a subquery joined, an entity": _entity(
        lambda: select(User).outerjoin(c := _counted(), c.c.user_id == User.id).order_by(c.c.notes)
    ),
    "an entity from a subquery": _entity(
        lambda: (
            select(
                u := aliased(
                    User,
                    select(User.__table__).where(User.score > 0).subquery(),
                )
            )
            .options(load_only(u.name))
            .order_by(u.name)
        )
    ),
    "EXISTS": _entity(
        lambda: select(User).where(User.notes.any(Note.kind == 1)).order_by(User.name)
    ),
    "LATERAL": _rows(
        lambda: select(
            User.name,
            (
                latest := lateral(
                    select(Note.id, Note.kind)
                    .where(Note.user_id == User.id)
                    .order_by(Note.id)
                    .limit(2)
                )
            ).c.kind,
        ).join(latest, true()),
        "postgresql",
    ),
    "VALUES": _entity(
        lambda: select(values(column("n", Integer), name="v").data([(2,), (1,), (2,), (3,)]).c.n),
        "postgresql",
    ),
    "a table without a key": _rows(lambda: select(log)),
    "a table without a key, sorted": _rows(lambda: select(log).order_by(log.c.level)),
    "a Core table": _rows(lambda: select(User.__table__).order_by(User.__table__.c.name)),
    "its own limit": _entity(lambda: select(User).limit(13), unlimited=lambda: select(User)),
    "its own limit, sorted": _entity(
        lambda: select(User).order_by(User.name).limit(5), unlimited=lambda: select(User)
    ),
    "its own limit and offset": _entity(lambda: select(User).order_by(User.id).limit(8).offset(3)),
    "its own offset": _entity(
        lambda: select(User).order_by(User.id).offset(20), "postgresql", "sqlite"
    ),
    "its own limit past the end": _entity(lambda: select(User).limit(1000)),
    "its own limit of zero": _entity(lambda: select(User).limit(0)),
    "its own FETCH": _entity(lambda: select(User).order_by(User.id).fetch(9), "postgresql"),
    "its own limit over DISTINCT": _rows(
        lambda: select(User.name, User.score).distinct().order_by(User.name).limit(7),
        unlimited=lambda: select(User.name, User.score),
    ),
    "its own limit with a joined collection": _entity(
        lambda: select(User).options(joinedload(User.notes)).order_by(User.name).limit(9),
        unlimited=lambda: select(User).options(joinedload(User.notes)),
    ),
    "FOR UPDATE": _entity(
        lambda: select(User).order_by(User.name).with_for_update(), "postgresql", "mariadb"
    ),
    "a prefix": _entity(lambda: select(User).prefix_with("/* hint */").order_by(User.name)),
    "an OR of filters": _entity(
        lambda: select(User).where(or_(User.score.is_(None), and_(User.score > 0, User.id > 3)))
    ),
}


# Shapes that are hard to page by cursor: several ranges, hidden keys, entities from subqueries.
HARD_SHAPES: Mapping[str, Shape] = {
    "tables that are selected from, and joined": _rows(
        lambda: (
            select(User.__table__.c.name, Note.__table__.c.kind)
            .select_from(User.__table__)
            .join(Note.__table__, Note.__table__.c.user_id == User.__table__.c.id)
            .order_by(User.__table__.c.name)
        )
    ),
    "a negated condition that may be NULL": _entity(
        lambda: select(User).order_by(
            not_(case((User.score == 0, true()), (User.score > 0, false()))), User.name.desc()
        )
    ),
    "mixed directions with joinedload to one": _entity(
        lambda: select(Note).options(joinedload(Note.user)).order_by(Note.kind, Note.user_id.desc())
    ),
    "mixed directions with joinedload of a collection": _entity(
        lambda: select(User).options(joinedload(User.notes)).order_by(User.name, User.email.desc())
    ),
    "mixed directions with selectinload": _entity(
        lambda: (
            select(User).options(selectinload(User.notes)).order_by(User.name, User.email.desc())
        )
    ),
    "mixed directions with load_only": _entity(
        lambda: select(User).options(load_only(User.score)).order_by(User.name.desc(), User.team_id)
    ),
    "mixed directions, an alias with load_only": _entity(
        lambda: select(a := _a()).options(load_only(a.score)).order_by(a.name.desc(), a.team_id)
    ),
    "mixed directions with contains_eager to one": _entity(
        lambda: (
            select(Note)
            .join(Note.user)
            .options(contains_eager(Note.user))
            .order_by(User.score.desc(), Note.kind)
        )
    ),
    "mixed directions over two entities": _rows(
        lambda: (
            select(User, Note, User.name.label("n"), Note.kind + 1)
            .outerjoin(User.notes)
            .order_by(Note.kind.desc(), User.name)
        )
    ),
    "mixed directions over two aliases of one entity": _rows(
        lambda: (
            select(a := _a(), (b := aliased(User, name="b")).name, a.name)
            .join(b, b.team_id == a.team_id)
            .options(joinedload(a.team))
            .order_by(a.score, b.score.desc())
        )
    ),
    "mixed directions over a bundle and an entity": _rows(
        lambda: select(Bundle("b", User.id, User.name), User).order_by(User.name, User.score.desc())
    ),
    "mixed directions of columns": _rows(
        lambda: select(User.name, User.score).order_by(User.team_id.desc(), User.score, User.name)
    ),
    "mixed directions, DISTINCT": _rows(
        lambda: select(User.name, User.score).distinct().order_by(User.name.desc(), User.score)
    ),
    "mixed directions, DISTINCT entity": _entity(
        lambda: select(User).distinct().order_by(User.name.desc(), User.score), "sqlite", "mariadb"
    ),
    "mixed directions, inherited": _entity(
        lambda: select(Truck).order_by(Truck.load.desc(), Truck.wheels)
    ),
    "mixed directions, with_polymorphic": _entity(
        lambda: select(v := with_polymorphic(Vehicle, "*")).order_by(v.wheels, v.Truck.load.desc())
    ),
    "mixed directions, loader criteria": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .options(joinedload(User.team), with_loader_criteria(Note, Note.kind == 1))
            .order_by(User.score, User.name.desc())
        )
    ),
    "a collection joined, rows as mappings": _rows(
        lambda: (
            select(User, User.name).options(joinedload(User.notes)).order_by(User.name, User.email)
        )
    ),
    "a collection joined to one of two entities": _rows(
        lambda: (
            select(User, Team)
            .join(User.team)
            .options(joinedload(User.notes))
            .order_by(Team.name, User.score.desc())
        ),
        only_cursors=True,
    ),
    "sorted by a set-returning function": _rows(
        lambda: select(User.id, (n := func.generate_series(1, 3)).label("n")).order_by(
            User.name, n, User.id
        ),
        "postgresql",
    ),
    "sorted by an unknown function": _rows(
        lambda: select(User.id, (r := func.reverse(User.name)).label("r")).order_by(r.desc()),
        "postgresql",
    ),
    "an unnamed alias beside a column": _rows(
        lambda: select(a := aliased(User), a.score).order_by(a.name, a.email.desc())
    ),
    "an attribute that is an expression": _entity(
        lambda: select(Tag).order_by(Tag.label, Tag.id.desc())
    ),
    "an attribute that is an expression, sorted by": _entity(
        lambda: select(Tag).order_by(Tag.uses.desc(), Tag.id)  # type: ignore[attr-defined]
    ),
    "attributes that are expressions, of two aliases": _rows(
        lambda: (
            select(a := aliased(Tag), b := aliased(Tag))
            .join(b, b.label == a.label)
            .order_by(a.id.desc())
            .limit(9)
        ),
        unlimited=lambda: select(a := aliased(Tag), b := aliased(Tag)).join(b, b.label == a.label),
    ),
    "a FULL JOIN": _rows(
        lambda: (
            select(User.id, Team.id.label("t"), User.score)
            .join(Team, Team.id == User.team_id, full=True)
            .order_by(User.score, Team.name.desc())
        ),
        "sqlite",
        "postgresql",
    ),
    "an aggregate joined where it is found": _rows(
        lambda: (
            select(User.id, (best := select(func.max(User.score).label("s")).subquery()).c.s)
            .outerjoin(best, best.c.s == User.score)
            .order_by(best.c.s.desc(), User.id.desc())
        )
    ),
    "a filter that is nothing": _entity(
        lambda: select(User).where(User.score.not_in([])).order_by(User.score.desc(), User.name)
    ),
    "UNION ALL with ties": _entity(
        lambda: (
            union_all(select(User.score), select(Note.kind))
            .order_by("score")
            .fetch(1, with_ties=True)
        ),
        "postgresql",
        only_cursors=True,
    ),
    "UNION with a limit that is a parameter": _entity(
        lambda: union(select(User.id), select(Team.id)).order_by("id").limit(literal(2) + 1),
        "sqlite",
        "postgresql",
        only_cursors=True,
    ),
    "DISTINCT rows of a function": _rows(
        lambda: select(func.generate_series(1, User.score).label("n")).distinct(), "postgresql"
    ),
    "three nullable keys": _entity(
        lambda: select(User).order_by(User.score, User.team_id.desc(), User.name)
    ),
    "three nullable keys, all descending": _entity(
        lambda: select(User).order_by(User.score.desc(), User.team_id.desc(), User.name.desc())
    ),
    "nulls last and nulls first": _entity(
        lambda: select(User).order_by(
            User.score.asc().nulls_last(), User.team_id.desc().nulls_first(), User.name
        ),
        "sqlite",
        "postgresql",
    ),
    "nulls first, ascending, and nulls last, descending": _entity(
        lambda: select(User).order_by(
            User.team_id.asc().nulls_first(), User.score.desc().nulls_last()
        ),
        "sqlite",
        "postgresql",
    ),
    "a filter that leaves no NULLs": _entity(
        lambda: select(User).where(User.score.is_not(None)).order_by(User.score.desc())
    ),
    "a filter by a constant that is sorted by": _entity(
        lambda: select(User).where(User.team_id == 1).order_by(User.team_id, User.name)
    ),
    "keys after a unique one": _entity(
        lambda: select(User).order_by(User.email, func.lower(User.name), User.score)
    ),
    "a key twice": _entity(lambda: select(User).order_by(User.name, User.name.desc())),
    "a constant key": _entity(lambda: select(User).order_by(literal(1) + 1, User.name)),
    "an expression that ignores case, then what tells apart": _rows(
        lambda: select(User.id, User.name).order_by(func.lower(User.name), User.name.desc())
    ),
    "a sum of columns with a parameter": _entity(
        lambda: select(User).order_by((User.id * 3 % 5 + User.score).desc())
    ),
    "a condition among other keys": _entity(
        lambda: select(User).order_by((User.name == "name 1").desc(), User.score.is_(None), User.id)
    ),
    "exists as a key": _entity(
        lambda: select(User).order_by(User.notes.any(Note.kind == 1), User.name.desc())
    ),
    "an outer join's both keys": _rows(
        lambda: (
            select(User.name, Note.kind)
            .outerjoin(Note, and_(Note.user_id == User.id, Note.kind > 0))
            .order_by(Note.kind.desc(), User.score)
        )
    ),
    "an outer join with a condition on the left": _rows(
        lambda: (
            select(User.name, Team.name.label("t"))
            .outerjoin(Team, and_(Team.id == User.team_id, User.score > 0))
            .order_by(User.team_id, Team.name.desc(), User.name)
        )
    ),
    "two outer joins": _rows(
        lambda: (
            select(User.name, Team.name.label("t"), Note.id.label("n"))
            .outerjoin(User.team)
            .outerjoin(User.notes)
            .order_by(Team.name, Note.kind)
        )
    ),
    "an outer join to a grouped subquery": _rows(
        lambda: (
            select(User.name, (c := _counted()).c.notes)
            .outerjoin(c, c.c.user_id == User.id)
            .order_by(c.c.notes.desc())
        )
    ),
    "a join to a subquery of distinct rows": _rows(
        lambda: (
            select(User.name, (k := select(Note.user_id, Note.kind).distinct().subquery()).c.kind)
            .join(k, k.c.user_id == User.id)
            .order_by(k.c.kind, User.name.desc())
        )
    ),
    "GROUP BY with entities": _rows(
        lambda: (
            select(Team, func.count(User.id).label("n"))
            .outerjoin(User, User.team_id == Team.id)
            .group_by(Team.id, Team.name)
            .order_by(desc("n"))
        )
    ),
    "GROUP BY with an entity and joinedload": _rows(
        lambda: (
            select(User, func.count(Note.id))
            .join(User.notes)
            .group_by(User.id)
            .options(joinedload(User.team))
            .order_by(func.count(Note.id).desc(), User.name)
        ),
        "sqlite",
        "mariadb",
    ),
    "GROUP BY two nullable columns": _rows(
        lambda: (
            select(User.score, User.team_id, func.count().label("n"))
            .group_by(User.score, User.team_id)
            .order_by(User.team_id.desc())
        )
    ),
    "GROUP BY, by an average": _rows(
        lambda: (
            select(User.name, func.avg(User.score).label("mean"))
            .group_by(User.name)
            .order_by(func.avg(User.score), func.sum(User.score).desc())
        )
    ),
    "a window over an entity": _rows(
        lambda: select(
            Note, func.rank().over(partition_by=Note.user_id, order_by=Note.kind).label("r")
        ).order_by(Note.kind.desc())
    ),
    "sorted by a window that is not selected": _entity(
        lambda: select(Note).order_by(
            func.count().over(partition_by=Note.user_id).desc(), Note.kind
        )
    ),
    "its own limit with load_only": _entity(
        lambda: select(User).options(load_only(User.name)).order_by(User.id).limit(9)
    ),
    "its own limit, two entities": _rows(
        lambda: (
            select(User, Note, Note.kind.label("k"))
            .join(User.notes)
            .order_by(Note.id.desc())
            .limit(17)
        )
    ),
    "its own limit with mixed directions and NULLs": _entity(
        lambda: select(User).order_by(User.score.desc(), User.name, User.id).limit(15).offset(2)
    ),
    "its own FETCH WITH TIES": _entity(
        lambda: select(User).order_by(User.name).fetch(7, with_ties=True),
        "postgresql",
        only_cursors=True,
    ),
    "its own limit by an expression": _entity(
        lambda: select(User).order_by(User.id).limit(literal(3) + 4),
        "sqlite",
        "postgresql",
        only_cursors=True,
    ),
    "UNION, by two directions": _rows(
        lambda: union(select(User.name, User.score), select(Team.name, Team.id)).order_by(
            desc("name"), "score"
        )
    ),
    "UNION ALL of many duplicates": _entity(
        lambda: union_all(select(User.score), select(User.score), select(Note.kind))
    ),
    "EXCEPT": _entity(lambda: except_(select(User.id), select(Note.user_id)).order_by(desc("id"))),
    "entities from a UNION": _entity(
        lambda: (
            select(Note)
            .options(selectinload(Note.tags))
            .from_statement(
                union(select(Note).where(Note.kind > 0), select(Note).where(Note.id > 20)).order_by(
                    "kind"
                )
            )
        )
    ),
    "entities from a UNION of their tables": _entity(
        lambda: select(Team).from_statement(
            union_all(select(Team.__table__), select(Team.__table__)).order_by(desc("name"))
        )
    ),
    "an entity and a column from a statement": _rows(
        lambda: select(Team, Team.name).from_statement(
            select(Team.__table__).order_by(Team.__table__.c.name.desc())
        )
    ),
    "an aliased UNION as an entity": _entity(
        lambda: select(
            u := aliased(
                Team,
                union(
                    select(Team.__table__).where(Team.id > 1),
                    select(Team.__table__).where(Team.id < 4),
                ).subquery(),
            )
        ).order_by(u.name.desc())
    ),
    "contains_eager by the parent's columns": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .where(Note.kind != 1)
            .options(contains_eager(User.notes))
            .order_by(User.score.desc(), User.name)
        ),
    ),
    "FOR UPDATE, mixed directions": _entity(
        lambda: select(User).order_by(User.name, User.email.desc()).with_for_update(), "mariadb"
    ),
    "a query": _entity(lambda: Query([User]).filter(User.score > 0).order_by(User.name.desc())),
    "a query of columns": _rows(
        lambda: Query([User.id, User.name]).order_by(User.name.desc(), User.score)
    ),
    "a SQLModel select": _entity(
        lambda: sqlmodel.select(User).where(User.score > 0).order_by(User.name, User.score.desc())
    ),
    "an inner join's text key": _rows(
        lambda: select(User.email, Note.id).join(Note.user).order_by(User.email.desc(), Note.kind)
    ),
    "a subquery that numbers its rows": _rows(
        lambda: select(
            s := select(
                log.c.level,
                func.row_number()
                .over(partition_by=log.c.level, order_by=[log.c.message, log.c.level])
                .label("n"),
            ).subquery()
        ).order_by(s.c.n.desc())
    ),
    "a CTE of groups": _rows(
        lambda: (
            select(User.name, (c := _counted_cte()).c.notes)
            .join_from(c, User, c.c.user_id == User.id)
            .order_by(c.c.notes, User.name.desc())
        )
    ),
}

# What a count could get wrong by leaving out too much, and pages by their eager loads.
COUNTED_SHAPES: Mapping[str, Shape] = {
    "an inner eager load over a nullable key": _entity(
        lambda: select(User).options(joinedload(User.team, innerjoin=True)).order_by(User.name)
    ),
    "an inner eager load of a collection": _entity(
        lambda: select(User).options(joinedload(User.notes, innerjoin=True)).order_by(User.score)
    ),
    "inner eager loads in a row, of some": _entity(
        lambda: (
            select(User)
            .options(
                joinedload(User.notes.and_(Note.kind != 1), innerjoin=True).joinedload(
                    Note.tags, innerjoin=True
                ),
                joinedload(User.team),
            )
            .order_by(User.name.desc(), User.score)
        )
    ),
    "an inner eager load within an outer one": _entity(
        lambda: (
            select(Note)
            .options(joinedload(Note.user).joinedload(User.team, innerjoin=True))
            .order_by(Note.kind)
        )
    ),
    "an inner eager load of a row's alias, with criteria": _entity(
        lambda: (
            select(u := _a())
            .where(u.score > 0)
            .options(
                joinedload(u.notes, innerjoin=True), with_loader_criteria(Note, Note.kind != 2)
            )
            .order_by(u.name)
        )
    ),
    "an inner eager load to one under a limit": _entity(
        lambda: (
            select(User)
            .options(joinedload(User.team, innerjoin=True))
            .order_by(User.name, User.id)
            .limit(11)
        )
    ),
    "an inner eager load over a join that multiplies": _entity(
        lambda: (
            select(User)
            .join(User.notes)
            .options(contains_eager(User.notes), joinedload(User.team, innerjoin=True))
            .order_by(Note.kind, User.name)
        )
    ),
    "a LEFT JOIN to one": _entity(
        lambda: select(User).outerjoin(User.team).order_by(User.name.desc())
    ),
    "a LEFT JOIN to one, selected": _rows(
        lambda: select(User.id, Team.name).outerjoin(User.team).order_by(User.name)
    ),
    "a LEFT JOIN to one, of two entities": _rows(
        lambda: select(User, Team).outerjoin(User.team).order_by(User.name)
    ),
    "a LEFT JOIN to one, sorted by": _entity(
        lambda: select(User).outerjoin(User.team).order_by(Team.name, User.score)
    ),
    "a LEFT JOIN to one, filtered by": _entity(
        lambda: select(User).outerjoin(User.team).where(Team.name == "team 1").order_by(User.name)
    ),
    "a LEFT JOIN to one, a subquery filters by": _entity(
        lambda: (
            select(User)
            .outerjoin(User.team)
            .where(select(1).where(Team.name == "team 1").correlate(Team).exists())
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN to one, a text filters by": _entity(
        lambda: (
            select(User)
            .outerjoin(User.team)
            .where(text("team.name = 'team 1'"))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN to one, another one goes on from": _rows(
        lambda: (
            select(Note.id)
            .outerjoin(Note.user)
            .outerjoin(User.team)
            .order_by(Note.kind.desc(), Note.id)
        )
    ),
    "a LEFT JOIN to one, an inner one goes on from": _rows(
        lambda: select(Note.id).outerjoin(Note.user).join(User.team).order_by(Note.kind)
    ),
    "a LEFT JOIN to one, with a condition": _entity(
        lambda: (
            select(User)
            .outerjoin(Team, (Team.id == User.team_id) & (Team.name == "team 1"))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN to one, with criteria": _entity(
        lambda: (
            select(User)
            .outerjoin(User.team)
            .options(with_loader_criteria(Team, Team.name != "team 1"))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN of tables": _rows(
        lambda: (
            select(User.__table__.c.name)
            .select_from(
                User.__table__.outerjoin(
                    Team.__table__, User.__table__.c.team_id == Team.__table__.c.id
                ).join(Note.__table__, Note.__table__.c.user_id == User.__table__.c.id)
            )
            .order_by(User.__table__.c.name)
        )
    ),
    "a LEFT JOIN to many": _entity(
        lambda: select(User).outerjoin(User.notes).order_by(User.name, Note.id)
    ),
    "a LEFT JOIN to many, DISTINCT": _entity(
        lambda: select(User.id, User.name).outerjoin(User.notes).distinct().order_by(User.name)
    ),
    "a LEFT JOIN to many, DISTINCT, a column of it": _rows(
        lambda: select(User.name, Note.kind).outerjoin(User.notes).distinct()
    ),
    "a LEFT JOIN to many, grouped": _rows(
        lambda: (
            select(User.id, func.count(Note.id).label("n"))
            .outerjoin(User.notes)
            .group_by(User.id)
            .order_by(desc("n"))
        )
    ),
    "a LEFT JOIN to many, groups of which some are left": _rows(
        lambda: (
            select(User.name)
            .outerjoin(User.notes)
            .group_by(User.name)
            .having(func.count(Note.id) > 8)
        )
    ),
    "a LEFT JOIN on a part of a key": _rows(
        lambda: (
            select(User.id)
            .outerjoin(Member, (Member.team_id == User.team_id) & (Member.role == "role 1"))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN on a whole key of two": _rows(
        lambda: (
            select(User.id)
            .outerjoin(Member, (Member.team_id == User.team_id) & (Member.user_id == User.id))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN on a nullable unique column": _rows(
        lambda: (
            select(User.id)
            .outerjoin(Member, (Member.team_id == User.team_id) & (Member.nick == "nick 4"))
            .order_by(User.name)
        )
    ),
    "a LEFT JOIN on no equality": _rows(
        lambda: select(User.id).outerjoin(Team, Team.id < User.team_id).order_by(User.name)
    ),
    "a LEFT JOIN to groups": _rows(
        lambda: (
            select(User.id).outerjoin(c := _counted(), c.c.user_id == User.id).order_by(User.name)
        )
    ),
    "a LEFT JOIN to one under a limit": _rows(
        lambda: select(User.id).outerjoin(User.team).order_by(User.id).limit(17)
    ),
    "a LEFT JOIN to one, then two tables": _rows(
        lambda: (
            select(User.id, Tag.id.label("tag"))
            .outerjoin(User.team)
            .where(Tag.id == User.score)
            .order_by(User.name)
        )
    ),
    "DISTINCT entities of two tables": _rows(
        lambda: select(User, Team).join(User.team).join(User.notes).distinct().order_by(User.name),
        "sqlite",
        "mariadb",
    ),
    "DISTINCT of a column and its key": _rows(
        lambda: select(Note.user_id, User.name).join(Note.user).distinct().order_by(User.name)
    ),
    "DISTINCT of an outer joined key": _rows(
        lambda: select(Team.id, Team.name).select_from(User).outerjoin(User.team).distinct()
    ),
    "DISTINCT that is unique already": _rows(
        lambda: select(User.id, User.score).distinct().order_by(User.score, User.id).limit(9)
    ),
    "DISTINCT groups": _rows(
        lambda: select(func.count().label("n")).select_from(User).group_by(User.name).distinct()
    ),
    "DISTINCT sizes of groups of a LEFT JOIN": _rows(
        lambda: (
            select(func.count(Note.id).label("n"))
            .select_from(User)
            .outerjoin(User.notes)
            .group_by(User.id)
            .distinct()
        )
    ),
    "DISTINCT numbers of a LEFT JOIN's rows": _rows(
        lambda: (
            select(User.id, func.row_number().over(order_by=[User.id, Note.id]).label("n"))
            .outerjoin(User.notes)
            .distinct()
        )
    ),
    "DISTINCT windows over a LEFT JOIN": _rows(
        lambda: (
            select(User.name, func.row_number().over(order_by=User.id).label("n"))
            .outerjoin(User.notes)
            .distinct()
            .order_by(User.name, "n")
        )
    ),
    "groups, of which a subquery asks": _rows(
        lambda: (
            select(User.id, User.score)
            .join(User.notes)
            .group_by(User.id)
            .having(select(Tag.id).where(Tag.id == User.score).exists())
        )
    ),
    "groups by a name that a label has too": _rows(
        lambda: (
            select(func.lower(User.name).label("lowered"), func.count().label("n"))
            .group_by("lowered")
            .order_by("n", "lowered")
        )
    ),
    "groups, of which HAVING asks what is selected": _rows(
        lambda: (
            select(User.id, User.name, func.count())
            .join(User.notes)
            .group_by(User.id)
            .having(User.name != "name 1")
        )
    ),
    "groups, of which a text asks": _rows(
        lambda: (
            select(User.name.label("called"), func.count().label("n"))
            .group_by(User.name)
            .having(text("count(*) > 5"))
        )
    ),
    "groups of several rows each": _rows(
        lambda: (
            select(User.name, func.generate_series(1, 2).label("n"))
            .group_by(User.name)
            .order_by(User.name, "n")
        ),
        "postgresql",
        only_cursors=False,
    ),
    "an order by several rows each": _rows(
        lambda: select(User.id).order_by(func.generate_series(1, 2), User.id),
        "postgresql",
        only_offsets=True,
    ),
    "an order by an unknown aggregate's text": _rows(
        lambda: select(User.id).order_by(text("upper(name)"), User.id), only_offsets=True
    ),
    "a LEFT JOIN over an association table": _entity(
        lambda: select(Note).outerjoin(Note.tags).order_by(Note.kind), only_offsets=True
    ),
    "a LEFT JOIN over an association table, joined by itself": _entity(
        lambda: (
            select(Note)
            .outerjoin(note_tag, note_tag.c.note_id == Note.id)
            .outerjoin(Tag, Tag.id == note_tag.c.tag_id)
            .order_by(Note.kind)
        )
    ),
    "a single table's subclass in select_from(join())": _entity(
        lambda: select(Bird).select_from(outerjoin(User, Bird, User.id == Bird.id)),
        only_offsets=True,
    ),
    "a single table's subclass, joined and sorted by": _entity(
        lambda: (
            select(Book)
            .select_from(outerjoin(Book, b := aliased(Bird), b.id == Book.id))
            .order_by(b.id, Book.id)
        ),
        only_offsets=True,
    ),
    "criteria in select_from(join())": _entity(
        lambda: (
            select(User)
            .select_from(join(User, Note, Note.user_id == User.id))
            .options(with_loader_criteria(Note, Note.kind == 1))
        ),
        only_offsets=True,
    ),
    "expressions without a name": _rows(
        lambda: select(User.id + 1, User.name, User.id + 100).order_by(User.name)
    ),
    "names of our own": _rows(
        lambda: select(
            User.id.label("_k0"), User.name.label("_total"), User.score.label("_row")
        ).order_by(User.name),
        only_offsets=True,
    ),
    "the same entity twice": _rows(lambda: select(Tag, Tag), only_offsets=True),
    "a LEFT JOIN that a LATERAL goes on from": _rows(
        lambda: (
            select(User.id)
            .outerjoin(Team, Team.id == User.team_id)
            .join(select(Note.id).where(Note.kind == Team.id).lateral(), true())
        ),
        "postgresql",
        only_offsets=True,
    ),
    "a LEFT JOIN that a function goes on from": _rows(
        lambda: (
            select(User.id, (numbers := _numbers_to(Team.id)).c.n)
            .select_from(User)
            .outerjoin(Team, Team.id == User.team_id)
            .join(numbers, true())
        ),
        "postgresql",
        only_offsets=True,
    ),
    "a LEFT JOIN on a constant, then a join": _rows(
        lambda: (
            select(User.id, Note.id.label("note"))
            .select_from(User)
            .outerjoin(Team, Team.id == 1)
            .join(Note, Note.user_id == User.id)
            .order_by(User.name)
        )
    ),
    "DISTINCT and an inner eager load": _entity(
        lambda: (
            select(Note)
            .distinct()
            .order_by(Note.id)
            .options(joinedload(Note.user, innerjoin=True).joinedload(User.team, innerjoin=True))
        ),
        # On SQLAlchemy 2.0 a JSON column is DISTINCT then, which PostgreSQL cannot say.
        "sqlite",
        "mariadb",
    ),
    "DISTINCT of an alias with an expression": _entity(
        lambda: select(u := _a()).select_from(Note).join(u, u.id == Note.user_id).distinct(),
        "sqlite",
        "mariadb",
    ),
    "DISTINCT of a constant": _rows(
        lambda: select(literal(1).label("one")).select_from(User).distinct()
    ),
    "groups, of which HAVING asks by a bare name": _rows(
        lambda: (
            select(User.name, func.count().label("n")).group_by(User.name).having(column("n") > 5)
        ),
        "sqlite",
        "mariadb",
    ),
    "a LEFT JOIN, a bare name filters by": _rows(
        lambda: select(User.id).outerjoin(User.team).where(column("score") == 1).order_by(User.name)
    ),
    "an aggregate of the rows around a subquery": _rows(
        lambda: select(
            select(func.count(User.id))
            .select_from(Note)
            .correlate(User)
            .limit(1)
            .scalar_subquery()
            .label("n")
        ).select_from(User),
        "sqlite",
        "mariadb",
        only_offsets=True,
    ),
    "an aggregate in the order alone": _rows(
        lambda: select(literal(1).label("one")).select_from(User).order_by(func.count(User.id)),
        "postgresql",
        "mariadb",
    ),
    "scalar subqueries and windows that no count needs": _rows(
        lambda: select(
            User.id,
            select(func.count(Note.id)).where(Note.user_id == User.id).scalar_subquery(),
            func.rank().over(order_by=User.score).label("r"),
        ).order_by(User.name)
    ),
}

ALL_SHAPES = {**SHAPES, **HARD_SHAPES, **COUNTED_SHAPES}

"""Shows the SQL of pages, and what was decided about them, without a database."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Dialect, make_url
from sqlalchemy.sql.elements import ClauseElement

from . import _sqla
from .cursor import Cursor
from .cursor_plan import CursorPlan, cursor_plan
from .deep import DeepOffset
from .fragments import Shape
from .keyset import anchor_of
from .offset_plan import AUTO, OffsetPlan, OffsetRequest, offset_plan
from .ordering import SortKey
from .plan import Pageable, check_limit, from_statement_of, statement_of
from .scalars import Scalar
from .snapshots import Counted
from .totals import EXACT, CountPolicy


@dataclass(frozen=True, slots=True)
class PageSQL:
    """What pages of a statement are made of; `print()` it to read it.

    Attributes:
        dialect: the database that the SQL is for.
        form: `inline` where the statement itself is limited, `rows` where it is selected from,
            `union` where a page may be put together of several ranges of an index, `parents` where
            the rows repeat entities; of offset pages `offset` where the statement is limited,
            `deferred` where its rows are found by their keys, or `parents`.
        order: the sort keys of the total order; expressions by their text.
        tie_breakers: those that were added.
        statements: the SQL by name. For cursor pages `first`, `next` and `previous`, the latter two
            around a row without NULLs, and `behind`, sent where these return no row. For offset
            pages `page` and `count`; `turned`, sent after the count and in place of the page where
            that is nearer to the end; or `page_and_count` alone, in place of all these.
        rewrites: those of `COUNT_REWRITES` that the count was made by.
    """

    dialect: str
    form: str
    order: tuple[str, ...]
    tie_breakers: tuple[str, ...]
    statements: Mapping[str, str]
    rewrites: tuple[str, ...] = ()

    def __str__(self) -> str:
        added = f" (added: {', '.join(self.tie_breakers)})" if self.tie_breakers else ""
        lines = [f"{self.form} on {self.dialect}, by {', '.join(self.order) or 'nothing'}{added}"]
        for name, sql in self.statements.items():
            lines += ["", f"-- {name}", sql]
        return "\n".join(lines)


def plan_page(
    statement: Pageable,
    dialect: Dialect | str,
    *,
    offset: int | None = None,
    limit: int = 10,
    count: CountPolicy[Any] = EXACT,
    deep: DeepOffset = AUTO,
) -> PageSQL:
    """Return the SQL of the pages of a statement, and what was decided about them.

    Of cursor pages, unless an `offset` is given. The parameters of the SQL are not filled in.

    Args:
        statement: a select(), a union of them, or a legacy Query.
        dialect: the dialect of an engine, or its name as it stands in a URL: `postgresql+psycopg`.
        offset: rows before an offset page, 0 or more.
        limit: rows of a full page, 1 or more.
        count: how much is counted for an offset page.
        deep: what is done about its offset, if it is deep.

    Raises:
        StatementNotPageableError: no pages of the statement could be right; says what to change.
        DialectNotSupportedError: how the database seeks is not known.
        PageRequestError: offset or limit out of bounds.

    Example:
        >>> from sqlalchemy import Column, Integer, MetaData, String, Table, select
        >>> from sqla_pages import plan_page
        >>> user = Table(
        ...     "user_", MetaData(), Column("id", Integer, primary_key=True),
        ...     Column("name", String, nullable=False),
        ... )
        >>> plan = plan_page(select(user).order_by(user.c.name.desc()), "postgresql+psycopg")
        >>> plan.form, plan.order, plan.tie_breakers
        ('inline', ('user_.name DESC', 'user_.id DESC'), ('user_.id DESC',))
        >>> print(plan.statements["first"])
        SELECT user_.id, user_.name, user_.name AS _s0, user_.id AS _s1
        FROM user_ ORDER BY user_.name DESC, user_.id DESC
        LIMIT %(_limit)s::INTEGER
    """
    made = _dialect_of(dialect)
    selected = statement_of(statement)
    if offset is not None:
        request = OffsetRequest(offset, limit)
        plan = offset_plan(selected, request, made, count, deep, from_statement_of(statement))
        return _offset_sql(plan, len(_sqla.order_by_of(selected)))
    check_limit(limit)
    cursors = cursor_plan(selected, made, from_statement_of(statement))
    return _cursor_sql(cursors, limit, made)


def _offset_sql(plan: OffsetPlan[Any], keys_before: int) -> PageSQL:
    keys = tuple(_text(clause, plan.dialect) for clause in _sqla.order_by_of(plan.frame.ordered))
    count = plan.count
    if plan.rows_and_total is not None:
        found: dict[str, Any] = {"page_and_count": plan.rows_and_total.statement}
    else:
        # With this total, the page is the last one.
        last = plan.request.offset + plan.request.limit
        turned = plan.turned(Counted(last, "" if plan.knows_snapshot else None))
        found = {
            "page": None if plan.rows is None else plan.rows.statement,
            "count": plan.count_first if plan.turnable is not None else _count_of(plan),
            "turned": None if turned is None else turned.statement,
        }
    return PageSQL(
        dialect=plan.dialect.name,
        form=plan.form,
        order=keys,
        tie_breakers=keys[keys_before:],
        statements=_texts(found, plan.dialect),
        rewrites=count.rewrites,
    )


def _count_of(plan: OffsetPlan[Any]) -> Any:
    """Return the first statement that the policy asks for the total with, if any."""
    steps = plan.policy.total_steps(plan.count, plan.dialect, 0)
    step = next(steps, None)
    return None if step is None else step.statement


def _cursor_sql(plan: CursorPlan, limit: int, made: Dialect) -> PageSQL:
    order = tuple(_described(key, made) for key in plan.frame.order.keys)
    first = len(order) - plan.frame.order.tie_breakers
    return PageSQL(
        dialect=made.name,
        form="union" if _is_united(plan) else plan.frame.projection.form,
        order=order,
        tie_breakers=order[first:],
        statements=_texts(_cursor_statements(plan, limit), made),
    )


def _cursor_statements(plan: CursorPlan, limit: int) -> dict[str, Any]:
    found: dict[str, Any] = {"first": plan.page(None, limit + 1).statement}
    if plan.keys:
        keyset = _any_keyset(plan)
        after = Cursor("after", plan.fingerprint, keyset)
        before = Cursor("before", plan.fingerprint, keyset)
        found["next"] = plan.page(after, limit + 1, probe=True).statement
        found["previous"] = plan.page(before, limit + 1, probe=True).statement
        found["behind"] = plan.probe(after).statement
    return found


def _is_united(plan: CursorPlan) -> bool:
    if not plan.keys:
        return False
    anchor = anchor_of(plan.keys, _any_keyset(plan))
    return plan.frame.fragments(Shape("after", anchor)).is_united


def _any_keyset(plan: CursorPlan) -> tuple[Scalar, ...]:
    """Return values of no meaning, which are not NULL."""
    return tuple(0 for _ in plan.keys)


def _texts(statements: Mapping[str, Any], dialect: Dialect) -> Mapping[str, str]:
    return MappingProxyType(
        {name: _text(sql, dialect) for name, sql in statements.items() if sql is not None}
    )


def _text(clause: ClauseElement, dialect: Dialect) -> str:
    lines = str(clause.compile(dialect=dialect)).splitlines()
    return "\n".join(line.strip() for line in lines)


def _described(key: SortKey, dialect: Dialect) -> str:
    nulls = {None: "", True: " NULLS FIRST", False: " NULLS LAST"}[key.nulls_first]
    return f"{_text(key.column, dialect)}{' DESC' if key.descending else ''}{nulls}"


def _dialect_of(dialect: Dialect | str) -> Dialect:
    if isinstance(dialect, str):
        return make_url(f"{dialect}://").get_dialect()()
    return dialect

"""How offset pages of a statement are selected, whichever page it is."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, cast

from sqlalchemy import ColumnElement, Dialect, Executable, Select, select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Loading, Statement
from .beside_count import beside_count
from .content import expressions_of, ordered_of, sortable, tie_breaker_of
from .counts import CountPlan, can_replay, count_plan_of, replayed
from .deep import COUNTED, SEEN, Deferral, deferral_of
from .errors import StatementNotPageableError
from .expressions import is_shared
from .fragments import Fragments, Shape
from .frame import frame_of
from .identity import Facts
from .memo import Memo
from .ordering import with_names_resolved
from .plan import MAX_OFFSET, Step
from .projection import Limit, Parents
from .repeats import filters_late, repeated_entity, with_eager_filters
from .rewrites import CountRewrite
from .snapshots import Counted, snapshot_of, with_snapshot
from .unordered import with_any_order

Form: TypeAlias = Literal["offset", "deferred", "parents"]

_LIMIT: Final = "_limit"
_OFFSET: Final = "_offset"

# Of one frame: each form with large numbers and without.
_STATEMENTS: Final = 16
_COUNTS: Final = 8

_NOTHING: Final = select()
_PLAIN: Final = Loading()

_Kind: TypeAlias = tuple[Form, bool, bool]
_Names: TypeAlias = tuple[CountRewrite, ...]
_WithTotal: TypeAlias = tuple[Form, _Names, bool, bool]
_Turned: TypeAlias = tuple[_Names, bool, bool, bool]


@dataclass(frozen=True, eq=False)
class OffsetFrame:
    """How to select the offset pages of a statement, whichever page it is.

    Attributes:
        statement: what is paged.
        dialect: the name of the database's dialect.
        ordered: the statement under its total order.
        added: the keys that it is ordered by more than the statement itself; None of a union.
        loading: how it loads what belongs to its entities.
        is_one_row: whether it has at most one row.
        facts: what is known of its rows, as far as that was looked at.
        outer: what loads its entities, if not it itself.
        parents: how to page the entities that its rows repeat, if they do.
        own_limit: the statement's own LIMIT, if it has one.
        own_offset: the statement's own OFFSET.
    """

    statement: Statement
    dialect: str
    ordered: Statement
    added: tuple[ColumnElement[Any], ...] | None = None
    loading: Loading = _PLAIN
    is_one_row: bool = False
    facts: Facts | None = None
    outer: FromStatement[Any] | None = None
    parents: tuple[Parents, Fragments] | None = None
    own_limit: int | None = None
    own_offset: int = 0
    _made: Memo[_Kind, Executable] = field(default_factory=lambda: Memo(_STATEMENTS), repr=False)
    _with_total: Memo[_WithTotal, tuple[Executable | None]] = field(
        default_factory=lambda: Memo(_STATEMENTS), repr=False
    )
    _turned: Memo[_Turned, AnySelect] = field(default_factory=lambda: Memo(_STATEMENTS), repr=False)
    _counts_first: Memo[_Names, AnySelect] = field(
        default_factory=lambda: Memo(_COUNTS), repr=False
    )
    _counts: Memo[_Names, CountPlan] = field(default_factory=lambda: Memo(_COUNTS), repr=False)
    _replays: Memo[_Names, _Names] = field(default_factory=lambda: Memo(_COUNTS), repr=False)

    def blank(self) -> "OffsetFrame | None":
        """Return what of it holds nothing of its statement; None if it is all of the statement."""
        is_own = self.parents is not None or self.outer is not None or self.loading.filters
        if is_own or self.added is None or not all(map(is_shared, self.added)):
            return None
        return self.of(_NOTHING)

    def of(self, statement: AnySelect) -> "OffsetFrame":
        """Return it for another statement that is built alike, if it can be blank."""
        frame = OffsetFrame(
            statement,
            self.dialect,
            statement.order_by(*self.added) if self.added else statement,
            self.added,
            self.loading,
            self.is_one_row,
            _replays=self._replays,
        )
        return _limited_like(frame) if _sqla.is_limited(statement) else frame

    def count(self, without: Collection[CountRewrite]) -> CountPlan:
        """Return how the rows of the statement are counted, without these rewrites."""
        names = tuple(without)

        def make() -> CountPlan:
            replay = self._replays.get(names)
            if replay is not None and isinstance(self.statement, Select):
                return replayed(self.statement, replay)
            plan = count_plan_of(self.statement, names, self.facts, self.loading)
            if can_replay(plan.rewrites) and not self.loading.filters and self.parents is None:
                self._replays.keep(names, plan.rewrites)
            return plan

        return self._counts.get_or_make(names, make)

    @cached_property
    def deferral(self) -> "Deferral | str":
        """How its pages are found by keys; or a text, why they cannot be."""
        if self.parents is not None:
            return "its rows repeat entities"
        is_select = isinstance(self.ordered, Select) and isinstance(self.statement, Select)
        if not is_select or self.outer is not None:
            return "it is a union, or loaded by from_statement()"
        statement, ordered = cast("AnySelect", self.statement), cast("AnySelect", self.ordered)
        return deferral_of(ordered, self.facts or Facts(statement), self.loading)

    @cached_property
    def seen(self) -> ColumnElement[str] | None:
        """What a statement sees of the rows, if they can be found by keys and it can be said."""
        if not isinstance(self.deferral, Deferral):
            return None
        return snapshot_of(self.deferral.ordered, self.dialect)

    def count_first(self, without: Collection[CountRewrite]) -> AnySelect:
        """Return what counts the rows before a page is found: see `with_snapshot`."""

        def make() -> AnySelect:
            return with_snapshot(self.count(without).statement, self.seen)

        return self._counts_first.get_or_make(tuple(without), make)

    def within(self, offset: int, limit: int) -> tuple[int, int] | None:
        """Return the OFFSET and LIMIT of a page within those of the statement; None if none is."""
        if offset > 0 and self.is_one_row:
            return None  # MariaDB skips no row of a DISTINCT constant.
        if self.own_limit is not None:
            limit = min(limit, self.own_limit - offset)
        if limit <= 0 or self.own_offset + offset > MAX_OFFSET:
            return None
        return self.own_offset + offset, limit

    def page(self, form: Form, offset: int, limit: int) -> Step:
        """Return what selects the rows of a page, of an OFFSET and LIMIT that are within."""

        def make() -> Executable:
            rows = _sqla.parameter_of_rows(_LIMIT, limit)
            rows_before = _sqla.parameter_of_rows(_OFFSET, offset)
            if self.parents is not None:
                parents, fragments = self.parents
                return parents.page(fragments, (), rows, rows_before)
            page = self._limited(form, rows, rows_before)
            return page if self.outer is None else _sqla.loaded_from(self.outer, page)

        kind = (form, _sqla.is_large(offset), _sqla.is_large(limit))
        return Step(self._made.get_or_make(kind, make), {_LIMIT: limit, _OFFSET: offset})

    def page_and_total(
        self, form: Form, offset: int, limit: int, without: Collection[CountRewrite]
    ) -> Step | None:
        """Return what selects a page and the total together; None if they cannot be."""

        def make() -> tuple[Executable | None]:
            if self.parents is not None:
                return (None,)
            rows = _sqla.parameter_of_rows(_LIMIT, limit)
            page = self._limited(form, rows, _sqla.parameter_of_rows(_OFFSET, offset))
            count = self.count(without).statement
            return (beside_count(page, count, self.loading, self.outer),)

        kind = (form, tuple(without), _sqla.is_large(offset), _sqla.is_large(limit))
        (both,) = self._with_total.get_or_make(kind, make)
        return None if both is None else Step(both, {_LIMIT: limit, _OFFSET: offset})

    def turned(
        self,
        deferral: Deferral,
        offset: int,
        limit: int,
        counted: Counted,
        without: Collection[CountRewrite],
    ) -> Step:
        """Return what finds a page from the end, with the total that it is right for.

        Args:
            deferral: of this frame.
            offset: rows before the page.
            limit: rows of the page, no more than there are.
            counted: what was counted.
            without: rewrites that are not made in the count.
        """
        seen = None if counted.snapshot is None else self.seen
        behind = counted.rows - offset - limit

        def make() -> AnySelect:
            rows = _sqla.parameter_of_rows(_LIMIT, limit)
            rows_behind = _sqla.parameter_of_rows(_OFFSET, behind)
            return deferral.turned(rows, rows_behind, self.count(without).statement, seen)

        kind = (tuple(without), seen is None, _sqla.is_large(limit), _sqla.is_large(behind))
        parameters: dict[str, Any] = {_LIMIT: limit, _OFFSET: behind}
        if seen is not None:
            parameters |= {COUNTED: counted.rows, SEEN: counted.snapshot}
        return Step(self._turned.get_or_make(kind, make), parameters)

    def _limited(self, form: Form, rows: Limit, rows_before: Limit) -> Statement:
        if form == "deferred" and isinstance(self.deferral, Deferral):
            return self.deferral.page(rows, rows_before)
        # SQLAlchemy writes ROW_NUMBER() for a SQL Server that it is not connected to, or before
        # 2012: no name can stand there. No SQL Server has an OFFSET without ORDER BY.
        return with_any_order(with_names_resolved(self.ordered).limit(rows).offset(rows_before))


def offset_frame_of(
    statement: Statement, dialect: Dialect, outer: FromStatement[Any] | None = None
) -> OffsetFrame:
    """Return how to select offset pages of a statement, which `outer` loads its entities from.

    Raises:
        StatementNotPageableError: no offset pages of it could be right; says what to change.
    """
    if not isinstance(statement, Select):
        return _limited_like(
            OffsetFrame(statement, dialect.name, ordered_of(statement), outer=outer)
        )
    facts = Facts(statement)
    loading = _sqla.loading_of(statement) if outer is None else Loading()
    if loading.repeats and repeated_entity(statement, facts):
        return _of_parents(statement, loading, facts, dialect)
    late = filters_late(statement, loading)
    filtered = with_eager_filters(statement, loading) if late else statement
    added = _added_to(filtered, facts)
    ordered = filtered.order_by(*added) if added else filtered
    return _limited_like(
        OffsetFrame(
            statement, dialect.name, ordered, added, loading, facts.is_one_row, facts, outer
        )
    )


def _of_parents(
    statement: AnySelect, loading: Loading, facts: Facts, dialect: Dialect
) -> OffsetFrame:
    frame = frame_of(statement, dialect)
    parents, order = frame.projection, frame.order
    if not isinstance(parents, Parents):
        raise AssertionError("entities that are repeated are paged as parents")
    added = tuple(key.clause() for key in order.keys[len(order.keys) - order.tie_breakers :])
    fragments = replace(frame.fragments(Shape()), sent=())
    ordered = statement.order_by(*added)
    return OffsetFrame(
        statement,
        dialect.name,
        ordered,
        added,
        loading,
        facts=facts,
        parents=(parents, fragments),
    )


def _added_to(statement: AnySelect, facts: Facts) -> tuple[ColumnElement[Any], ...]:
    """Return keys to add to an ORDER BY, so that it is the same on every page.

    Raises:
        OrderingNotTotalError: no such keys are to be found.
    """
    if not _sqla.distinct_on_of(statement):
        known = tuple(expressions_of(statement))
        missing = facts.missing(known)
        if missing is not None and facts.identity is not None and facts.identity.is_certain:
            descending = _sqla.direction_of(_sqla.order_by_of(statement)[-1])[0] if known else False
            keys = map(sortable, missing)
            return tuple(column.desc() if descending else column for column in keys)
    return tie_breaker_of(statement)


def _limited_like(frame: OffsetFrame) -> OffsetFrame:
    """Return the frame with the LIMIT and OFFSET of its statement."""
    statement = frame.statement
    if _sqla.has_fetch_options(statement):
        raise StatementNotPageableError(
            "a FETCH with WITH TIES or PERCENT has no pages of its own: "
            "select from it as a subquery"
        )
    try:
        own_limit, own_offset = _sqla.limit_of(statement), _sqla.offset_of(statement)
    except ValueError as error:
        raise StatementNotPageableError(
            "a LIMIT or OFFSET that is an expression has no pages of its own: "
            "give a number, or select from it as a subquery"
        ) from error
    return replace(frame, own_limit=own_limit, own_offset=own_offset)

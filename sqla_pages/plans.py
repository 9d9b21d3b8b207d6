"""Plans that are made once.

Those of a statement are found by the statement itself, which is held weakly: one of a module is
planned once. Of a statement that is built for every request, what was planned for one built alike
serves, as far as it holds no value: the whole plan, if all values stand in its WHERE, where they
become parameters with names, and its rows hold nothing that is another object each time; else the
fragments of its pages, which are added to the statement in hand. Nothing that is found by likeness
holds a value, so that none can be that of another request.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Dialect, Select
from sqlalchemy.orm import FromStatement

from . import _sqla
from ._sqla import AnySelect, Statement
from .cursor_plan import CursorPlan
from .cursor_plan import cursor_plan as make_cursor_plan
from .expressions import selects_shared
from .memo import Memo
from .offset_frame import OffsetFrame, offset_frame_of
from .plan import (
    Pageable,
    from_statement_of,
    refuse_own_names,
    refuse_writes,
    selectable_of,
    statement_of,
)

_STRUCTURES: Final = 256
"""Kinds of statements of which something is remembered, for each engine."""


_NO_VALUES: Final[Mapping[str, Any]] = MappingProxyType({})


class _Plan(Protocol):
    def blank(self: "P") -> "P | None": ...
    def of(self: "P", statement: AnySelect) -> "P": ...


P = TypeVar("P", bound=_Plan)


class Planned(NamedTuple, Generic[P]):
    """A plan, and the values of the statement in hand that it does not hold itself."""

    plan: P
    values: Mapping[str, Any] = _NO_VALUES


class _Whole(NamedTuple, Generic[P]):
    """The plan that serves all statements of a structure, if there is one."""

    plan: P | None


class _PlansOfDialect(Generic[P]):
    def __init__(self) -> None:
        self.by_statement: WeakKeyDictionary[Any, Planned[P]] = WeakKeyDictionary()
        self.whole: Memo[_sqla.Structure, _Whole[P]] = Memo(_STRUCTURES)
        self.blank: Memo[_sqla.Structure, P] = Memo(_STRUCTURES)


class Plans(Generic[P]):
    """The plans of one kind, for every statement in every dialect.

    Neither a statement nor a dialect, and so no engine, is kept alive by its plans.
    """

    def __init__(self, make: Callable[[Statement, Dialect, FromStatement[Any] | None], P]) -> None:
        self._make = make
        self._by_dialect: WeakKeyDictionary[Dialect, _PlansOfDialect[P]] = WeakKeyDictionary()

    def of(self, pageable: Pageable, dialect: Dialect, *, keeps_values: bool = False) -> Planned[P]:
        """Return the plan of a statement in a dialect.

        With `keeps_values`, the statements of its pages hold the values that the statement holds.

        Raises:
            StatementNotPageableError: it has none; says what to change.
            DialectNotSupportedError: how the database seeks is not known.
        """
        plans = self._by_dialect.get(dialect)
        if plans is None:
            plans = self._by_dialect.setdefault(dialect, _PlansOfDialect())
        if not isinstance(pageable, Select | CompoundSelect):
            outer = from_statement_of(pageable)
            if outer is not None:
                return Planned(self._made(statement_of(pageable), dialect, outer))
            return self._planned(selectable_of(pageable), dialect, plans, keeps_values)
        found = plans.by_statement.get(pageable)
        if found is None or (keeps_values and found.values):
            return self._planned(pageable, dialect, plans, keeps_values)
        return found

    def _planned(
        self,
        statement: Statement,
        dialect: Dialect,
        plans: _PlansOfDialect[P],
        keeps_values: bool,
    ) -> Planned[P]:
        built = _sqla.built_of(statement)
        if built is None:
            return Planned(self._made(statement, dialect))
        can_lack_values = not (keeps_values and built.values)
        if can_lack_values and isinstance(statement, Select) and _sqla.is_all_structure(statement):
            whole = plans.whole.get(built.structure)
            if whole is None:
                whole = plans.whole.keep(built.structure, self._whole(statement, built, dialect))
            if whole.plan is not None:
                planned = Planned(whole.plan, built.values)
                plans.by_statement[statement] = planned
                return planned
        # A plan of the statement itself would keep it alive.
        copy = _sqla.copy_of(statement)
        blank = plans.blank.get(built.structure)
        if blank is not None and isinstance(copy, Select):
            plan = blank.of(copy)
        else:
            plan = self._made(copy, dialect)
            blank = plan.blank()
            if blank is not None:
                plans.blank.keep(built.structure, blank)
        planned = plans.by_statement[statement] = Planned(plan)
        return planned

    def _whole(self, statement: AnySelect, built: _sqla.Built, dialect: Dialect) -> _Whole[P]:
        bare = _sqla.without_values(statement, built) if selects_shared(statement) else None
        if bare is None:
            return _Whole(None)
        return _Whole(self._made(bare, dialect))

    def _made(
        self, statement: Statement, dialect: Dialect, outer: FromStatement[Any] | None = None
    ) -> P:
        refuse_writes(statement)
        refuse_own_names(statement)
        return self._make(statement, dialect, outer)


CURSOR_PLANS: Final = Plans[CursorPlan](make_cursor_plan)
OFFSET_FRAMES: Final = Plans[OffsetFrame](offset_frame_of)

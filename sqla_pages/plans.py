"""Plans that are made once.

Those of a statement are found by the statement itself, which is held weakly: one of a module is
planned once. A statement that is built for every request takes from the plan of one built alike
what holds no value, which is the most of it: the rest is always of the statement in hand. It takes
the whole plan only if it holds no value at all itself, and selects what is the same in both.
"""

from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar
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
from .plan import Pageable, from_statement_of, refuse_writes, statement_of

_STRUCTURES: Final = 256
"""Kinds of statements of which something is remembered, for each engine."""


class _Plan(Protocol):
    def blank(self: "P") -> "P | None": ...
    def of(self: "P", statement: AnySelect) -> "P": ...


P = TypeVar("P", bound=_Plan)


class _PlansOfDialect(Generic[P]):
    def __init__(self) -> None:
        self.by_statement: WeakKeyDictionary[Any, P] = WeakKeyDictionary()
        self.blank: Memo[_sqla.Structure, P] = Memo(_STRUCTURES)
        self.whole: Memo[_sqla.Structure, P] = Memo(_STRUCTURES)


class Plans(Generic[P]):
    """The plans of one kind, for every statement in every dialect.

    Neither a statement nor a dialect, and so no engine, is kept alive by its plans.
    """

    def __init__(self, make: Callable[[Statement, Dialect, FromStatement[Any] | None], P]) -> None:
        self._make = make
        self._by_dialect: WeakKeyDictionary[Dialect, _PlansOfDialect[P]] = WeakKeyDictionary()

    def of(self, pageable: Pageable, dialect: Dialect) -> P:
        """Return the plan of a statement in a dialect.

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
                return self._make(statement_of(pageable), dialect, outer)
            return self._planned(statement_of(pageable), dialect, plans)
        found = plans.by_statement.get(pageable)
        return self._planned(pageable, dialect, plans) if found is None else found

    def _planned(self, statement: Statement, dialect: Dialect, plans: _PlansOfDialect[P]) -> P:
        structure = _sqla.structure_of(statement)
        if structure is None:
            refuse_writes(statement)
            return self._make(statement, dialect, None)
        is_all_structure = _sqla.is_all_structure(statement, structure)
        if is_all_structure and (whole := plans.whole.get(structure)) is not None:
            return whole
        # A plan of the statement itself would keep it alive.
        copy = _sqla.copy_of(statement)
        known = plans.blank.get(structure)
        if known is not None and isinstance(copy, Select):
            plan = known.of(copy)
        else:
            refuse_writes(statement)
            plan = self._make(copy, dialect, None)
            blank = plan.blank()
            if blank is not None:
                plans.blank.keep(structure, blank)
        if is_all_structure and isinstance(copy, Select) and selects_shared(copy):
            plans.whole.keep(structure, plan)
        plans.by_statement[statement] = plan
        return plan


CURSOR_PLANS: Final = Plans[CursorPlan](make_cursor_plan)
OFFSET_FRAMES: Final = Plans[OffsetFrame](offset_frame_of)

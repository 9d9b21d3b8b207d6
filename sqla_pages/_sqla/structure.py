"""How a statement is built, apart from the values that it holds."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Hashable, Iterator, Sequence
from types import NoneType
from typing import Any, Final, NamedTuple

from sqlalchemy.sql.elements import BindParameter, ClauseElement, Label
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from .elements import AnySelect, Statement

_SLOT: Final = "_v{}"
_KIND: Final = "_sqla_pages_kind"


class Structure(NamedTuple):
    """What statements built alike agree in: all but the values, of which only the types count."""

    key: Hashable
    types: tuple[type, ...]


class Built(NamedTuple):
    """The structure of a statement, and the parameters that hold its values."""

    structure: Structure
    parameters: Sequence[BindParameter[Any]]

    @property
    def values(self) -> dict[str, Any]:
        """The values by the names that parameters have in a statement that holds none."""
        return {_SLOT.format(n): one.value for n, one in enumerate(self.parameters)}


def built_of(statement: Statement) -> Built | None:
    """Return how a statement is built; None where that cannot be told.

    The value of a parameter that is found out whenever the statement runs could be of any type.
    """
    key = statement._generate_cache_key()
    if key is None or any(parameter.callable is not None for parameter in key.bindparams):
        return None
    types = tuple(type(parameter.value) for parameter in key.bindparams)
    return Built(Structure(key.key, types), key.bindparams)


def is_all_structure(statement: Statement) -> bool:
    """Tell whether its structure and its values are all that makes a statement what it is."""
    return not statement.get_execution_options() and all(
        getattr(option, "_is_has_cache_key", False) for option in statement._with_options
    )


def without_values(statement: AnySelect, built: Built) -> "AnySelect | None":
    """Return the statement with names in place of the values in its WHERE.

    None where it holds values elsewhere, as in a subquery, or lacks one; or where the application
    gave a parameter its name, by which an event may set it.
    """
    bare = statement._generate()
    if not built.parameters:
        return bare
    parts = [part for one in statement._where_criteria for part in iterate(one)]
    if any(isinstance(part, SelectBase) for part in parts):
        return None
    slots: dict[int, BindParameter[Any]] = {}
    for place, parameter in enumerate(built.parameters):
        is_named = not parameter.unique
        if is_named or parameter.required or type(parameter) is not BindParameter:
            return None
        slots[id(parameter)] = _slot_of(parameter, place)

    def replaced(element: Any, **_: Any) -> Any:
        return slots.get(id(element))

    bare._where_criteria = tuple(
        replacement_traverse(one, {}, replaced) for one in statement._where_criteria
    )
    # A parameter may stand in WHERE and elsewhere.
    again, kept = bare._generate_cache_key(), set(map(id, slots.values()))
    if again is None or any(id(one) not in kept for one in again.bindparams):
        return None
    own = set(map(id, parts))
    for part in (part for one in bare._where_criteria for part in iterate(one)):
        if id(part) not in own:
            # A clone would remember what it was made of, with its values.
            part.__dict__.pop("_is_clone_of", None)
            if isinstance(part, Label):
                part._proxies = [part._element]
    return bare


def _slot_of(parameter: BindParameter[Any], place: int) -> BindParameter[Any]:
    slot = BindParameter[Any](
        _SLOT.format(place),
        type_=parameter.type,
        expanding=parameter.expanding,
        literal_execute=parameter.literal_execute,
    )
    slot.expand_op = parameter.expand_op
    slot.__dict__[_KIND] = type(parameter.value)
    return slot


def parameter_names_of(statement: Statement) -> Iterator[str]:
    """Yield the names of parameters that the application gave, in subqueries and options too."""
    key = statement._generate_cache_key()
    for part in (*iterate(statement), *(() if key is None else key.bindparams)):
        if isinstance(part, BindParameter) and not part.unique:
            yield str(part.key)


def kind_of_value(clause: ClauseElement) -> type:
    """Return the type of the value of a bind parameter; that of None of anything else."""
    if not isinstance(clause, BindParameter):
        return NoneType
    kind: type | None = clause.__dict__.get(_KIND)
    return type(clause.effective_value) if kind is None else kind

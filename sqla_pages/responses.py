"""Hands pydantic what entities hold in place of the entities, where that is sure to be the same.

An attribute of an entity is read through SQLAlchemy's instrumentation, which costs more than all
the rest of a validation. For a column that is loaded, it returns what `__dict__` holds under its
name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getattr_static
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast, get_args
from weakref import WeakKeyDictionary

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema
from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute, Mapper

_Columns: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Takes columns out of the `__dict__` of an entity; raises a KeyError if one is not loaded."""


class ReadFromColumns:
    """Marks a field, a list of items, which may be made of the loaded columns of entities."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the list, around it the quicker way if its items are models."""
        schema = handler(source)
        (item,) = get_args(source)
        if not (isinstance(item, type) and issubclass(item, BaseModel)):
            return schema
        return core_schema.no_info_wrap_validator_function(_Items(item), schema)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a model reads of the entities of a class.

    `columns` are all that it asks for; `unnoticed`, those among them whose lack is no error, as
    there is a default or another name.
    """

    columns: _Columns
    unnoticed: _Columns | None


class _Items:
    """Validates a list of items: all of them the quicker way, or all of them the ordinary one.

    Not some of each: an attribute that is loaded only when it is read may make SQLAlchemy flush,
    which expires others.
    """

    __slots__ = ("_fields", "_model", "_readings")

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self._fields: tuple[_Field, ...] | None = None
        self._readings: WeakKeyDictionary[type, _Reading | None] = WeakKeyDictionary()

    def __call__(self, items: object, validate: ValidatorFunctionWrapHandler) -> Any:
        """Return the validated items."""
        entities = cast("list[Any]", items) if _is_exactly(list, items) else []
        if not entities or not self._may_be_read(entities):
            return validate(items)
        held = [entity.__dict__ for entity in entities]
        # The first stays as it is: where attributes may not be read, as in strict mode, it fails.
        held[0] = entities[0]
        try:
            validated = validate(held)
        except ValidationError:
            # Something is missing, or wrong; an error tells what it was given.
            return validate(items)
        # With `extra="allow"` given to the call, a dictionary gives more than an entity.
        last = validated[-1]
        is_same = type(last) is self._model and last.model_extra is None
        return validated if is_same else validate(items)

    def _may_be_read(self, entities: list[Any]) -> bool:
        """Tell whether `__dict__` is the same as each of these, or an error follows.

        The first holds all columns that are asked for, so that nothing is loaded before the error.
        """
        readings = {kind: self._reading_of(kind) for kind in set(map(type, entities))}
        first = readings[type(entities[0])]
        if first is None or None in readings.values():
            return False
        try:
            first.columns(entities[0].__dict__)
            for kind, reading in readings.items():
                if reading is not None and (take := reading.unnoticed) is not None:
                    for entity in entities:
                        if type(entity) is kind:
                            take(entity.__dict__)
        except KeyError:
            return False
        return True

    def _reading_of(self, kind: type[Any]) -> _Reading | None:
        try:
            return self._readings[kind]
        except KeyError:
            if self._fields is None:
                self._fields = _fields_of(self._model)
            reading = None if issubclass(kind, self._model) else _reading_of(kind, self._fields)
            self._readings[kind] = reading
            return reading


def _is_exactly(kind: type, value: object) -> bool:
    return type(value) is kind


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a model: the names that it may be read by, whether an error follows if it is not.

    The alias is among the names, and so is the name of the field, whether it is used or not.
    """

    names: tuple[str, ...]
    is_missed: bool


def _reading_of(kind: type[Any], fields: tuple[_Field, ...]) -> _Reading | None:
    """Return how the fields are read of entities; None if not all by columns.

    Each name of a field has to be that of a column attribute, as SQLAlchemy made it, or of nothing
    that the class knows.
    """
    mapper = cast("Mapper[Any] | None", inspect(kind, raiseerr=False))
    if mapper is None or "__getattribute__" in _defined_by(kind):
        return None
    known = frozenset(mapper.column_attrs.keys())
    columns: set[str] = set()
    unnoticed: set[str] = set()
    for field in fields:
        for name in field.names:
            attribute = getattr_static(kind, name, None)
            if type(attribute) is InstrumentedAttribute and name in known:
                columns.add(name)
                if not field.is_missed or len(field.names) > 1:
                    unnoticed.add(name)
            elif hasattr(kind, name) or hasattr(kind, "__getattr__"):
                return None
    if not columns:
        return None
    return _Reading(itemgetter(*columns), itemgetter(*unnoticed) if unnoticed else None)


def _defined_by(kind: type) -> frozenset[str]:
    """Return the names that a class or one of its bases defines, `object` left aside."""
    return frozenset(name for base in kind.__mro__[:-1] for name in vars(base))


_TRANSPARENT: Final = frozenset({"definitions", "definition-ref", "function-after", "model"})
"""Schemas around the fields of a model through which these see what is validated as it is."""

_COUNTED: Final = frozenset({"allow", "forbid"})
"""What may be said of `extra` by which it matters what else is in a dictionary."""


def _fields_of(model: type[BaseModel]) -> tuple[_Field, ...]:
    """Return the fields of a model that is made of them alone; else none."""
    model.model_rebuild(raise_errors=False)  # if it was put off
    config = model.model_config
    schema: Any = model.__pydantic_core_schema__
    is_built = _is_exactly(dict, schema)
    if not is_built or config.get("strict") or config.get("extra") in _COUNTED:
        return ()
    definitions = {one["ref"]: one for one in schema.get("definitions", ())}
    while schema["type"] in _TRANSPARENT:
        # Both change how it is made: of keywords, or of one value.
        if schema.get("custom_init") or schema.get("root_model"):
            return ()
        schema = definitions[schema["schema_ref"]] if "schema_ref" in schema else schema["schema"]
    # What else there may be is a validator that sees what the model is made of.
    if schema["type"] != "model-fields":
        return ()
    fields: list[_Field] = []
    for name, field in schema["fields"].items():
        alias = field.get("validation_alias", name)
        if not isinstance(alias, str):
            return ()
        fields.append(_Field(tuple({name, alias}), not _may_have_default(field["schema"])))
    return tuple(fields)


def _may_have_default(schema: Any) -> bool:
    """Tell whether there may be a default in the schema of a field, at whatever depth."""
    while schema["type"] != "default":
        if "schema" not in schema:
            return bool(schema["type"] == "definition-ref")
        schema = schema["schema"]
    return True

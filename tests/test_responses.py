"""A response made of loaded columns is the one that FastAPI makes of the entities.

The expected response is always that of a plain generic model of pydantic, to which the quicker way
is unknown.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from inspect import signature
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
import pytest
import sqlmodel
from fastapi import FastAPI
from fastapi.exceptions import ResponseValidationError
from fastapi.testclient import TestClient
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    RootModel,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    computed_field,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)
from sqlalchemy import (
    Engine,
    ForeignKey,
    StaticPool,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    MappedAsDataclass,
    Session,
    column_property,
    composite,
    defer,
    load_only,
    mapped_column,
    relationship,
    selectin_polymorphic,
    selectinload,
    synonym,
)
from typing_extensions import TypedDict

import sqla_pages
from sqla_pages import (
    Collection,
    CountedCursorPage,
    CountedCursorPageMeta,
    CursorPage,
    CursorPageMeta,
    ExactCount,
    NoCount,
    PageMeta,
    UncountedPage,
    UncountedPageMeta,
    cursor_page,
    offset_page,
)

T = TypeVar("T")

ROWS = 5
ANY_META = PageMeta.of(offset=0, limit=1, total_items=1)


class Table(DeclarativeBase):
    pass


class Note(Table):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    rank: Mapped[int] = mapped_column()
    topic: Mapped[str | None]
    written: Mapped[datetime]
    touched: Mapped[int] = mapped_column(default=0, server_default="0", onupdate=func.abs(-7))
    doubled: Mapped[int] = column_property(rank * 2)
    tags: Mapped[list["Tag"]] = relationship(order_by="Tag.id")
    heading: Mapped[str] = synonym("body")

    kind = "note"

    @property
    def shout(self) -> str:
        return self.body.upper()

    @hybrid_property
    def half(self) -> float:
        return self.rank / 2


class Tag(Table):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey("note.id"))
    name: Mapped[str]


class Guessing(Table):
    """Knows attributes that are not there."""

    __tablename__ = "guessing"

    id: Mapped[int] = mapped_column(primary_key=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return f"guessed {name}"


class Watching(Table):
    """Sees each of its attributes read."""

    __tablename__ = "watching"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return value.upper() if name == "body" else value


class Animal(Table):
    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "species", "polymorphic_identity": "animal"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    species: Mapped[str]
    name: Mapped[str]


class Dog(Animal):
    __tablename__ = "dog"
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    bark: Mapped[str]


class Cat(Animal):
    __tablename__ = "cat"
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    lives: Mapped[int]

    @property
    def bark(self) -> str:
        return "never"


class Plain(MappedAsDataclass, Table):
    __tablename__ = "plain"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[str]
    size: Mapped[int] = mapped_column(default=3)


@dataclass
class Point:
    x: int
    y: int


class Place(Table):
    __tablename__ = "place"

    id: Mapped[int] = mapped_column(primary_key=True)
    x: Mapped[int]
    y: Mapped[int]
    point: Mapped[Point] = composite("x", "y")


class VillainBase(sqlmodel.SQLModel):
    name: str
    age: int | None = None


class Villain(VillainBase, table=True):
    id: int | None = sqlmodel.Field(default=None, primary_key=True)
    secret: str


class VillainPublic(VillainBase):
    id: int


class VillainNames(sqlmodel.SQLModel):
    label: str = sqlmodel.Field(alias="name")


class VillainSecret(BaseModel):
    secret: str
    age: int = 40


def fill(session: Session) -> None:
    for number in range(1, ROWS + 1):
        note = Note(
            body=f"body {number}",
            rank=number,
            topic=None if number % 2 else "odd",
            written=datetime(2024, 1, number, 12),
            tags=[Tag(name=f"tag {number}.{other}") for other in range(2)],
        )
        dog, cat = Dog(name=f"dog {number}", bark="wow"), Cat(name=f"cat {number}", lives=number)
        villain = Villain(name=f"villain {number}", secret="s", age=number)
        place, watching = Place(x=number, y=-number), Watching(body=f"seen {number}")
        session.add_all([note, dog, cat, Plain(name=f"plain {number}"), place, watching, villain])
        session.add(Guessing())
        session.flush()
    session.commit()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Table.metadata.create_all(made)
    sqlmodel.SQLModel.metadata.create_all(made, tables=[Villain.__table__])  # type: ignore[attr-defined]
    with Session(made) as session:
        fill(session)
    yield made
    made.dispose()


# The oracle: the names and texts of ours, and nothing else of them.


class PlainPage(BaseModel, Generic[T]):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    data: list[T]
    meta: PageMeta


PlainPage.__name__ = PlainPage.__qualname__ = "Page"
PlainPage.__doc__ = sqla_pages.Page.__doc__

Rows = Callable[[Session], Any]


def notes(session: Session) -> Any:
    return offset_page(session, select(Note).order_by(Note.id), limit=ROWS)


def page_of(entity: type[Any], *options: Any) -> Rows:
    def rows(session: Session) -> Any:
        statement = select(entity).order_by(entity.id).options(*options)
        return offset_page(session, statement, limit=100)

    return rows


def expired(session: Session) -> Any:
    page = notes(session)
    session.expire(page.data[-1], ["topic"])
    return page


def all_expired(session: Session) -> Any:
    page = notes(session)
    session.commit()
    return page


def changed(session: Session) -> Any:
    """A read of a deferred column flushes, and then what the database computes is expired."""
    statement = select(Note).order_by(Note.id).options(defer(Note.topic))
    page = offset_page(session, statement, limit=ROWS)
    for note in page.data:
        note.rank += 1
    return page


def with_own_attributes(session: Session) -> Any:
    page = notes(session)
    for note in page.data:
        note.mood = "fine"
    page.data[-1].written_by = "Ada"
    return page


def without_a_value(session: Session) -> Any:
    page = notes(session)
    page.data[-1].rank = "none"
    return page


def pending(session: Session) -> Any:
    page = notes(session)
    page.data.append(Note(id=99, body="new", written=datetime(2024, 2, 1)))
    return page


def mappings(session: Session) -> Any:
    statement = select(Note.id, Note.body, Note.rank).order_by(Note.id)
    return offset_page(session, statement, limit=ROWS, scalars=False)


def nothing(session: Session) -> Any:
    return offset_page(session, select(Note).where(Note.id < 0).order_by(Note.id))


def as_dict(session: Session) -> Any:
    page = notes(session)
    return {"data": page.data, "meta": page.meta}


def as_tuple(session: Session) -> Any:
    page = notes(session)
    return {"data": tuple(page.data), "meta": page.meta}


class NoteModel(BaseModel):
    id: int
    body: str
    rank: int
    topic: str | None
    written: datetime


class Configured(NoteModel):
    model_config = ConfigDict(from_attributes=True)


class NotFromAttributes(NoteModel):
    model_config = ConfigDict(from_attributes=False)


class Strict(NoteModel):
    model_config = ConfigDict(strict=True)


class Allowing(NoteModel):
    model_config = ConfigDict(extra="allow")


class Forbidding(NoteModel):
    model_config = ConfigDict(extra="forbid")


class Frozen(NoteModel):
    model_config = ConfigDict(frozen=True, str_to_upper=True)


class Revalidating(NoteModel):
    model_config = ConfigDict(revalidate_instances="always")


class Defaults(BaseModel):
    id: int
    topic: str | None = None
    rank: int = Field(default_factory=lambda: 4)
    missing: list[int] = []


class DeferredDefault(BaseModel):
    id: int
    topic: str | None = "not read"


class Touched(BaseModel):
    id: int
    rank: int
    touched: int = -1
    topic: str | None


class DefaultWithin(BaseModel):
    id: int
    topic: Annotated[str | None, Field(default="no"), AfterValidator(lambda value: value)]


class Aliased(BaseModel):
    number: int = Field(alias="id")
    text: str = Field(validation_alias="body")
    rank: int = Field(serialization_alias="place")


class ByName(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper, populate_by_name=True)
    id: int
    body: str
    topic: str | None = None


class ByNameOfTwo(BaseModel):
    """Both the alias and the name are columns."""

    model_config = ConfigDict(populate_by_name=True)
    rank: int = Field(alias="id")


class AliasThatIsAProperty(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    id: int
    body: str = Field(alias="shout")


class AliasNotThere(BaseModel):
    id: int
    body: str = Field(default="unknown", alias="author")


class Choices(BaseModel):
    number: int = Field(validation_alias=AliasChoices("number", "id"))
    first_tag: str = Field("none", validation_alias=AliasPath("tags", 0, "name"))


class OwnAttributes(BaseModel):
    id: int
    mood: str
    written_by: str | None = None


class Hybrid(BaseModel):
    id: int
    half: float


class Shouting(BaseModel):
    id: int
    shout: str


class Kind(BaseModel):
    id: int
    kind: str


class OnlyKind(BaseModel):
    kind: str = "other"


class Heading(BaseModel):
    id: int
    heading: str


class Doubled(BaseModel):
    id: int
    doubled: int


class Metadata(BaseModel):
    id: int
    metadata: Any
    registry: Any = None

    @field_validator("metadata", "registry")
    @classmethod
    def name_it(cls, value: Any) -> str:
        return type(value).__name__


class TagModel(BaseModel):
    id: int
    name: str


class Nested(BaseModel):
    id: int
    tags: list[TagModel]


class Forward(BaseModel):
    id: int
    tags: "list[Later]"
    body: "Text"


class ForwardColumns(BaseModel):
    id: int
    body: "Text"


class Later(BaseModel):
    name: str


Text = Annotated[str, AfterValidator(str.title)]
Forward.model_rebuild()
ForwardColumns.model_rebuild()


class Tree(BaseModel):
    id: int
    body: str
    children: "list[Tree]" = []


class Computed(NoteModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def summary(self) -> str:
        return f"{self.rank}: {self.body}"


class Validated(BaseModel):
    id: int
    rank: Annotated[int, BeforeValidator(lambda value: value + 1)]
    body: Annotated[str, WrapValidator(lambda value, handler: handler(value) + "!")]
    topic: Annotated[Any, PlainValidator(lambda value: value or "none")]
    written: Annotated[datetime, AfterValidator(lambda value: value.replace(year=1999))]

    @field_validator("body", mode="after")
    @classmethod
    def with_earlier(cls, value: str, info: ValidationInfo) -> str:
        return f"{value} of {info.data}"


class Picky(BaseModel):
    id: int
    rank: int

    @field_validator("rank")
    @classmethod
    def check(cls, value: int) -> int:
        if value > 2:
            raise ValueError("too high")
        return value


class ModelBefore(BaseModel):
    id: int
    body: str

    @model_validator(mode="before")
    @classmethod
    def look(cls, value: Any) -> Any:
        return {"id": value.id, "body": type(value).__name__}


class ModelWrap(BaseModel):
    id: int
    body: str

    @model_validator(mode="wrap")
    @classmethod
    def look(cls, value: Any, handler: Any) -> Any:
        model = handler(value)
        model.body += type(value).__name__
        return model


class ModelAfter(BaseModel):
    id: int
    body: str
    _seen: str = PrivateAttr("")

    @model_validator(mode="after")
    def look(self) -> Any:
        self.body += f" {self.model_extra} {sorted(self.model_fields_set)}"
        return self

    def model_post_init(self, context: Any) -> None:
        self._seen = self.body


class ModelAfterRaises(BaseModel):
    id: int
    rank: int

    @model_validator(mode="after")
    def look(self) -> Any:
        if self.rank > 3:
            raise ValueError("too high")
        return self


class InheritsBefore(ModelBefore):
    rank: int = 0


class OwnInit(BaseModel):
    id: int
    body: str

    def __init__(self, **data: Any) -> None:
        super().__init__(**{**data, "body": "by init"})


class Root(RootModel[dict[str, Any]]):
    pass


class Serialized(NoteModel):
    rank: Annotated[int, PlainSerializer(lambda value: f"#{value}")]

    @model_serializer(mode="wrap")
    def around(self, handler: Any) -> Any:
        return {**handler(self), "around": True}


class OwnSchema(BaseModel):
    id: int
    body: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def look(value: Any) -> Any:
            return value if isinstance(value, cls | dict) else {"id": value.id, "body": "by schema"}

        return core_schema.no_info_before_validator_function(look, handler(source))


class DeferredBuild(NoteModel):
    model_config = ConfigDict(defer_build=True)


class GenericNote(BaseModel, Generic[T]):
    id: int
    body: T


class Typed(TypedDict):
    id: int


@pydantic.dataclasses.dataclass
class DataNote:
    id: int
    body: str


class One(BaseModel):
    id: int
    touched: Literal[0] = 0


class Two(BaseModel):
    id: int
    touched: Literal[7]


class AnimalModel(BaseModel):
    id: int
    name: str
    species: str


class Barking(AnimalModel):
    bark: str = "not at all"


class Named(BaseModel):
    name: str
    id: int
    size: int = 1


class PlaceModel(BaseModel):
    x: int
    point: Any

    @field_validator("point")
    @classmethod
    def shown(cls, value: Any) -> str:
        return repr(value)


class XY(BaseModel):
    x: int
    y: float


class Guessed(BaseModel):
    id: int
    colour: str


class Identified(BaseModel):
    id: int


class Body(BaseModel):
    id: int
    body: str


class Missing(BaseModel):
    id: int
    nowhere: int


class Wrong(BaseModel):
    id: int
    body: int


# Which items, made of what, and whether the quicker way is taken.
CASES: dict[str, tuple[Any, Rows, bool]] = {
    "plain columns": (NoteModel, notes, True),
    "from_attributes": (Configured, notes, True),
    "not from_attributes": (NotFromAttributes, notes, True),
    "strict": (Strict, notes, False),
    "extra allowed": (Allowing, notes, False),
    "extra forbidden": (Forbidding, notes, False),
    "other config": (Frozen, notes, True),
    "revalidated": (Revalidating, notes, True),
    "defaults": (Defaults, notes, True),
    "a default within": (DefaultWithin, notes, True),
    "no rows": (NoteModel, nothing, False),
    "one row": (NoteModel, lambda session: offset_page(session, select(Note), limit=1), False),
    "in a dict": (NoteModel, as_dict, True),
    "in a tuple": (NoteModel, as_tuple, False),
    "deferred": (NoteModel, page_of(Note, defer(Note.topic)), False),
    "deferred, not asked for": (Doubled, page_of(Note, defer(Note.topic)), True),
    "deferred, with a default": (DeferredDefault, page_of(Note, defer(Note.topic)), False),
    "deferred, with a default within": (DefaultWithin, page_of(Note, defer(Note.topic)), False),
    "load_only": (Defaults, page_of(Note, load_only(Note.body)), False),
    "expired in one row": (NoteModel, expired, False),
    "expired in one row, with a default": (DeferredDefault, expired, False),
    "all expired": (NoteModel, all_expired, False),
    "flushed by a read": (Touched, changed, False),
    "a row that was not stored": (NoteModel, pending, False),
    "aliased": (Aliased, notes, True),
    "by name": (ByName, notes, True),
    "by a name that is deferred": (ByName, page_of(Note, defer(Note.topic)), False),
    "the alias and the name are columns": (ByNameOfTwo, notes, True),
    "the alias is deferred": (ByNameOfTwo, page_of(Note, defer(Note.rank)), False),
    "the alias is a property": (AliasThatIsAProperty, notes, False),
    "the alias is not there": (AliasNotThere, notes, True),
    "alias choices and paths": (Choices, page_of(Note, selectinload(Note.tags)), False),
    "attributes that were set by hand": (OwnAttributes, with_own_attributes, True),
    "attributes that are not there": (OwnAttributes, notes, False),
    "hybrid": (Hybrid, notes, False),
    "property": (Shouting, notes, False),
    "class attribute": (Kind, notes, False),
    "only a class attribute": (OnlyKind, notes, False),
    "synonym": (Heading, notes, False),
    "column_property": (Doubled, notes, True),
    "what a base class has": (Metadata, notes, False),
    "nested": (Nested, page_of(Note, selectinload(Note.tags)), False),
    "nested, lazy": (Nested, notes, False),
    "forward references": (Forward, page_of(Note, selectinload(Note.tags)), False),
    "forward references to columns": (ForwardColumns, notes, True),
    "recursive": (Tree, notes, True),
    "computed": (Computed, notes, True),
    "field validators": (Validated, notes, True),
    "a field validator that refuses": (Picky, notes, False),
    "a validator before the model": (ModelBefore, notes, False),
    "an inherited validator before the model": (InheritsBefore, notes, False),
    "a validator around the model": (ModelWrap, notes, False),
    "a validator after the model": (ModelAfter, notes, True),
    "a validator after the model that refuses": (ModelAfterRaises, notes, False),
    "its own init": (OwnInit, notes, False),
    "a root model": (Root, notes, False),
    "serializers": (Serialized, notes, True),
    "its own schema": (OwnSchema, notes, False),
    "built late": (DeferredBuild, notes, True),
    "generic": (GenericNote[str], notes, True),
    "TypedDict": (Typed, notes, False),
    "dataclass": (DataNote, notes, False),
    "optional": (NoteModel | None, notes, False),
    "union": (One | Two, notes, False),
    "discriminated union": (Annotated[One | Two, Field(discriminator="touched")], notes, False),
    "annotated": (Annotated[NoteModel, Field(title="a note")], notes, False),
    "entities": (Any, lambda session: {"data": [1], "meta": notes(session).meta}, False),
    "inherited": (AnimalModel, page_of(Animal), True),
    "mixed, not all loaded": (Barking, page_of(Animal), False),
    "mixed, all loaded": (Barking, page_of(Animal, selectin_polymorphic(Animal, [Dog])), False),
    "derived": (Barking, page_of(Dog), True),
    "overridden by a property": (Barking, page_of(Cat), False),
    "dataclasses that are mapped": (Named, page_of(Plain), True),
    "composite": (PlaceModel, page_of(Place), False),
    "the columns of a composite": (XY, page_of(Place), True),
    "attributes that are guessed": (Guessed, page_of(Guessing), False),
    "__getattr__ that is not needed": (Identified, page_of(Guessing), True),
    "__getattribute__": (Body, page_of(Watching), False),
    "mappings": (Body, mappings, False),
    "SQLModel": (VillainPublic, page_of(Villain), False),
    "SQLModel, aliased": (VillainNames, page_of(Villain), False),
    "SQLModel by pydantic": (VillainSecret, page_of(Villain), True),
    "SQLModel's base": (VillainBase, page_of(Villain), False),
    "SQLModel's table": (Villain, page_of(Villain), False),
    "an attribute that is nowhere": (Missing, notes, False),
    "a value of another type": (Wrong, notes, False),
    "one value of another type": (NoteModel, without_a_value, False),
}

each_case = pytest.mark.parametrize("name", CASES)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"response_model_exclude_none": True},
    {"response_model_exclude_unset": True},
    {"response_model_exclude_defaults": True},
    {"response_model_by_alias": False},
    {"response_model_include": {"data": {"__all__": {"id", "number", "body"}}}},
    {"response_model_exclude": {"data": {0: True}, "meta": True}},
]


@dataclass
class Answer:
    """What came of a request: its response or its errors, and the statements that it took."""

    status: int | None = None
    content: bytes = b""
    errors: list[Any] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


def answers(engine: Engine, model: Any, rows: Rows) -> list[Answer]:
    """What is answered with each of the options, every time by a session of its own."""
    app = FastAPI()
    given: list[Answer] = []

    async def endpoint() -> Any:
        return rows(session)

    def note_down(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        given[-1].statements.append(statement)

    for number, options in enumerate(OPTIONS):
        app.get(f"/{number}", response_model=model, **options)(endpoint)
    client = TestClient(app)
    event.listen(engine, "before_cursor_execute", note_down)
    try:
        for number in range(len(OPTIONS)):
            given.append(Answer())
            with Session(engine) as session:
                try:
                    response = client.get(f"/{number}")
                    given[-1].status, given[-1].content = response.status_code, response.content
                except ResponseValidationError as error:
                    given[-1].errors = [told(one) for one in error.errors()]
    finally:
        event.remove(engine, "before_cursor_execute", note_down)
    return given


def told(error: Any) -> Any:
    """An error, with the class in place of an entity, which each request has its own of."""
    given = error["input"]
    if isinstance(given, Table | sqlmodel.SQLModel):
        error["input"] = type(given)
    elif isinstance(given, tuple):
        error["input"] = [type(one) for one in given]
    return {**error, "ctx": repr(error.get("ctx"))}


@each_case
def test_the_response_is_that_of_a_plain_model(engine: Engine, name: str) -> None:
    item, rows, _ = CASES[name]

    plain = answers(engine, PlainPage[item], rows)
    ours = answers(engine, sqla_pages.Page[item], rows)

    assert ours == plain


def reads_in(work: Callable[[], object]) -> int:
    """How many attributes of entities are read by way of the instrumentation."""
    seen = 0
    code = InstrumentedAttribute.__get__.__code__

    def note_down(frame: Any, what: str, argument: Any) -> None:
        nonlocal seen
        seen += what == "call" and frame.f_code is code

    before = sys.getprofile()
    sys.setprofile(note_down)
    try:
        work()
    finally:
        sys.setprofile(before)
    return seen


@each_case
def test_attributes_are_read_of_one_row_alone_where_columns_do(engine: Engine, name: str) -> None:
    item, rows, is_quick = CASES[name]

    def reads_of(model: Any, many: int | None = None) -> int:
        with Session(engine) as session:
            page: Any = rows(session)
            data = page["data"] if isinstance(page, dict) else page.data
            given = {"data": data[:many], "meta": ANY_META}
            return reads_in(lambda: validated(model, given, from_attributes=True))

    plain = reads_of(PlainPage[item], 1 if is_quick else None)
    ours = reads_of(sqla_pages.Page[item])

    assert ours == plain if is_quick else ours >= plain


def validated(model: Any, given: Any, **options: Any) -> Any:
    """The page, or its errors."""
    try:
        return TypeAdapter(model).validate_python(given, **options)
    except pydantic.ValidationError as error:
        return [told(one) for one in error.errors()]


def call_options() -> list[dict[str, Any]]:
    """What a call may ask for, as far as this release of pydantic knows it."""
    options: list[dict[str, Any]] = [{}, {"strict": True}, {"from_attributes": False}]
    options += [{"from_attributes": True, "strict": True}]
    known = signature(TypeAdapter.validate_python).parameters
    later = {"by_alias": False, "by_name": True}, {"extra": "allow"}, {"extra": "forbid"}
    return options + [{"from_attributes": True, **one} for one in later if set(one) <= set(known)]


@pytest.mark.parametrize("options", call_options(), ids=str)
@each_case
def test_what_a_call_of_the_model_asks_for_holds(
    engine: Engine, name: str, options: dict[str, Any]
) -> None:
    item, rows, _ = CASES[name]

    def found(model: Any) -> Any:
        with Session(engine) as session:
            page: Any = rows(session)
            data = page["data"] if isinstance(page, dict) else page.data
            return shown(validated(model, {"data": data, "meta": ANY_META}, **options))

    assert found(sqla_pages.Page[item]) == found(PlainPage[item])


def shown(page: Any) -> Any:
    """What there is to see of a validated page, its errors if it was refused."""
    if isinstance(page, list):
        return page
    return [
        (type(item), item.__dict__, item.model_fields_set, item.model_extra)
        if isinstance(item, BaseModel) and not isinstance(item, Villain)
        else type(item)
        for item in page.data
    ]


def in_a_collection(session: Session) -> Any:
    return {"data": session.scalars(select(Note).order_by(Note.id)).all()}


def by_cursor(session: Session) -> Any:
    return cursor_page(session, select(Note).order_by(Note.id), limit=3)


def by_counted_cursor(session: Session) -> Any:
    return cursor_page(session, select(Note).order_by(Note.id), limit=3, count=ExactCount())


def uncounted(session: Session) -> Any:
    return offset_page(session, select(Note).order_by(Note.id), limit=3, count=NoCount())


class Titled(sqla_pages.Page[T], Generic[T]):
    title: str = "notes"


class PlainTitled(PlainPage[T], Generic[T]):
    title: str = "notes"


KINDS: dict[str, tuple[Any, Any, Rows]] = {
    "Page": (sqla_pages.Page, PageMeta, notes),
    "UncountedPage": (UncountedPage, UncountedPageMeta, uncounted),
    "CursorPage": (CursorPage, CursorPageMeta, by_cursor),
    "CountedCursorPage": (CountedCursorPage, CountedCursorPageMeta, by_counted_cursor),
    "Collection": (Collection, None, in_a_collection),
    "a page of the user's": (Titled, PageMeta, notes),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_is_as_a_plain_model(engine: Engine, kind: str) -> None:
    ours, meta, rows = KINDS[kind]
    fields: dict[str, Any] = {"data": (list[NoteModel], ...)}
    fields |= {"meta": (meta, ...)} if meta else {}
    fields |= {"title": (str, "notes")} if ours is Titled else {}
    plain = create_model("plain", **fields)

    with Session(engine) as session:
        page: Any = rows(session)
        expected = TypeAdapter(plain).validate_python(page, from_attributes=True)
        adapter = TypeAdapter(ours[NoteModel])
        found = adapter.validate_python(page, from_attributes=True)
        reads = reads_in(lambda: adapter.validate_python(page, from_attributes=True))

    assert found.model_dump_json() == expected.model_dump_json()
    assert reads == len(NoteModel.model_fields)


def test_a_union_of_pages_takes_the_same_one(engine: Engine) -> None:
    ours = answers(engine, sqla_pages.Page[Two] | sqla_pages.Page[DeferredDefault], notes)
    plain = answers(engine, PlainPage[Two] | PlainPage[DeferredDefault], notes)
    by_default = answers(engine, sqla_pages.Page[Doubled] | sqla_pages.Page[One], notes)
    plain_by_default = answers(engine, PlainPage[Doubled] | PlainPage[One], notes)

    assert (ours, by_default) == (plain, plain_by_default)


@pytest.mark.parametrize("item", [one for one, _, _ in CASES.values()], ids=list(CASES))
def test_the_schema_is_that_of_a_plain_model(item: Any) -> None:
    def schema_of(model: Any) -> Any:
        app = FastAPI()
        app.get("/", response_model=model)(lambda: None)
        try:
            return app.openapi()
        except pydantic.errors.PydanticInvalidForJsonSchema as error:
            return str(error)

    assert schema_of(sqla_pages.Page[item]) == schema_of(PlainPage[item])


KEEPS_NOTHING = """
import gc, weakref
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqla_pages import Collection

class Identified(BaseModel):
    id: int

adapter = TypeAdapter(Collection[Identified])

def weak_after_a_page():
    class Own(DeclarativeBase):
        pass

    class Short(Own):
        __tablename__ = "short"
        id: Mapped[int] = mapped_column(primary_key=True)

    adapter.validate_python({"data": [Short(id=1), Short(id=2)]}, from_attributes=True)
    return weakref.ref(Short)

seen = weak_after_a_page()
gc.collect()
assert seen() is None
"""


def test_what_is_remembered_of_a_class_does_not_keep_it() -> None:
    # In a process of its own, where nothing else keeps it.
    subprocess.run([sys.executable, "-c", KEEPS_NOTHING], check=True)

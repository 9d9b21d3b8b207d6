"""A small schema full of ties and NULLs, which the statements under test are made over."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
)
from sqlalchemy.sql import func, select


class Base(DeclarativeBase):
    metadata = MetaData()


class Team(Base):
    __tablename__ = "team"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


note_tag = Table(
    "note_tag",
    Base.metadata,
    Column("note_id", ForeignKey("note.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)

# No key at all: rows may be equal.
log = Table(
    "log", Base.metadata, Column("level", Integer, nullable=False), Column("message", String(20))
)


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(40), unique=True)
    score: Mapped[int | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    extra: Mapped[dict[str, int] | None] = mapped_column(JSON)

    team: Mapped[Team | None] = relationship()
    notes: Mapped[list["Note"]] = relationship(back_populates="user", order_by="Note.id")


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[int]
    body: Mapped[str | None] = mapped_column(String(20), deferred=True)

    user: Mapped[User] = relationship(back_populates="notes")
    tags: Mapped[list["Tag"]] = relationship(secondary=note_tag, order_by="Tag.id")


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(20))


Tag.uses = column_property(  # type: ignore[attr-defined]
    select(func.count())
    .where(note_tag.c.tag_id == Tag.id)
    .correlate_except(note_tag)
    .scalar_subquery()
)
User.notes_count = column_property(  # type: ignore[attr-defined]
    select(func.count(Note.id)).where(Note.user_id == User.id).scalar_subquery(), deferred=True
)


class Member(Base):
    """A composite key, and a unique constraint with a nullable column."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("team_id", "nick"),)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    nick: Mapped[str | None] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20))

    user: Mapped[User] = relationship()


class Vehicle(Base):
    """Joined table inheritance."""

    __tablename__ = "vehicle"
    __mapper_args__ = {"polymorphic_on": "type", "polymorphic_identity": "vehicle"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(20))
    wheels: Mapped[int]


class Truck(Vehicle):
    __tablename__ = "truck"
    __mapper_args__ = {"polymorphic_identity": "truck"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    load: Mapped[int]


class Animal(Base):
    """Single table inheritance."""

    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "type", "polymorphic_identity": "animal"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(20))
    legs: Mapped[int]


class Bird(Animal):
    __mapper_args__ = {"polymorphic_identity": "bird"}  # noqa: RUF012


class Author(Base):
    """Loads its books, a collection, by a join unless told otherwise."""

    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    books: Mapped[list["Book"]] = relationship(lazy="joined", order_by="Book.id")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    title: Mapped[str] = mapped_column(String(20))


def rows() -> list[tuple[Table, list[dict[str, object]]]]:
    """Return the rows of every table, in the order of their foreign keys."""
    teams = [{"id": i, "name": f"team {i % 2}"} for i in range(1, 5)]
    users = [
        {
            # Not in the order of the keys, so that nothing comes out sorted by chance.
            "id": (i * 7) % 24 + 1,
            "name": f"name {i % 4}",
            "email": f"{i}@example.org",
            "score": None if i % 5 == 0 else i % 3,
            "team_id": None if i % 6 == 0 else i % 3 + 1,
            "extra": {"i": i % 2},
        }
        for i in range(23)
    ]
    notes = [
        {
            "id": (i * 11) % 42 + 1,
            "user_id": int(str(users[i % 15]["id"])),
            "kind": i % 3,
            "body": None if i % 4 == 0 else f"body {i % 2}",
        }
        for i in range(41)
    ]
    tags = [{"id": i, "label": f"tag {i % 2}"} for i in range(1, 6)]
    note_tags = [
        {"note_id": note["id"], "tag_id": tag}
        for note in notes[:20]
        for tag in range(1, int(str(note["kind"])) + 2)
    ]
    members = [
        {
            "team_id": i % 4 + 1,
            "user_id": users[i]["id"],
            "nick": None if i % 2 else f"nick {i}",
            "role": f"role {i % 2}",
        }
        for i in range(17)
    ]
    vehicles = [
        {"id": i, "type": "truck" if i % 2 else "vehicle", "wheels": i % 3} for i in range(1, 14)
    ]
    trucks = [{"id": i, "load": i % 4} for i in range(1, 14, 2)]
    animals = [
        {"id": i, "type": "bird" if i % 3 else "animal", "legs": i % 2} for i in range(1, 16)
    ]
    authors = [{"id": i, "name": f"author {i % 2}"} for i in range(1, 9)]
    books = [{"id": i, "author_id": i % 5 + 1, "title": f"title {i % 3}"} for i in range(1, 18)]
    # To some collations, a message and another are equal that differ in case.
    logs = [{"level": i % 2, "message": f"{'mM'[i % 5 % 2]}essage {i % 3}"} for i in range(40)]
    return [
        (Base.metadata.tables[name], list(values))
        for name, values in {
            "team": teams,
            "user": users,
            "note": notes,
            "tag": tags,
            "note_tag": note_tags,
            "member": members,
            "vehicle": vehicles,
            "truck": trucks,
            "animal": animals,
            "author": authors,
            "book": books,
            "log": logs,
        }.items()
    ]

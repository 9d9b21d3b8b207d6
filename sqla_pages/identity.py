"""What makes a row of a statement unique, proved from keys, joins, filters and groups.

An order is total when the columns it sorts by determine the identity of a row. Determined is what
follows from them by these rules, applied until nothing is added:

    a key of a table                 ->  all its columns
    a = b, of WHERE or an inner ON   ->  each of the other
    a = constant                     ->  a, from nothing
    LEFT JOIN ON (a key of the right) = (columns of the left)
        all columns of the left in ON  ->  all columns of the right
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Integer, Numeric, String
from sqlalchemy.sql.elements import BindParameter, Case, ClauseElement, Null
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, Lateral

from . import _sqla
from ._sqla import AnySelect
from .closure import Closure, Rule, closure_of, is_exact
from .expressions import is_one_row, is_plain_column, is_plain_or_nested
from .relations import Lookup, relations_of

# Never NULL: these at all, those where none of their arguments is.
_NEVER_NULL: Final = frozenset(
    "count cume_dist dense_rank ntile percent_rank rank row_number".split()
)
_KNOWN_TYPES: Final = (Float, Integer, Numeric, String)
_STRICT_FUNCTIONS: Final = frozenset("abs char_length length lower md5 upper".split())


@dataclass(frozen=True, slots=True)
class Identity:
    """Expressions whose values no two rows share.

    `is_certain` is false where a function may return several rows: that shows in the rows alone.
    """

    columns: tuple[ColumnElement[Any], ...]
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that tell the rows of a table or subquery apart."""

    columns: tuple[ColumnElement[Any], ...]
    is_certain: bool = True


class Facts:
    """What is known of the rows of a statement: their identity, and what determines what."""

    def __init__(self, statement: AnySelect) -> None:
        self._statement = statement
        self._relations = relations_of(statement)
        self._keys = {
            id(leaf.source): tuple(_keys_of(leaf.source)) for leaf in self._relations.leaves
        }
        groups = _sqla.group_by_of(statement)
        self._groups = _groups_of(statement, groups, self.leaves)
        # ROLLUP makes rows in which nothing holds that holds of others.
        is_rolled_up = self._groups is None
        self._rules = () if is_rolled_up else tuple(self._make_rules())
        not_null = () if is_rolled_up else self._relations.not_null
        self._not_null = frozenset(map(hash, not_null))
        self._outer = {
            hash(column)
            for leaf in self._relations.leaves
            if leaf.is_outer or is_rolled_up
            for column in _sqla.columns_of(leaf.source)
        }
        self.identity = self._identity()

    @property
    def sources(self) -> tuple[FromClause, ...]:
        """What is selected from: joins as they are."""
        return self._relations.sources

    @property
    def leaves(self) -> tuple[FromClause, ...]:
        """The tables and subqueries that are selected from."""
        return tuple(leaf.source for leaf in self._relations.leaves)

    @property
    def places(self) -> dict[int, int]:
        """Of each column, by its hash, the place of its table among them."""
        return {
            hash(column): place
            for place, leaf in enumerate(self.leaves)
            for column in _sqla.columns_of(leaf)
        }

    @property
    def has_full_join(self) -> bool:
        """Whether a FULL JOIN is among its joins."""
        return self._relations.has_full_join

    @property
    def has_filters(self) -> bool:
        """Whether a filter says that a column equals a constant."""
        return bool(self._relations.constant)

    @property
    def keyless(self) -> tuple[FromClause, ...]:
        """Those of them without a key."""
        return tuple(leaf for leaf in self.leaves if not self._keys[id(leaf)])

    def closure(self, given: Iterable[ClauseElement]) -> Closure:
        """Return all that these expressions determine."""
        return closure_of(given, self._rules)

    def covers(
        self, given: Iterable[ClauseElement], wanted: Iterable[ClauseElement] | None = None
    ) -> bool:
        """Tell whether these expressions determine others: by default, the identity of a row."""
        if wanted is None:
            if self.identity is None:
                return False
            wanted = self.identity.columns
        closure = self.closure(given)
        return all(map(closure.has, wanted))

    @property
    def is_one_row(self) -> bool:
        """Whether there is at most one row."""
        return self.identity is not None and self.identity.is_certain and self.covers(())

    def missing(self, known: Sequence[ClauseElement]) -> tuple[ColumnElement[Any], ...] | None:
        """Return the fewest columns that make the known ones an identity; None if nothing does.

        Columns that other columns determine are left out, those of later tables first.
        """
        if self.identity is None:
            return None
        kept = list(self.identity.columns)
        groups = [
            [column for column in kept if getattr(column, "table", None) is leaf]
            for leaf in reversed(self.leaves)
        ]
        for group in (*groups, *([column] for column in reversed(kept))):
            fewer = [column for column in kept if all(column is not one for one in group)]
            if len(fewer) < len(kept) and self.covers((*known, *fewer)):
                kept = fewer
        unnamed = {id(leaf) for leaf in self._relations.unnamed}
        if any(id(getattr(column, "table", None)) in unnamed for column in kept):
            return None
        return tuple(kept)

    def finds_one(self, leaf: FromClause) -> bool:
        """Tell whether the table is joined by a LEFT JOIN that finds at most one row of it."""
        return any(
            any(self._found_keys(lookup, lookup.leaves[0]))
            for lookup in self._relations.lookups
            if [hash(one) for one in lookup.leaves] == [hash(leaf)]
        )

    def is_nullable(self, expression: ClauseElement) -> bool:
        """Tell whether the expression may be NULL in some row."""
        bare = _sqla.bare_of(expression)
        if hash(bare) in self._not_null:
            return False
        if is_plain_column(bare):
            return hash(bare) in self._outer or _is_nullable_column(bare)
        return _is_nullable(bare, self.is_nullable)

    def _make_rules(self) -> Iterator[Rule]:
        for leaf in self._relations.leaves:
            columns = frozenset(map(hash, _sqla.columns_of(leaf.source)))
            for key in self._keys[id(leaf.source)]:
                # A row of an outer join's empty side looks like one whose key is NULL. What a
                # LATERAL selects may depend on more than on its own row.
                is_mistakable = leaf.is_outer and all(map(_is_nullable_column, key.columns))
                is_mistakable = is_mistakable or isinstance(leaf.source, Lateral)
                if key.is_certain and not is_mistakable:
                    yield Rule(frozenset(map(hash, key.columns)), columns, False, True)
        for pair in self._relations.equal:
            for one, other in (pair, pair[::-1]):
                yield Rule(frozenset([hash(one)]), frozenset([hash(other)]), False, False)
                if is_exact(one) and is_exact(other):
                    yield Rule(frozenset([hash(one)]), frozenset([hash(other)]), True, True)
        for column in self._relations.constant:
            yield Rule(frozenset(), frozenset([hash(column)]), False, is_exact(column))
        for lookup in self._relations.lookups:
            yield from self._rules_of(lookup)

    def _rules_of(self, lookup: Lookup) -> Iterator[Rule]:
        # Whether there is a match depends on all of the left side that the condition speaks of.
        premise = frozenset(map(hash, lookup.others))
        for leaf in lookup.leaves:
            columns = frozenset(map(hash, _sqla.columns_of(leaf)))
            if any(self._found_keys(lookup, leaf)):
                yield Rule(premise, columns, True, True)

    def _found_keys(self, lookup: Lookup, leaf: FromClause) -> Iterator[bool]:
        """Yield, for each key of the table, whether the join looks for the whole of it."""
        for key in self._keys[id(leaf)]:
            is_found = all(hash(column) in lookup.found for column in key.columns)
            yield is_found and key.is_certain and not isinstance(leaf, Lateral)

    def _identity(self) -> Identity | None:
        statement = self._statement
        is_certain = all(map(_returns_one_row, _sqla.raw_columns_of(statement)))
        if is_one_row(statement):
            return Identity(())
        if on := _sqla.distinct_on_of(statement):
            return Identity(tuple(on))
        if _sqla.is_distinct(statement):
            return Identity(tuple(_selected_in(statement)))
        if self._groups != ():
            return None if self._groups is None else Identity(self._groups, is_certain)
        columns: list[ColumnElement[Any]] = []
        for leaf in self.leaves:
            # Beside a FULL JOIN, a row that is missing looks like one whose key is NULL.
            has_full_join = self._relations.has_full_join
            key = next(
                (
                    key
                    for key in self._keys[id(leaf)]
                    if not has_full_join or not all(map(_is_nullable_column, key.columns))
                ),
                None,
            )
            if key is None:
                return None
            columns += key.columns
            is_certain = is_certain and key.is_certain
        return Identity(tuple(columns), is_certain)


def _selected_in(statement: AnySelect) -> Iterator[ColumnElement[Any]]:
    """Yield what is selected; of an entity, the columns of its table, which its key determines."""
    for selected in _sqla.flat(_sqla.raw_columns_of(statement)):
        if isinstance(selected, ColumnElement):
            yield selected
        else:
            yield from _sqla.columns_of(selected)


def _keys_of(source: FromClause) -> Iterator[Key]:
    if (select := _sqla.select_within(source)) is not None:
        yield from _keys_of_select(source, select)
    elif (compound := _sqla.compound_within(source)) is not None:
        if not _sqla.keeps_duplicates(compound):
            yield Key(_sqla.columns_of(source))
    else:
        for columns in _sqla.keys_of(source):
            yield Key(columns)


def _keys_of_select(source: FromClause, element: AnySelect) -> Iterator[Key]:
    """Yield keys of a subquery: columns that it selects and that tell its rows apart."""
    selected = [_sqla.bare_of(column) for column in element.selected_columns]
    columns = _sqla.columns_of(source)
    outer_of = dict(zip(map(hash, selected), columns, strict=False))
    for expression in selected:
        partition = _sqla.row_number_partition_of(expression)
        if partition is not None:
            numbered = [outer_of.get(hash(column)) for column in (*partition, expression)]
            if found := _all_or_none(numbered):
                yield Key(found, all(map(_returns_one_row, _sqla.raw_columns_of(element))))
    facts = Facts(element)
    if facts.identity is not None and facts.covers(selected):
        missing = facts.missing(())
        direct = [outer_of.get(hash(_sqla.bare_of(c))) for c in missing or ()]
        is_direct = missing is not None and all(c is not None for c in direct)
        # Where not the key itself is selected, it is columns that determine it.
        yield Key(
            _all_or_none(direct) if is_direct else tuple(columns),
            facts.identity.is_certain,
        )


def _all_or_none(columns: Iterable[ColumnElement[Any] | None]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns, or nothing if any is missing."""
    columns = tuple(columns)
    found = tuple(column for column in columns if column is not None)
    return found if len(found) == len(columns) else ()


def are_keys(columns: Sequence[ColumnElement[Any]]) -> bool:
    """Tell whether no two rows of where the columns are from share their values."""
    own = set(map(hash, columns))
    sources = [_sqla.source_of(column) for column in columns]
    return bool(sources) and all(
        any(set(map(hash, key.columns)) <= own and key.is_certain for key in _keys_of(source))
        for source in sources
        if source is not None
    )


def _groups_of(
    statement: AnySelect, groups: tuple[ClauseElement, ...], leaves: tuple[FromClause, ...]
) -> tuple[ColumnElement[Any], ...] | None:
    """Return the expressions grouped by; None for a text, ROLLUP, CUBE or GROUPING SETS."""
    selected = list(statement.selected_columns)
    by_name = {column.key: column for column in selected}
    resolved: list[ColumnElement[Any]] = []
    for group in groups:
        expressions = _sqla.expressions_of([group])
        number = _sqla.ordinal_of(group)
        if number is not None and 1 <= number <= len(selected):
            resolved.append(selected[number - 1])
        elif (named := by_name.get(name := _sqla.label_name_of(group) or "")) is not None:
            # In GROUP BY a name is first that of a column.
            own = [leaf.c[name] for leaf in leaves if name in leaf.c]
            if any(hash(column) != hash(_sqla.bare_of(named)) for column in own):
                return None
            resolved.append(named)
        elif expressions and is_plain_or_nested(_sqla.bare_of(group)):
            resolved += expressions
        else:
            return None
    return tuple(resolved)


def _returns_one_row(selected: ClauseElement) -> bool:
    return all(map(is_plain_or_nested, _sqla.flat((selected,))))


def _is_nullable_column(column: ClauseElement) -> bool:
    source = _sqla.source_of(column)
    if source is None or _sqla.selected_by(source) is None:
        return bool(getattr(column, "nullable", True))
    if (select := _sqla.select_within(source)) is None:
        return True
    hashes = map(hash, _sqla.columns_of(source))
    expression = dict(zip(hashes, select.selected_columns, strict=False)).get(hash(column))
    return expression is None or Facts(select).is_nullable(expression)


def _is_nullable(expression: ClauseElement, is_nullable: Any) -> bool:
    """Tell whether an expression that is no column may be NULL, given which of its parts may."""
    match expression:
        case BindParameter():
            return _sqla.kind_of_value(expression) is NoneType
        case Null():
            return True
        case FunctionElement():
            name, arguments = expression.name.lower(), tuple(expression.clauses)
            if name == "coalesce":
                return all(map(is_nullable, arguments))
            if name in _STRICT_FUNCTIONS:
                # Of a range, lower() may be NULL.
                are_known = all(isinstance(argument.type, _KNOWN_TYPES) for argument in arguments)
                return not are_known or any(map(is_nullable, arguments))
            return name not in _NEVER_NULL
        case Case():
            results = (*(then for _, then in expression.whens), expression.else_)
            return any(result is None or is_nullable(result) for result in results)
        case _:
            over = _sqla.windowed_by(expression)
            return over is None or _is_nullable(over, is_nullable)

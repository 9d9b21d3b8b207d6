"""The faults that `faults.py` plants: such as a careless change could make, each with its tests.

A name says what goes wrong for a user. The text occurs exactly once in its file; `faults.py` says
so if a change of the code has made it otherwise.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """A text of a file, what to put in its place, and the tests that should catch it."""

    name: str
    file: str
    text: str
    planted: str
    tests: str


# Selections of tests, as pytest takes them. Of each, few and broad ones, since each has to pass
# without a fault first.
NULLS: Final = 'tests/test_cursor_pages.py -k "sqlite+pysqlite and (null or mixed)"'
NULLS_ON_POSTGRESQL: Final = 'tests/test_cursor_pages.py -k "asyncpg and (null or mixed)"'
NULLS_ON_MARIADB: Final = 'tests/test_key_types.py -k "pymysql and integer"'
JOINS: Final = 'tests/test_cursor_pages.py -k "sqlite+pysqlite and (join or eager)"'
FUNCTIONS: Final = 'tests/test_cursor_pages.py -k "asyncpg and (function or union)"'
FEW: Final = 'tests/test_cursor_pages.py -k "sqlite+pysqlite and (key or column or boolean)"'
CURSOR_ORDER: Final = 'tests/test_cursor_pages.py -k "itself or way_back"'
CURSOR_SQL: Final = "tests/test_cursor_plan.py"
OFFSET_SQL: Final = "tests/test_offset_plan.py"
OFFSETS: Final = 'tests/test_offset_pages.py -k "sqlite+pysqlite and (limit or union or two)"'
ON_MARIADB: Final = 'tests/test_offset_pages.py -k "pymysql and (distinct or aggregate or log)"'
COUNTS_OF_DISTINCT: Final = 'tests/test_counts.py -k "sqlite+pysqlite and distinct"'
COUNTS_OF_JOINS: Final = 'tests/test_counts.py -k "sqlite+pysqlite and left"'
COUNTS_OF_EAGER: Final = 'tests/test_counts.py -k "sqlite+pysqlite and (eager or collections)"'
COUNTS_OF_GROUPS: Final = 'tests/test_counts.py -k "sqlite+pysqlite and groups"'
COUNTS_OF_GROUPED: Final = 'tests/test_counts.py -k "sqlite+pysqlite and GROUP"'
COUNTS_OF_LIMITS: Final = 'tests/test_counts.py -k "sqlite+pysqlite and (limit or criteria)"'
COUNTS_ON_POSTGRESQL: Final = 'tests/test_counts.py -k "asyncpg and each"'
TOTALS: Final = 'tests/test_totals.py -k "not postgresql and not mariadb"'
TOTALS_ON_SERVERS: Final = 'tests/test_totals.py -k "postgresql or mariadb"'
TYPES: Final = 'tests/test_key_types.py -k "sqlite+pysqlite"'
TYPES_OF_POSTGRESQL: Final = (
    'tests/test_key_types.py -k "asyncpg and (date or interval or carry or invalid) or others"'
)
TYPES_OF_MARIADB: Final = (
    'tests/test_key_types.py -k "pymysql and (float or enum or time or carry)"'
)
TYPES_ON_PSYCOPG2: Final = 'tests/test_key_types.py -k "infinite_number or style"'
CODEC: Final = "tests/test_cursors.py"
PLANNING: Final = "tests/test_plans.py"
POLYMORPHIC: Final = 'tests/test_cursor_pages.py -k "sqlite+pysqlite and polymorphic"'
PAGES: Final = 'tests/test_paginate.py -k "sqlite+pysqlite"'
CURSOR_PAGES: Final = 'tests/test_cursor_paginate.py -k "sqlite+pysqlite"'
WALKS: Final = 'tests/test_walks.py -k "sqlite+pysqlite"'
RESPONSES: Final = 'tests/test_responses.py -k "plain_model"'
META: Final = "property_tests/test_page_meta.py -k cover"
HTTP: Final = 'tests/session/test_http.py -k "sqlite+pysqlite"'
FAILURES: Final = 'tests/session/test_failures.py -k "sqlite+pysqlite"'
FAILURES_ON_POSTGRESQL: Final = 'tests/session/test_failures.py -k "psycopg2"'
STREAMS: Final = 'tests/session/test_streams.py -k "sqlite+pysqlite"'
SOCKETS: Final = 'tests/session/test_websocket.py -k "sqlite+pysqlite"'
CANCELLED: Final = 'tests/session/test_cancellation.py -k "sqlite"'
HOPS: Final = 'tests/session/test_hops.py -k "sqlite"'
REGISTRY: Final = 'tests/session/test_registry.py -k "sqlite"'
CONFIG: Final = "tests/session/test_config.py -k 'not postgresql and not mariadb'"
DEPENDENCIES: Final = 'tests/session/test_dependencies.py -k "not postgresql and not mariadb"'
SAVEPOINTS: Final = 'tests/test_savepoints.py -k "sqlite"'
WRITING: Final = "tests/test_savepoints.py -k with_may_write"
PLUGIN: Final = 'tests/test_pytest_plugin.py -k "writes_nothing and sqlite or migration_leaves"'

SEEKING: Final = (
    Fault(
        "the row that a page ended with comes again on the next",
        "sqla_pages/keyset.py",
        "return left >= right if inclusive else left > right",
        "return left >= right",
        CURSOR_SQL,
    ),
    Fault(
        "the row that a page ended with comes again, in a descending order",
        "sqla_pages/keyset.py",
        "return left <= right if inclusive else left < right",
        "return left <= right",
        CURSOR_SQL,
    ),
    Fault(
        "a descending order is sought the other way",
        "sqla_pages/keyset.py",
        "    if run[0].key.descending:\n",
        "    if not run[0].key.descending:\n",
        NULLS,
    ),
    Fault(
        "rows whose key is NULL are lost behind those with a value",
        "sqla_pages/keyset.py",
        "        if bound.key.nullable and not bound.key.nulls_first:\n",
        "        if False:\n",
        NULLS,
    ),
    Fault(
        "rows with a value are lost behind those whose key is NULL",
        "sqla_pages/keyset.py",
        "        if first.key.nulls_first:\n",
        "        if False:\n",
        NULLS,
    ),
    Fault(
        "rows whose second key is NULL come for every first key",
        "sqla_pages/keyset.py",
        "ties = (earlier.equals for earlier in run[:place])",
        "ties = (earlier.equals for earlier in run[:0])",
        CURSOR_ORDER,
    ),
    Fault(
        "rows that tie with a NULL are not sought by the keys after it",
        "sqla_pages/keyset.py",
        "            yield and_(first.equals, rest)\n        if",
        "            yield first.equals\n        if",
        CURSOR_SQL,
    ),
    Fault(
        "going backward, NULLs stay at the end where they were",
        "sqla_pages/keyset.py",
        "return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)",
        "return replace(self, descending=not self.descending)",
        NULLS,
    ),
    Fault(
        "going backward, the order is still forward",
        "sqla_pages/keyset.py",
        "return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)",
        "return replace(self, nulls_first=not self.nulls_first)",
        NULLS,
    ),
    Fault(
        "keys of different directions are compared as one row",
        "sqla_pages/keyset.py",
        "is_alike = bound.key.descending == run[0].key.descending and bound.value is not None",
        "is_alike = bound.value is not None",
        NULLS,
    ),
    Fault(
        "rows are compared with a NULL among their keys",
        "sqla_pages/keyset.py",
        "is_alike = bound.key.descending == run[0].key.descending and bound.value is not None",
        "is_alike = bound.key.descending == run[0].key.descending",
        NULLS,
    ),
    Fault(
        "SQLite compares a row with its own key in it, which no index serves",
        "sqla_pages/keyset.py",
        " or not is_alike or bound.key.is_rowid:",
        " or not is_alike:",
        CURSOR_SQL,
    ),
    Fault(
        "NULLS FIRST and NULLS LAST are left to the database",
        "sqla_pages/keyset.py",
        "return not key.nullable or key.nulls_first == (traits.nulls_largest == key.descending)",
        "return True",
        NULLS,
    ),
    Fault(
        "MariaDB has NULLs last where they are asked for first",
        "sqla_pages/keyset.py",
        "(0, 1) if key.nulls_first else (1, 0)",
        "(1, 0) if key.nulls_first else (0, 1)",
        NULLS_ON_MARIADB,
    ),
    Fault(
        "MariaDB leaves out a range that is not behind yet",
        "sqla_pages/keyset.py",
        "return is_null == first.nulls_first and (value is None) != first.nulls_first",
        "return is_null == first.nulls_first",
        NULLS_ON_MARIADB,
    ),
    Fault(
        "MariaDB sorts all rows whose key is NULL for each page of them",
        "sqla_pages/keyset.py",
        "    return or_(condition, first.expression.op",
        "    return condition\n    return or_(condition, first.expression.op",
        CURSOR_SQL,
    ),
    Fault(
        "PostgreSQL takes a key for a constant and sorts all of its ties",
        "sqla_pages/keyset.py",
        'traits.equality_hides == "first" and place == 0 and not is_first',
        "False",
        CURSOR_SQL,
    ),
    Fault(
        "PostgreSQL takes any rows of each range, not the first of them",
        "sqla_pages/projection.py",
        "rows = rows.order_by(*inner_order_of(keys, self.traits)).limit(limit)",
        "rows = rows.limit(limit)",
        NULLS_ON_POSTGRESQL,
    ),
    Fault(
        "an entity that its rows repeat takes several places of a page",
        "sqla_pages/projection.py",
        'select(*self.source.c, *hidden).where(self.source.c["_n"] == _ONE)',
        "select(*self.source.c, *hidden)",
        JOINS,
    ),
    Fault(
        "an entity that its rows repeat stands where its last row would",
        "sqla_pages/projection.py",
        "order_by=order_of(keys, traits))",
        "order_by=order_of([key.flipped() for key in keys], traits))",
        CURSOR_ORDER,
    ),
    Fault(
        "what is already known to lie behind a cursor is asked for twice",
        "sqla_pages/cursor_plan.py",
        "    probe = probe and is_anchored\n",
        "    probe = is_anchored\n",
        WALKS,
    ),
)

ORDERS: Final = (
    Fault(
        "cursor pages have no tie-breaker",
        "sqla_pages/total_order.py",
        "return TotalOrder((*keys, *added), len(added), facts.identity.is_certain)",
        "return TotalOrder(keys, 0, facts.identity.is_certain)",
        FEW,
    ),
    Fault(
        "the tie-breaker sorts against the last key, so that no index serves both",
        "sqla_pages/total_order.py",
        "descending = bool(keys) and keys[-1].descending",
        "descending = False",
        CURSOR_SQL,
    ),
    Fault(
        "DISTINCT rows are sorted by what is not selected, and multiply",
        "sqla_pages/total_order.py",
        "    _refuse_unselected(statement, facts, (*keys, *added))\n",
        "",
        CURSOR_SQL,
    ),
    Fault(
        "an order by the time of day is taken, and rows vanish",
        "sqla_pages/total_order.py",
        "    if is_clock(key):\n",
        "    if False:\n",
        CURSOR_SQL,
    ),
    Fault(
        "an order by a random text is taken",
        "sqla_pages/ordering.py",
        "(name and name.lower() in _VOLATILE) or (text and _VOLATILE_CALL.search(text))",
        "name and name.lower() in _VOLATILE",
        OFFSET_SQL,
    ),
    Fault(
        "a name in ORDER BY means a column where a label hides it",
        "sqla_pages/ordering.py",
        "for columns in (labels, selected):",
        "for columns in ():",
        CURSOR_ORDER,
    ),
    Fault(
        "offset pages have no tie-breaker",
        "sqla_pages/offset_frame.py",
        "    ordered = filtered.order_by(*added) if added else filtered\n",
        "    ordered = filtered\n",
        OFFSET_SQL,
    ),
    Fault(
        "offset pages of rows without a key have no tie-breaker",
        "sqla_pages/content.py",
        "    return tuple(added)\n",
        "    return ()\n",
        OFFSET_SQL,
    ),
    Fault(
        "texts that differ in case alone change places from page to page",
        "sqla_pages/bytewise.py",
        "return isinstance(column.type, String) and not isinstance(column.type, Enum)",
        "return False",
        OFFSET_SQL,
    ),
    Fault(
        "MySQL sorts the bytes of a text by its collation again",
        "sqla_pages/bytewise.py",
        '"mysql": "CAST({} AS BINARY)"',
        '"mysql": "{}"',
        OFFSET_SQL,
    ),
    Fault(
        "a unique constraint on a nullable column is taken for a key",
        "sqla_pages/_sqla/sources.py",
        "if group and not any(column.nullable for column in group):",
        "if group:",
        CURSOR_SQL,
    ),
    Fault(
        "a column of an outer join is taken for NOT NULL, and rows without a match vanish",
        "sqla_pages/identity.py",
        "            if leaf.is_outer or is_rolled_up\n",
        "            if is_rolled_up\n",
        JOINS,
    ),
    Fault(
        "a LEFT JOIN on a part of a key is taken to find one row",
        "sqla_pages/identity.py",
        "is_found = all(hash(column) in lookup.found for column in key.columns)",
        "is_found = any(hash(column) in lookup.found for column in key.columns)",
        COUNTS_OF_JOINS,
    ),
    Fault(
        "what an outer join finds is taken to depend on nothing else in its condition",
        "sqla_pages/identity.py",
        "premise = frozenset(map(hash, lookup.others))",
        "premise = frozenset(map(hash, lookup.others[:1]))",
        CURSOR_SQL,
    ),
    Fault(
        "the rows of a UNION ALL are taken for unique",
        "sqla_pages/identity.py",
        "        if not _sqla.keeps_duplicates(compound):\n",
        "        if True:\n",
        'tests/test_cursor_pages.py -k "sqlite+pysqlite and refused"',
    ),
    Fault(
        "rows that a FULL JOIN leaves alone are taken for those whose keys are NULL",
        "sqla_pages/identity.py",
        "                    if not has_full_join or",
        "                    if True or",
        CURSOR_SQL,
    ),
    Fault(
        "coalesce() is taken to give no NULL, and rows without a value vanish",
        "sqla_pages/identity.py",
        "return all(map(is_nullable, arguments))",
        "return False",
        CURSOR_ORDER,
    ),
    Fault(
        "a constant within an outer join is taken for one of every row",
        "sqla_pages/relations.py",
        "            elif not is_outer:\n",
        "            else:\n",
        CURSOR_ORDER,
    ),
    Fault(
        "a filter within an outer join is taken to leave no NULLs",
        "sqla_pages/relations.py",
        "        if not is_outer:\n            found.not_null",
        "        if True:\n            found.not_null",
        CURSOR_ORDER,
    ),
    Fault(
        "a text compared to a number is taken for one text",
        "sqla_pages/relations.py",
        "return issubclass(kind, str) if isinstance(column.type, String) else kind is not NoneType",
        "return kind is not NoneType",
        CURSOR_SQL,
    ),
    Fault(
        "texts that are equal are taken for the same, though their case may differ",
        "sqla_pages/closure.py",
        'return isinstance(getattr(expression, "type", None), EXACT_TYPES)',
        "return True",
        CURSOR_SQL,
    ),
    Fault(
        "what a text finds by an outer join is taken for the same where the text only ties",
        "sqla_pages/closure.py",
        "(exact if r.needs_exact else known)",
        "known",
        CURSOR_SQL,
    ),
    Fault(
        "rows that a function repeats are paged though nothing tells them apart",
        "sqla_pages/cursor_plan.py",
        "    if not plan.frame.order.is_certain:\n",
        "    if False:\n",
        FUNCTIONS,
    ),
    Fault(
        "equal rows of a UNION ALL are one to a cursor",
        "sqla_pages/compounds.py",
        "    if _sqla.keeps_duplicates(statement):\n",
        "    if False:\n",
        OFFSETS.replace("test_offset_pages", "test_cursor_pages"),
    ),
    Fault(
        "the own LIMIT of a statement takes other rows for each page",
        "sqla_pages/frame.py",
        "inner.order_by(None).order_by(*order_of(keys, traits))",
        "inner.order_by(None)",
        OFFSETS.replace("test_offset_pages", "test_cursor_pages"),
    ),
    Fault(
        "DISTINCT ON takes other rows for each page",
        "sqla_pages/frame.py",
        "inner = inner.order_by(None).order_by(*_sqla.order_by_of(ordered_of(statement)))",
        "inner = inner.order_by(None)",
        'tests/test_cursor_pages.py -k "asyncpg and distinct"',
    ),
)

CURSOR_STEPS: Final = (
    Fault(
        "a full page is always the last one",
        "sqla_pages/cursor_plan.py",
        "step = plan.page(cursor, limit + 1, probe=probe)",
        "step = plan.page(cursor, limit, probe=probe)",
        CURSOR_PAGES,
    ),
    Fault(
        "the last page has a next one if it is full",
        "sqla_pages/cursor_plan.py",
        "    has_more = len(rows) > limit\n",
        "    has_more = len(rows) >= limit\n",
        CURSOR_PAGES,
    ),
    Fault(
        "a page shows the row that it read ahead",
        "sqla_pages/cursor_plan.py",
        "items = list(rows[:limit])\n    ends = {direction: len(items) - 1,",
        "items = list(rows)\n    ends = {direction: min(limit, len(items)) - 1,",
        CURSOR_PAGES,
    ),
    Fault(
        "there is a way back although all rows behind the page were deleted",
        "sqla_pages/cursor_plan.py",
        "has_behind = bool(probe and rows and hidden[0][-1] is not None)",
        "has_behind = probe",
        CURSOR_PAGES,
    ),
    Fault(
        "past the end of what has become empty, there is a way back",
        "sqla_pages/cursor_plan.py",
        "has_behind = result.scalar_one() is not None",
        "has_behind = True",
        CURSOR_PAGES,
    ),
    Fault(
        "past the end, there is no way back",
        "sqla_pages/cursor_plan.py",
        "    if not rows and probe and cursor is not None:\n",
        "    if False:\n",
        CURSOR_PAGES,
    ),
    Fault(
        "there is no way back if the row of the cursor is the only one behind",
        "sqla_pages/fragments.py",
        "ranges = ranges_after(behind, shape.anchor, traits, inclusive=True, united=can_unite)",
        "ranges = ranges_after(behind, shape.anchor, traits, united=can_unite)",
        CURSOR_ORDER,
    ),
    Fault(
        "a page that is reached backward comes in the opposite order",
        "sqla_pages/cursor_plan.py",
        '    if direction == "before":\n        items.reverse()\n',
        "",
        CURSOR_PAGES,
    ),
    Fault(
        "a page that is reached backward has the cursors of its other end",
        "sqla_pages/cursor_plan.py",
        "ends = {direction: len(items) - 1, OPPOSITE[direction]: 0}",
        'ends = {"after": len(items) - 1, "before": 0}',
        CURSOR_PAGES,
    ),
    Fault(
        "the next page begins after the first row of this one",
        "sqla_pages/cursor_plan.py",
        "ends = {direction: len(items) - 1, OPPOSITE[direction]: 0}",
        "ends = {direction: 0, OPPOSITE[direction]: 0}",
        CURSOR_PAGES,
    ),
    Fault(
        "a cursor of another ordering is taken",
        "sqla_pages/cursor_plan.py",
        "if cursor.fingerprint != self.fingerprint or not self.keys:",
        "if not self.keys:",
        CURSOR_PAGES,
    ),
    Fault(
        "a cursor of the opposite direction is taken",
        "sqla_pages/cursor_plan.py",
        "{values} {key.descending} {key.nulls_first}",
        "{values} {key.nulls_first}",
        CURSOR_PAGES,
    ),
    Fault(
        "a cursor of an order with NULLs at the other end is taken",
        "sqla_pages/cursor_plan.py",
        "{values} {key.descending} {key.nulls_first}",
        "{values} {key.descending}",
        CURSOR_SQL,
    ),
    Fault(
        "a cursor of an order with another parameter is taken",
        "sqla_pages/cursor_plan.py",
        "{places} {values} {key",
        "{places} {key",
        CURSOR_SQL,
    ),
    Fault(
        "a cursor of an order by another alias of the table is taken",
        "sqla_pages/cursor_plan.py",
        "{text} {places} {values}",
        "{text} {values}",
        CURSOR_SQL,
    ),
    Fault(
        "a cursor of another database is taken",
        "sqla_pages/cursor_plan.py",
        "parts = [dialect.name, *(",
        "parts = [*(",
        CURSOR_SQL,
    ),
    Fault(
        "a forged cursor with a NULL where there is none is taken",
        "sqla_pages/cursor_plan.py",
        "            if value is None and not key.nullable:\n"
        '                raise InvalidCursorError("malformed")\n',
        "",
        CURSOR_SQL,
    ),
    Fault(
        "a forged cursor with too few values is an error of the server",
        "sqla_pages/cursor_plan.py",
        "        if len(cursor.keyset) != len(self.keys):\n",
        "        if False:\n",
        CURSOR_PAGES,
    ),
    Fault(
        "what the database says to a forged value is an error of the server",
        "sqla_pages/cursor_plan.py",
        "        if not has_values or not _sqla.is_fault_of_values(error):\n            raise\n",
        "        raise\n",
        TYPES_OF_POSTGRESQL,
    ),
    Fault(
        "a NULL in a column that is declared NOT NULL is passed over, and rows vanish",
        "sqla_pages/cursor_plan.py",
        "        if value is None and not key.nullable:\n"
        "            raise SortKeyNotSeekableError(",
        "        if False:\n            raise SortKeyNotSeekableError(",
        CURSOR_SQL,
    ),
    Fault(
        "a cursor page says that there are fewer items than it shows",
        "sqla_pages/by_cursor.py",
        "total_items=max(total.rows, least)",
        "total_items=min(total.rows, least)",
        TOTALS,
    ),
    Fault(
        "a walk backward turns round",
        "sqla_pages/iterate.py",
        "following = meta.previous_cursor if self.is_backward else meta.next_cursor",
        "following = meta.next_cursor",
        WALKS,
    ),
    Fault(
        "the rows of a walk backward come forward within each batch",
        "sqla_pages/iterate.py",
        "        yield from reversed(items) if is_backward else items\n",
        "        yield from items\n",
        WALKS,
    ),
    Fault(
        "a walk begins at the start, whatever cursor it is given",
        "sqla_pages/iterate.py",
        "None if cursor is None else codec.decode(cursor)",
        "None",
        WALKS,
    ),
    Fault(
        "a walk reads every batch twice",
        "sqla_pages/iterate.py",
        "            page = walk.next_page(target, probe=probe, detach=is_opened)\n"
        "        yield page",
        "            page = walk.next_page(target, probe=probe, detach=is_opened)\n"
        "            walk.next_page(target, probe=probe, detach=is_opened)\n        yield page",
        WALKS,
    ),
    Fault(
        "a walk holds its connection between batches",
        "sqla_pages/iterate.py",
        "            page = walk.next_page(target, probe=probe, detach=is_opened)\n"
        "        yield page",
        "            page = walk.next_page(target, probe=probe, detach=is_opened)\n"
        "            yield page",
        WALKS,
    ),
    Fault(
        "a walk leaves its entities in a session that is closed",
        "sqla_pages/iterate.py",
        "        if detach and isinstance(session, Session):\n",
        "        if False:\n",
        WALKS,
    ),
)

CURSORS: Final = (
    Fault(
        "a cursor is given out that is too deep to be read again",
        "sqla_pages/scalars.py",
        "if depth == _MAX_DEPTH:",
        "if False:",
        CODEC,
    ),
    Fault(
        "a cursor is given out with a number too large to be read again",
        "sqla_pages/scalars.py",
        "if number.bit_length() > _MAX_BITS:",
        "if False:",
        CODEC,
    ),
    Fault(
        "a cursor has several spellings",
        "sqla_pages/cursor.py",
        "return cursor if to_json(content) == data else None",
        "return cursor",
        CODEC,
    ),
    Fault(
        "base64 of a cursor has several spellings",
        "sqla_pages/cursor.py",
        "if not text or text[-1] not in _LAST[len(text) % 4]:",
        "if not text or len(text) % 4 == 1:",
        CODEC,
    ),
    Fault(
        "the digest of a cursor is not checked: anyone can forge one",
        "sqla_pages/cursor.py",
        "if hmac.compare_digest(digest, _digest_of(hasher, data)):",
        "if hasher:",
        CODEC,
    ),
    Fault(
        "a cursor is signed without its secret",
        "sqla_pages/cursor.py",
        "hasher = blake2b(_VERSION, key=key, digest_size=_DIGEST_SIZE)",
        "hasher = blake2b(_VERSION, digest_size=_DIGEST_SIZE)",
        CODEC,
    ),
    Fault(
        "a cursor of another version is taken",
        "sqla_pages/cursor.py",
        "hasher = blake2b(_VERSION, key=key, digest_size=_DIGEST_SIZE)",
        'hasher = blake2b(b"", key=key, digest_size=_DIGEST_SIZE)',
        CODEC,
    ),
    Fault(
        "a cursor of another tenant is taken",
        "sqla_pages/cursor.py",
        '    hasher.update(len(scope).to_bytes(4, "big") + scope)\n',
        "",
        CODEC,
    ),
    Fault(
        "the scope of a cursor runs into its content",
        "sqla_pages/cursor.py",
        'hasher.update(len(scope).to_bytes(4, "big") + scope)',
        "hasher.update(scope)",
        CODEC,
    ),
    Fault(
        "cursors of an older secret are refused",
        "sqla_pages/cursor.py",
        "for hasher in self._hashers:",
        "for hasher in self._hashers[:1]:",
        CODEC,
    ),
    Fault(
        "cursors are signed with the oldest secret",
        "sqla_pages/cursor.py",
        "_text_of(_digest_of(self._hashers[0], data) + data)",
        "_text_of(_digest_of(self._hashers[-1], data) + data)",
        CODEC,
    ),
    Fault(
        "a secret of any length is taken",
        "sqla_pages/cursor.py",
        "if any(len(secret) < _MIN_SECRET_SIZE for secret in secrets):",
        "if not all(secrets):",
        CODEC,
    ),
    Fault(
        "the length of a cursor is checked after it is decoded",
        "sqla_pages/cursor.py",
        '        if len(text) > MAX_LENGTH:\n            raise InvalidCursorError("too_long")\n'
        "        signed = _bytes_of(text)\n",
        "        signed = _bytes_of(text)\n"
        '        if len(text) > MAX_LENGTH:\n            raise InvalidCursorError("too_long")\n',
        CODEC,
    ),
    Fault(
        "the longest cursor that is given out is refused",
        "sqla_pages/cursor.py",
        '        if len(text) > MAX_LENGTH:\n            raise InvalidCursorError("too_long")\n',
        '        if len(text) >= MAX_LENGTH:\n            raise InvalidCursorError("too_long")\n',
        CODEC,
    ),
    Fault(
        "cursors are given out that are too long to be taken again",
        "sqla_pages/cursor.py",
        "        if len(text) > MAX_LENGTH:\n            raise SortKeyNotSeekableError(",
        "        if False:\n            raise SortKeyNotSeekableError(",
        CODEC,
    ),
    Fault(
        "a deeply nested cursor is an error of the server",
        "sqla_pages/cursor.py",
        "LookupError, ArithmeticError, RecursionError):",
        "LookupError, ArithmeticError):",
        CODEC,
    ),
    Fault(
        "the values of a row show where a cursor is logged",
        "sqla_pages/cursor.py",
        "    keyset: tuple[Scalar, ...] | None = field(repr=False)\n",
        "    keyset: tuple[Scalar, ...] | None = field()\n",
        CODEC,
    ),
    Fault(
        "secrets show where a codec is logged",
        "sqla_pages/cursor.py",
        "secrets: Sequence[str] = field(default=(), repr=False)",
        "secrets: Sequence[str] = field(default=())",
        CODEC,
    ),
    Fault(
        "decimals lose digits in a cursor",
        "sqla_pages/scalars.py",
        '    Decimal: ("decimal", _text_of_decimal, _decimal_of),',
        '    Decimal: ("decimal", lambda value: str(float(value)), _decimal_of),',
        CODEC,
    ),
    Fault(
        "datetimes lose their microseconds in a cursor",
        "sqla_pages/scalars.py",
        '    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),\n',
        '    datetime: ("datetime", lambda value: value.isoformat(timespec="milliseconds"), '
        "datetime.fromisoformat),\n",
        CODEC,
    ),
    Fault(
        "datetimes lose their zone in a cursor",
        "sqla_pages/scalars.py",
        '    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),\n',
        '    datetime: ("datetime", lambda value: value.replace(tzinfo=None).isoformat(), '
        "datetime.fromisoformat),\n",
        CODEC,
    ),
    Fault(
        "datetimes lose their time in a cursor",
        "sqla_pages/scalars.py",
        '    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),\n'
        '    date: ("date", date.isoformat, date.fromisoformat),\n',
        '    date: ("date", lambda value: value.isoformat()[:10], date.fromisoformat),\n'
        '    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),\n',
        CODEC,
    ),
    Fault(
        "durations lose their microseconds in a cursor",
        "sqla_pages/scalars.py",
        "lambda value: str(value // _MICROSECOND),",
        "lambda value: str(int(value.total_seconds()) * 1_000_000),",
        CODEC,
    ),
    Fault(
        "a short cursor costs much memory: a number of a million digits",
        "sqla_pages/scalars.py",
        "(number.is_finite() and abs(number.adjusted()) > _MAX_EXPONENT)",
        "False",
        CODEC,
    ),
    Fault(
        "PostgreSQL's REAL is compared as another number than it is",
        "sqla_pages/carriers.py",
        "return Carrier(_NUMBERS, sent=_sent_double, bound=_bound_double)",
        "return Carrier(_NUMBERS)",
        TYPES_OF_POSTGRESQL,
    ),
    Fault(
        "MariaDB's FLOAT is sent with six digits",
        "sqla_pages/carriers.py",
        'return Carrier(_NUMBERS, sent=partial(_plus, "0e0"), read=_spelled_for_mysql)',
        "return Carrier(_NUMBERS, read=_spelled_for_mysql)",
        TYPES_OF_MARIADB,
    ),
    Fault(
        "MariaDB's ENUM is compared as a text, but sorted by number",
        "sqla_pages/carriers.py",
        "    if _is_stored(key):\n",
        "    if False:\n",
        TYPES_OF_MARIADB,
    ),
    Fault(
        "MariaDB's negative times are sent as positive ones",
        "sqla_pages/carriers.py",
        'sign = "-" if value < timedelta(0) else ""',
        'sign = ""',
        TYPES_OF_MARIADB,
    ),
    Fault(
        "MariaDB sorts long texts by their beginning, and rows vanish",
        "sqla_pages/carriers.py",
        "if value is not None and len(value) > _MAX_SORT_LENGTH:",
        "if False:",
        TYPES_OF_MARIADB,
    ),
    Fault(
        "PostgreSQL's infinite number is taken for NaN",
        "sqla_pages/carriers.py",
        "return str(value) if is_infinite else value",
        "return value",
        TYPES_ON_PSYCOPG2,
    ),
    Fault(
        "PostgreSQL's datetimes are read by the session's DateStyle",
        "sqla_pages/carriers.py",
        "            return text(sent=_sent_iso)\n",
        "            return text(sent=_sent_text)\n",
        TYPES_ON_PSYCOPG2,
    ),
    Fault(
        "PostgreSQL's zoned datetimes lose their zone where an expression gives them",
        "sqla_pages/carriers.py",
        '{"zoned": DateTime(timezone=True), "local": DateTime()}',
        '{"zoned": DateTime(), "local": DateTime()}',
        TYPES_OF_POSTGRESQL,
    ),
    Fault(
        "a forged truth is taken for a number",
        "sqla_pages/carriers.py",
        "is_misplaced = bool not in self.accepts",
        "is_misplaced = False",
        TYPES_OF_POSTGRESQL,
    ),
    Fault(
        "a condition that is NULL is taken for false, and rows move",
        "sqla_pages/carriers.py",
        "return case((key, _sqla.number(1)), (not_(key), _sqla.number(0)))",
        "return case((key, _sqla.number(1)), else_=_sqla.number(0))",
        CURSOR_ORDER,
    ),
)

COUNTING: Final = (
    Fault(
        "the count keeps duplicates",
        "sqla_pages/rewrites.py",
        "return every if facts.covers(selected) else None",
        "return every",
        COUNTS_OF_DISTINCT,
    ),
    Fault(
        "the count leaves out the order that decides which rows tie",
        "sqla_pages/rewrites.py",
        "if not order or _sqla.has_ties(rows) or is_one_row_by_order(rows):",
        "if not order or is_one_row_by_order(rows):",
        OFFSET_SQL,
    ),
    Fault(
        "the count leaves out an aggregate in the order, which makes one row of all",
        "sqla_pages/rewrites.py",
        "if not order or _sqla.has_ties(rows) or is_one_row_by_order(rows):",
        "if not order or _sqla.has_ties(rows):",
        OFFSET_SQL,
    ),
    Fault(
        "the count leaves out a function that returns several rows each",
        "sqla_pages/rewrites.py",
        "        and all(map(is_one_value, _sqla.flat(_sqla.raw_columns_of(rows))))\n",
        "",
        COUNTS_ON_POSTGRESQL,
    ),
    Fault(
        "the count does not honour the statement's own LIMIT",
        "sqla_pages/rewrites.py",
        "        not _sqla.is_limited(rows)\n        and",
        "        True\n        and",
        COUNTS_OF_LIMITS,
    ),
    Fault(
        "the count gives one number for each group",
        "sqla_pages/rewrites.py",
        "        and not _sqla.group_by_of(rows)\n        and not _sqla.having_of",
        "        and not _sqla.having_of",
        COUNTS_OF_GROUPED,
    ),
    Fault(
        "the count leaves out what HAVING asks for",
        "sqla_pages/rewrites.py",
        "    if any(_may_name(part) for part in _parts_of_all(_sqla.having_of(rows))):\n",
        "    if False:\n",
        COUNTS_OF_GROUPS,
    ),
    Fault(
        "the count leaves out joins whose rows an aggregate counts",
        "sqla_pages/rewrites.py",
        "is_merged = (_sqla.is_distinct(rows) or bool(groups)) and not is_counted",
        "is_merged = _sqla.is_distinct(rows) or bool(groups)",
        COUNTS_OF_DISTINCT,
    ),
    Fault(
        "the count leaves out a LEFT JOIN to many",
        "sqla_pages/outer_joins.py",
        "is_needed = keeps_duplicates and not facts.finds_one(leaf)",
        "is_needed = False",
        COUNTS_OF_JOINS,
    ),
    Fault(
        "the count leaves out a LEFT JOIN that a filter speaks of",
        "sqla_pages/outer_joins.py",
        "return not any(_speaks_of(clause, leaf) for clause in (*used, *others))",
        "return not any(_speaks_of(clause, leaf) for clause in others)",
        COUNTS_OF_JOINS,
    ),
    Fault(
        "the count leaves out a join that a text speaks of",
        "sqla_pages/outer_joins.py",
        "hash(part) in own or (_sqla.is_textual(part) and _sqla.ordinal_of(part) is None)",
        "hash(part) in own",
        COUNTS_OF_JOINS,
    ),
    Fault(
        "the count of a subquery loses the criteria of its entities",
        "sqla_pages/counts.py",
        "        outer = outer.options(*_sqla.criteria_of(self.rows))\n",
        "",
        COUNTS_OF_LIMITS,
    ),
    Fault(
        "loader criteria are dropped with the loader options",
        "sqla_pages/_sqla/statements.py",
        "    bare._with_options = criteria_of(statement)\n",
        "    bare._with_options = ()\n",
        COUNTS_OF_LIMITS,
    ),
    Fault(
        "an entity is counted once for each of its children",
        "sqla_pages/counts.py",
        "    if not loading.repeats:\n",
        "    if True:\n",
        COUNTS_OF_EAGER,
    ),
    Fault(
        "entities are counted that an inner eager load leaves out",
        "sqla_pages/repeats.py",
        "    return statement.where(*loading.filters)\n",
        "    return statement\n",
        COUNTS_OF_EAGER,
    ),
    Fault(
        "the capped count replaces the statement's own LIMIT",
        "sqla_pages/counts.py",
        "if _sqla.is_limited(rows) or not isinstance(rows, Select):",
        "if not isinstance(rows, Select):",
        COUNTS_OF_LIMITS,
    ),
    Fault(
        "the count stops at the cap, and says that it is all",
        "sqla_pages/totals.py",
        "count.up_to(self.at_most + 1)",
        "count.up_to(self.at_most)",
        TOTALS,
    ),
    Fault(
        "a collection as large as the cap is not counted exactly",
        "sqla_pages/totals.py",
        "is_exact=found <= self.at_most",
        "is_exact=found < self.at_most",
        TOTALS,
    ),
    Fault(
        "a capped count is given that exceeds its cap",
        "sqla_pages/totals.py",
        "return Total(min(found, self.at_most), is_exact=",
        "return Total(found, is_exact=",
        TOTALS,
    ),
    Fault(
        "as many rows as the threshold are said to be all, though there are more",
        "sqla_pages/totals.py",
        "            if found < self.exact_below:\n",
        "            if found <= self.exact_below:\n",
        TOTALS,
    ),
    Fault(
        "small numbers are estimated",
        "sqla_pages/totals.py",
        "        if max(expected, at_least) < self.exact_below:\n",
        "        if False:\n",
        TOTALS_ON_SERVERS,
    ),
    Fault(
        "an estimate is said to be exact",
        "sqla_pages/totals.py",
        "return Total(max(expected, at_least, self.exact_below), is_exact=False)",
        "return Total(max(expected, at_least, self.exact_below))",
        TOTALS_ON_SERVERS,
    ),
    Fault(
        "an estimate takes no account of what a filter leaves",
        "sqla_pages/estimate.py",
        'float(rows) * float(table.get("filtered", 100)) / 100',
        "float(rows)",
        TOTALS,
    ),
    Fault(
        "a full page is taken for the last one, and the total for its end",
        "sqla_pages/totals.py",
        "is_end = self.has_next is False or self.rows < self.limit",
        "is_end = self.has_next is False or self.rows <= self.limit",
        PAGES,
    ),
    Fault(
        "past the end, the total is zero",
        "sqla_pages/totals.py",
        "return Total(self.at_least) if is_end and (self.rows or self.offset == 0) else None",
        "return Total(self.at_least) if is_end else None",
        PAGES,
    ),
    Fault(
        "a page that proves its total is counted still",
        "sqla_pages/offset_steps.py",
        "        found = seen.total\n",
        "        pass\n",
        PAGES,
    ),
    Fault(
        "the last of the uncounted pages has a next one",
        "sqla_pages/offset_steps.py",
        "has_next = len(items) > limit if plan",
        "has_next = len(items) >= limit if plan",
        TOTALS,
    ),
    Fault(
        "an uncounted page shows the row that it read ahead",
        "sqla_pages/offset_steps.py",
        "    items = items[:limit]\n",
        "",
        TOTALS,
    ),
    Fault(
        "the total is smaller than the page shows, as others have deleted rows meanwhile",
        "sqla_pages/offset_steps.py",
        "    found = Total(max(found.rows, seen.at_least), found.is_exact)\n",
        "",
        TOTALS,
    ),
    Fault(
        "a total that an application gives too low is believed",
        "sqla_pages/offset_steps.py",
        "    if total >= seen.at_least:\n",
        "    if True:\n",
        TOTALS,
    ),
    Fault(
        "a page past the end has a row of nothing, where page and total are one statement",
        "sqla_pages/offset_steps.py",
        "return () if is_empty else items, Total(int(hidden[0][1]))",
        "return items, Total(int(hidden[0][1]))",
        TOTALS,
    ),
)

OFFSETTING: Final = (
    Fault(
        "the last page is missing in the number of pages",
        "sqla_pages/models.py",
        "total_pages=-(-total_items // limit),",
        "total_pages=total_items // limit,",
        META,
    ),
    Fault(
        "pages are numbered wrongly between two pages",
        "sqla_pages/models.py",
        "page_number=offset // limit + 1,",
        "page_number=-(-offset // limit) + 1,",
        META,
    ),
    Fault(
        "uncounted pages are numbered from zero on",
        "sqla_pages/totals.py",
        "page_number=seen.offset // seen.limit + 1,",
        "page_number=seen.offset // seen.limit or 1,",
        TOTALS,
    ),
    Fault(
        "the statement's own OFFSET is lost",
        "sqla_pages/offset_frame.py",
        "return self.own_offset + offset, limit",
        "return offset, limit",
        OFFSETS,
    ),
    Fault(
        "SQL Server has nothing to sort by beside an OFFSET",
        "sqla_pages/unordered.py",
        'if compiler.dialect.name == "mssql":',
        "if False:",
        OFFSET_SQL,
    ),
    Fault(
        "a name stands where SQL Server cannot have one",
        "sqla_pages/offset_frame.py",
        "with_names_resolved(self.ordered).limit",
        "self.ordered.limit",
        OFFSET_SQL,
    ),
    Fault(
        "pages go on behind the statement's own LIMIT",
        "sqla_pages/offset_frame.py",
        "limit = min(limit, self.own_limit - offset)",
        "limit = min(limit, self.own_limit)",
        OFFSETS,
    ),
    Fault(
        "MariaDB repeats a constant that is DISTINCT on every page",
        "sqla_pages/offset_frame.py",
        "if offset > 0 and self.is_one_row:",
        "if False:",
        ON_MARIADB,
    ),
    Fault(
        "an offset that no database takes is an error of the server",
        "sqla_pages/offset_plan.py",
        "if not 0 <= self.offset <= MAX_OFFSET:",
        "if self.offset < 0:",
        OFFSET_SQL,
    ),
    Fault(
        "the rows of a deep page are in no order",
        "sqla_pages/deep.py",
        "return self.ordered.where(and_(*own))",
        "return self.ordered.order_by(None).where(and_(*own))",
        OFFSET_SQL,
    ),
    Fault(
        "a deep page is found by other keys than it is sorted by",
        "sqla_pages/deep.py",
        "return keys.order_by(*order).limit(limit).offset(offset).subquery()",
        "return keys.order_by(*order[:1]).limit(limit).offset(offset).subquery()",
        COUNTS_OF_LIMITS,
    ),
    Fault(
        "a page that is found from the end is one from the beginning",
        "sqla_pages/deep.py",
        "self._keys(limit, behind, flipped=True)",
        "self._keys(limit, behind, flipped=False)",
        TOTALS,
    ),
    Fault(
        "a page that is found from the end is one row off",
        "sqla_pages/offset_frame.py",
        "behind = counted.rows - offset - limit\n",
        "behind = counted.rows - offset - limit + 1\n",
        TOTALS,
    ),
    Fault(
        "the last page, found from the end, has rows of the page before",
        "sqla_pages/offset_plan.py",
        "limit = min(self.request.limit, counted.rows - offset)\n",
        "limit = self.request.limit\n",
        TOTALS,
    ),
    Fault(
        "going from the end, NULLs stay at the end where they were",
        "sqla_pages/ordering.py",
        "return clause.nulls_first() if self.nulls_first != flipped else clause.nulls_last()",
        "return clause.nulls_first() if self.nulls_first else clause.nulls_last()",
        'tests/test_counts.py -k "sqlite+pysqlite and (null or mixed)"',
    ),
    Fault(
        "rows that came after the count move a page that is found from the end",
        "sqla_pages/offset_steps.py",
        "        if items and int(hidden[0][0]) == counted.rows:\n",
        "        if items:\n",
        TOTALS,
    ),
    Fault(
        "PostgreSQL believes a count though others have written since",
        "sqla_pages/deep.py",
        "known = seen == bindparam(SEEN, type_=String())",
        "known = seen == seen",
        TOTALS_ON_SERVERS,
    ),
    Fault(
        "a MariaDB that is called MySQL is asked for what only MySQL has",
        "sqla_pages/snapshots.py",
        'is_mariadb = getattr(compiler.dialect, "is_mariadb", False)',
        "is_mariadb = False",
        "tests/test_totals.py -k called_mysql",
    ),
    Fault(
        "a count with its snapshot cannot be printed",
        "sqla_pages/snapshots.py",
        'return _SNAPSHOT.get("mariadb" if is_mariadb else compiler.dialect.name, "snapshot()")',
        'return _SNAPSHOT["mariadb" if is_mariadb else compiler.dialect.name]',
        "tests/test_totals.py -k printed",
    ),
    Fault(
        "a parameter in an option takes the value of the page's",
        "sqla_pages/_sqla/structure.py",
        "(*iterate(statement), *(() if key is None else key.bindparams))",
        "iterate(statement)",
        "tests/test_plans.py -k named_as",
    ),
    Fault(
        "MariaDB compares a UUID with a number, and the server fails",
        "sqla_pages/_sqla/execution.py",
        "_OF_MARIADB: Final = (1300, 4078)",
        "_OF_MARIADB: Final = (1300,)",
        "tests/test_key_types.py -k uuid_of_unknown",
    ),
    Fault(
        "MariaDB's snapshot is believed of tables that have none",
        "sqla_pages/snapshots.py",
        'return bool(engines) and set(engines) == {"innodb"}',
        "return bool(engines)",
        "tests/test_totals.py -k snapshot",
    ),
    Fault(
        "rows without a match of an outer join are lost on deep pages",
        "sqla_pages/deep.py",
        "if facts.has_full_join or any(map(facts.is_nullable, identity)):",
        "if facts.has_full_join:",
        COUNTS_OF_JOINS,
    ),
    Fault(
        "a random filter is asked twice on deep pages, and rows vanish",
        "sqla_pages/deep.py",
        "    if any(map(has_unknown_function, (*filters, *facts.leaves))):\n",
        "    if False:\n",
        TOTALS,
    ),
    Fault(
        "a deferred join is made for rows that the keys hold already",
        "sqla_pages/deep.py",
        "return any(hash(_sqla.bare_of(column)) not in known for column in selected)",
        "return True",
        TOTALS,
    ),
)

LOADING: Final = (
    Fault(
        "loader options are dropped where a page is a subquery",
        "sqla_pages/loading.py",
        "        return outer.options(*_sqla.options_of(self.statement))\n",
        "        return outer\n",
        NULLS,
    ),
    Fault(
        "an entity with a collection comes once for each child",
        "sqla_pages/plan.py",
        "    if _sqla.is_unique_demanded(result):\n        result = result.unique()\n"
        "    if scalars:",
        "    if scalars:",
        JOINS,
    ),
    Fault(
        "hidden keys show in the mappings of a cursor page",
        "sqla_pages/plan.py",
        "number = len(rows[0]) - hidden if rows else 0",
        "number = len(rows[0]) if rows else 0",
        FEW,
    ),
    Fault(
        "items are the last of the columns that are selected",
        "sqla_pages/plan.py",
        "return [row[0] for row in rows], Hidden",
        "return [row[-1] for row in rows], Hidden",
        FEW,
    ),
    Fault(
        "a statement that writes is run again for every page",
        "sqla_pages/plans.py",
        "        refuse_writes(statement)\n        refuse_own_names",
        "        refuse_own_names",
        PLANNING,
    ),
    Fault(
        "a legacy Query of several columns gives the first of them alone",
        "sqla_pages/plan.py",
        "return isinstance(pageable, Query) and len(pageable.column_descriptions) > 1",
        "return False",
        "tests/test_sessions.py",
    ),
    Fault(
        "each page adds an entry to SQLAlchemy's cache of statements",
        "sqla_pages/fragments.py",
        "label(SENT.format(place)) for place",
        'label(f"{SENT}{id(ranges)}".format(place)) for place',
        CURSOR_SQL,
    ),
)

SERVING: Final = (
    Fault(
        "a client may ask for pages of any size",
        "sqla_pages/fastapi.py",
        "QueryParameter(ge=1, le=largest, description",
        "QueryParameter(ge=1, description",
        PAGES,
    ),
    Fault(
        "a page of no items is asked for without a complaint",
        "sqla_pages/fastapi.py",
        "QueryParameter(ge=1, le=largest, description",
        "QueryParameter(ge=0, le=largest, description",
        PAGES,
    ),
    Fault(
        "a bad cursor is answered 422",
        "sqla_pages/fastapi.py",
        "raise HTTPException(error.status_hint, [detail])",
        "raise HTTPException(422, [detail])",
        CURSOR_PAGES,
    ),
    Fault(
        "a bad cursor is an error of the server",
        "sqla_pages/fastapi.py",
        "    except InvalidCursorError as error:\n",
        "    except KeyError as error:\n",
        CURSOR_PAGES,
    ),
    Fault(
        "the largest offset that is allowed is refused",
        "sqla_pages/fastapi.py",
        "        if offset > max_offset:\n",
        "        if offset >= max_offset:\n",
        TOTALS,
    ),
    Fault(
        "max_offset is ignored",
        "sqla_pages/fastapi.py",
        "        if offset > max_offset:\n",
        "        if False:\n",
        TOTALS,
    ),
    Fault(
        "an offset that no database takes is an error of the server, over HTTP",
        "sqla_pages/fastapi.py",
        "QueryParameter(ge=0, le=MAX_OFFSET, description=description)",
        "QueryParameter(ge=0, description=description)",
        PAGES,
    ),
    Fault(
        "offset pages come from the default session, whatever key is given",
        "sqla_pages/fastapi.py",
        "Depends(SessionDependency(session_key))],\n        total",
        "Depends(SessionDependency())],\n        total",
        DEPENDENCIES,
    ),
    Fault(
        "cursor pages come from the default session, whatever key is given",
        "sqla_pages/fastapi.py",
        "Depends(SessionDependency(session_key))],\n        codec",
        "Depends(SessionDependency())],\n        codec",
        DEPENDENCIES,
    ),
    Fault(
        "asyncio pages come from the default session, whatever key is given",
        "sqla_pages/fastapi.py",
        "Depends(AsyncSessionDependency(session_key))],\n        total",
        "Depends(AsyncSessionDependency())],\n        total",
        DEPENDENCIES,
    ),
    Fault(
        "the total of an application's own is ignored",
        "sqla_pages/fastapi.py",
        "return offset_page_on(session, statement, request, scalars, count, deep, total)",
        "return offset_page_on(session, statement, request, scalars, count, deep)",
        PAGES,
    ),
    Fault(
        "the codec of an endpoint is ignored: its cursors are not signed",
        "sqla_pages/fastapi.py",
        "return cursor_page_on(session, statement, cursor, limit, codec, scalars, count)",
        "return cursor_page_on(session, statement, cursor, limit, UNSIGNED, scalars, count)",
        CURSOR_PAGES,
    ),
    Fault(
        "the policy of an endpoint is ignored: all rows are counted",
        "sqla_pages/fastapi.py",
        "return offset_page_on(session, statement, request, scalars, count, deep, total)",
        "return offset_page_on(session, statement, request, scalars, EXACT, deep, total)",
        TOTALS,
    ),
)

SESSIONS: Final = (
    Fault(
        "the commit comes after the response: what is acknowledged may be lost",
        "sqla_session/middleware.py",
        '            if message["status"] < 400:\n                await self._commit()\n'
        "            else:\n                await self._sessions.rollback()\n"
        "        await self._send(message)\n",
        '            await self._send(message)\n            if message["status"] < 400:\n'
        "                await self._commit()\n            else:\n"
        "                await self._sessions.rollback()\n            return\n"
        "        await self._send(message)\n",
        HTTP,
    ),
    Fault(
        "a status of 400 commits",
        "sqla_session/middleware.py",
        'if message["status"] < 400:',
        'if message["status"] <= 400:',
        HTTP,
    ),
    Fault(
        "a redirect rolls back",
        "sqla_session/middleware.py",
        'if message["status"] < 400:',
        'if message["status"] < 300:',
        HTTP,
    ),
    Fault(
        "what a request wrote before it raised is committed",
        "sqla_session/middleware.py",
        "            if not response.is_replaced:\n                raise",
        "            await sessions.commit()\n            if not response.is_replaced:\n"
        "                raise",
        HTTP,
    ),
    Fault(
        "an exception does not reach the middlewares outside",
        "sqla_session/middleware.py",
        "            if not response.is_replaced:\n                raise",
        "            if response.is_replaced:\n                raise",
        HTTP,
    ),
    Fault(
        "sessions are not closed: each request keeps a connection",
        "sqla_session/middleware.py",
        "            if sessions.sessions:\n                await sessions.close()",
        "            pass",
        'tests/session/test_http.py -k "reaches_the_outer and pysqlite"',
    ),
    Fault(
        "a failing commit is answered with success",
        "sqla_session/middleware.py",
        "            self.is_replaced = True\n            _log_failed_commit(error)\n",
        "            _log_failed_commit(error)\n            return\n",
        FAILURES,
    ),
    Fault(
        "background tasks run after a failed commit",
        "sqla_session/middleware.py",
        "            raise _ResponseReplacedError from error\n",
        "            return\n",
        FAILURES,
    ),
    Fault(
        "the log of a failed commit shows values of the row",
        "sqla_session/middleware.py",
        '%s\\n%s", name_of(error), frames)',
        '%s\\n%s", error, frames)',
        FAILURES_ON_POSTGRESQL,
    ),
    Fault(
        "a session is made for every request",
        "sqla_session/middleware.py",
        "        response = _Response(sessions, send)\n",
        "        response = _Response(sessions, send)\n"
        "        sessions.session('default').begin()\n",
        HOPS,
    ),
    Fault(
        "a WebSocket's handler that raises commits, where the exception only closes it",
        "sqla_session/dependencies.py",
        '    if connection.scope["type"] == "websocket":\n',
        "    if False:\n",
        SOCKETS,
    ),
    Fault(
        "a WebSocket's handler that returns commits nothing",
        "sqla_session/middleware.py",
        "                await self._app(scope, receive, send)\n"
        "                await sessions.commit()\n",
        "                await self._app(scope, receive, send)\n",
        SOCKETS,
    ),
    Fault(
        "one key is committed though the other's flush fails",
        "sqla_session/scope.py",
        "await self._each(*([_flush] if len(self.sessions) > 1 else []), _commit)",
        "await self._each(_commit)",
        FAILURES_ON_POSTGRESQL,
    ),
    Fault(
        "one key alone is committed",
        "sqla_session/scope.py",
        "used = [session for session in self.sessions.values() if _is_used(_sync(session))]",
        "used = [session for session in self.sessions.values() if _is_used(_sync(session))][:1]",
        FAILURES_ON_POSTGRESQL,
    ),
    Fault(
        "what a stream writes after the response began is committed silently",
        "sqla_session/scope.py",
        "                await self._each(_close)\n",
        "                await self._each(_commit)\n",
        STREAMS,
    ),
    Fault(
        "what a stream writes after the response began is lost without a warning",
        "sqla_session/scope.py",
        "            if self._ended and self._has_changes(_sync(session)):\n",
        "            if False:\n",
        STREAMS,
    ),
    Fault(
        "a stream that only reads is warned of",
        "sqla_session/scope.py",
        "        if may_write(statement) and not commits_by_itself(connection):\n",
        "        if True:\n",
        STREAMS,
    ),
    Fault(
        "a session that outlives its request keeps a connection",
        "sqla_session/scope.py",
        "        if self._closed:\n",
        "        if False:\n",
        DEPENDENCIES,
    ),
    Fault(
        "a request has several sessions of one key, if it is spelled in another case",
        "sqla_session/scope.py",
        "        slot = normal_key(key), False\n",
        "        slot = key, False\n",
        DEPENDENCIES,
    ),
    Fault(
        "a response has the default of a column that is yet to load",
        "sqla_pages/responses.py",
        "if not field.is_missed or len(field.names) > 1:\n",
        "if len(field.names) > 1:\n",
        RESPONSES,
    ),
    Fault(
        "a response lacks what a class computes",
        "sqla_pages/responses.py",
        'elif hasattr(kind, name) or hasattr(kind, "__getattr__"):\n                return None\n',
        "else:\n                continue\n",
        RESPONSES,
    ),
    Fault(
        "a validator of a whole model sees a dictionary for an entity",
        "sqla_pages/responses.py",
        '"definition-ref", "function-after", "model"})',
        '"definition-ref", "function-after", "model", "function-before", "function-wrap"})',
        RESPONSES,
    ),
    Fault(
        "a refused response shows a dictionary for an entity",
        "sqla_pages/responses.py",
        "            # Something is missing, or wrong; an error tells what it was given.\n"
        "            return validate(items)\n",
        "            raise\n",
        RESPONSES,
    ),
    Fault(
        "a read of an unloaded column flushes under the others of its page",
        "sqla_pages/responses.py",
        "            first.columns(entities[0].__dict__)\n",
        "",
        RESPONSES,
    ),
    Fault(
        "what is written in autocommit is said to be rolled back",
        "sqla_session/scope.py",
        "        if may_write(statement) and not commits_by_itself(connection):\n",
        "        if may_write(statement):\n",
        'tests/session/test_autocommit.py -k "sqlite and late"',
    ),
    Fault(
        "each use of a session in a request makes a new one",
        "sqla_session/scope.py",
        "            session = self.sessions[slot] = self._source.session(key)\n",
        "            session = self._source.session(key)\n            return session\n",
        DEPENDENCIES,
    ),
    Fault(
        "a client that leaves interrupts a commit halfway",
        "sqla_session/scope.py",
        "        await to_the_end(run_all())\n",
        "        await run_all()\n",
        "tests/session/test_cancellation.py -k cancel_scope",
    ),
    Fault(
        "a client that leaves twice interrupts a commit halfway",
        "sqla_session/scope.py",
        "        await to_the_end(run_all())\n",
        "        with anyio.CancelScope(shield=True):\n            await run_all()\n",
        'tests/session/test_cancellation.py -k "by_task and in_its_commit"',
    ),
    Fault(
        "a session that is not used costs a hop to a thread",
        "sqla_session/scope.py",
        "used = [session for session in self.sessions.values() if _is_used(_sync(session))]",
        "used = list(self.sessions.values())",
        HOPS,
    ),
    Fault(
        "an INSERT within a WITH is taken for reading",
        "sqla_session/statements.py",
        r"(?!.*\b(insert|update|delete|merge)\b))\b",
        r")\b",
        WRITING,
    ),
    Fault(
        "a keyed session is one of the default key",
        "sqla_session/registry.py",
        "source = self._sources.get(normal_key(key))",
        "source = self._sources.get(normal_key(key)) and self._sources.get(DEFAULT_KEY)",
        DEPENDENCIES,
    ),
    Fault(
        "a session outside of a request commits what was done before an exception",
        "sqla_session/registry.py",
        "            yield session\n            session.commit()",
        "            try:\n                yield session\n            finally:\n"
        "                session.commit()",
        REGISTRY,
    ),
    Fault(
        "a session outside of a request commits nothing",
        "sqla_session/registry.py",
        "            yield session\n            session.commit()",
        "            yield session",
        REGISTRY,
    ),
    Fault(
        "an asyncio session loses its objects at the commit",
        "sqla_session/sessions.py",
        "        expire_on_commit=False,\n",
        "",
        REGISTRY,
    ),
    Fault(
        "shutdown leaves connections open",
        "sqla_session/engines.py",
        "        await to_thread.run_sync(bind.dispose)\n",
        "        pass\n",
        REGISTRY,
    ),
    Fault(
        "a failed startup leaves the engines of the keys before",
        "sqla_session/registry.py",
        "                for source in sources.values():\n"
        "                    await dispose(source.bind)\n            raise",
        "                pass\n            raise",
        "tests/session/test_registry.py -k failed_startup",
    ),
    Fault(
        "a failed reflection leaves the engines",
        "sqla_session/registry.py",
        "            if is_first:\n                await self.shutdown()\n",
        "            pass\n",
        REGISTRY,
    ),
    Fault(
        "starting up again replaces the engines, and leaks the first",
        "sqla_session/registry.py",
        "        elif is_first:\n",
        "        else:\n",
        REGISTRY,
    ),
    Fault(
        "setup() drops the lifespan of the application",
        "sqla_session/application.py",
        "        async with registry.lifespan(), own_lifespan(started_app) as state:\n"
        "            yield state\n",
        "        async with registry.lifespan():\n            yield own_lifespan and None\n",
        REGISTRY,
    ),
    Fault(
        "PostgreSQL undoes work after a failure that was caught, and success is answered",
        "sqla_session/failures.py",
        '        event.listen(connection, "commit", _try)\n',
        "        pass\n",
        FAILURES_ON_POSTGRESQL,
    ),
    Fault(
        "a failed commit leaves its transaction open, and the next request finds it",
        "sqla_session/failures.py",
        "    if context.statement is None:\n        _undo(connection)\n",
        "    if context.statement is None:\n        pass\n",
        FAILURES,
    ),
    Fault(
        "one key is committed though a failure of the other's was caught",
        "sqla_session/scope.py",
        "        failures.check(session.connection())\n",
        "        pass\n",
        FAILURES_ON_POSTGRESQL,
    ),
    Fault(
        "SQLite in memory is another database in each thread",
        "sqla_session/engines.py",
        "    if not is_in_memory:\n",
        "    if True:\n",
        DEPENDENCIES,
    ),
    Fault(
        "the error of a failed startup shows the password",
        "sqla_session/engines.py",
        '        words = words.replace(secret, "***")\n',
        "        pass\n",
        CONFIG,
    ),
    Fault(
        "the error of a failed startup shows a part of a password with an @ in it",
        "sqla_session/config.py",
        '    if url.host and (is_ambiguous or "@" in url.host):\n',
        "    if False:\n",
        "tests/session/test_config.py -k part_of_a_password",
    ),
    Fault(
        "a bad value of a setting is shown in the error",
        "sqla_session/config.py",
        '                f"session key {key!r}: the value of {variable} cannot be read"\n',
        '                f"session key {key!r}: {value} of {variable} cannot be read"\n',
        CONFIG,
    ),
    Fault(
        "settings stay texts: a pool of '5'",
        "sqla_session/config.py",
        "arguments[argument] = coerce(value) if coerce else value",
        "arguments[argument] = value",
        CONFIG,
    ),
    Fault(
        "pool_pre_ping=false is true",
        "sqla_session/config.py",
        '        "pool_pre_ping": asbool,\n',
        "",
        CONFIG,
    ),
    Fault(
        "parameters show in errors and logs unless they are hidden",
        "sqla_session/config.py",
        'arguments: dict[str, Any] = {"hide_parameters": True}',
        "arguments: dict[str, Any] = {}",
        CONFIG,
    ),
    Fault(
        "variables in capitals are not read",
        "sqla_session/config.py",
        "_VARIABLE.fullmatch(name.lower())",
        "_VARIABLE.fullmatch(name)",
        CONFIG,
    ),
)

TESTING: Final = (
    Fault(
        "what a test commits is written: SQLite's transaction was never begun",
        "sqla_session/pytest_plugin.py",
        '            connection.exec_driver_sql("BEGIN")  # without',
        "            pass  # without",
        PLUGIN,
    ),
    Fault(
        "what a test commits is written: its sessions have an engine of their own",
        "sqla_session/pytest_plugin.py",
        "            connection.rollback()  # before",
        "            connection.commit()  # before",
        PLUGIN,
    ),
    Fault(
        "db_migration takes down a database that is in use",
        "sqla_session/pytest_plugin.py",
        "        if revisions := revisions_of(config):\n",
        "        if not (revisions := revisions_of(config)) and revisions:\n",
        PLUGIN,
    ),
    Fault(
        "in a test, a nested commit outlives the rollback around it",
        "sqla_session/savepoints.py",
        "            savepoint.owner = owner.parent\n",
        "            savepoint.owner = None\n",
        SAVEPOINTS,
    ),
    Fault(
        "in a test, work is undone that is reported as committed",
        "sqla_session/savepoints.py",
        "                savepoint.owner.lost = True\n",
        "                pass\n",
        SAVEPOINTS,
    ),
    Fault(
        "in a test, a rollback undoes what others committed before",
        "sqla_session/savepoints.py",
        "if savepoint.owner is owner and savepoint.written:\n                return position",
        "if savepoint.owner is owner:\n                return position",
        SAVEPOINTS,
    ),
    Fault(
        "in a test, a rollback that undoes the commit of others does so silently",
        "sqla_session/savepoints.py",
        "            warnings.warn(\n",
        "            str(\n",
        SAVEPOINTS,
    ),
)

PLANS: Final = (
    Fault(
        "a text in WHERE has the plan of a number",
        "sqla_pages/_sqla/structure.py",
        "types = tuple(type(parameter.value) for parameter in key.bindparams)",
        "types = tuple(object for _ in key.bindparams)",
        PLANNING,
    ),
    Fault(
        "a value in WHERE that is sorted by too is that of another request",
        "sqla_pages/_sqla/structure.py",
        "if again is None or any(id(one) not in kept for one in again.bindparams):",
        "if again is None:",
        PLANNING,
    ),
    Fault(
        "a statement has the options of another that its structure does not tell",
        "sqla_pages/_sqla/structure.py",
        "return not statement.get_execution_options() and all(",
        "return True or all(",
        PLANNING,
    ),
    Fault(
        "a value that is found out at every run is that of the first",
        "sqla_pages/_sqla/structure.py",
        "if key is None or any(parameter.callable is not None for parameter in key.bindparams):",
        "if key is None:",
        PLANNING,
    ),
    Fault(
        "what is remembered holds the values of the first request",
        "sqla_pages/_sqla/structure.py",
        '            part.__dict__.pop("_is_clone_of", None)\n',
        "            pass\n",
        PLANNING,
    ),
    Fault(
        "statements sort by the columns of each other's polymorphic entities",
        "sqla_pages/expressions.py",
        "        or _sqla.is_of_alias(part)\n",
        "",
        POLYMORPHIC,
    ),
    Fault(
        "statements sort by the values of each other",
        "sqla_pages/expressions.py",
        "isinstance(part, BindParameter | SelectBase | ScalarSelect)",
        "isinstance(part, SelectBase | ScalarSelect)",
        PLANNING,
    ),
    Fault(
        "rows are read by the aliases of another statement",
        "sqla_pages/plans.py",
        "_sqla.without_values(statement, built) if selects_shared(statement) else None",
        "_sqla.without_values(statement, built)",
        PLANNING,
    ),
    Fault(
        "a statement is kept alive by its plan",
        "sqla_pages/plans.py",
        "copy = _sqla.copy_of(statement)",
        "copy = statement",
        PLANNING,
    ),
    Fault(
        "what is remembered of statements grows without bound",
        "sqla_pages/memo.py",
        "if len(self._made) >= self._at_most:",
        "if False:",
        PLANNING,
    ),
    Fault(
        "the values of a statement are not sent",
        "sqla_pages/execute.py",
        "parameters = {**values, **step.parameters} if values else step.parameters",
        "parameters = step.parameters",
        PLANNING,
    ),
    Fault(
        "a statement built like another loses its own LIMIT",
        "sqla_pages/offset_frame.py",
        "return _limited_like(frame) if _sqla.is_limited(statement) else frame",
        "return frame",
        PLANNING,
    ),
    Fault(
        "the total of a statement is that of another built alike",
        "sqla_pages/offset_frame.py",
        "            _replays=self._replays,\n",
        "            _replays=self._replays,\n            _counts=self._counts,\n",
        PLANNING,
    ),
    Fault(
        "each page is as long as the first that was asked for",
        "sqla_pages/cursor_plan.py",
        "        values[_LIMIT] = limit\n",
        "",
        PLANNING,
    ),
)

FAULTS: Final = (
    *SEEKING,
    *ORDERS,
    *CURSOR_STEPS,
    *CURSORS,
    *COUNTING,
    *OFFSETTING,
    *PLANS,
    *LOADING,
    *SERVING,
    *SESSIONS,
    *TESTING,
)

# Of a run by hand, told in FAULTS.md.
BY_TOOL: Final = """
By hand, `mutmut run` (3.8.1, in a copy) has mutated the modules that need no database, against the
tests that need none: `source_paths = ["sqla_pages", "sqla_session"]`, `only_mutate` of
`sqla_pages/models.py`, `cursor.py`, `scalars.py`, `ordering.py` and `closure.py`, and
`pytest_add_cli_args_test_selection` of `tests/test_cursors.py`, `tests/test_cursor_plan.py` and
`tests/test_offset_plan.py`. Of 457 mutants, 414 were caught, and 14 of `PageMeta.of` are of other
tests, as are 5 of `SortKey.clause`. Of the other 24, 3 mattered and have a test since; 21 change
words of a message, what is never read, or a codec that is made before the mutant is.
"""

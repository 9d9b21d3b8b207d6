"""What cursors are tried with: every value that they carry, and strings that are none of theirs."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.test_cursors import LONGEST, URL_SAFE

Change = Callable[[Random, str, str], str]
ContentChange = Callable[[Random, bytes, bytes], bytes]

# Values.

_EXPONENT = 131_072  # of the largest number that a database has
_ZONES = st.timedeltas(
    min_value=timedelta(hours=-24, microseconds=1),
    max_value=timedelta(hours=24, microseconds=-1),
).map(timezone) | st.sampled_from(
    [None, UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]
)


def _extremes_or(extremes: list[Any], others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(extremes) | others


def _decimal_of(sign: int, digits: tuple[int, ...], adjusted: int) -> Decimal:
    return Decimal((sign, digits, adjusted - len(digits) + 1))


INTEGERS = _extremes_or(
    [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 10**4299, -(10**4299)],
    st.integers() | st.integers(-(10**400), 10**400),
)
FLOATS = _extremes_or(
    [0.0, -0.0, 5e-324, -5e-324, 2.225e-308, 1.7976931348623157e308, 1e22, 0.1, 1.0],
    st.floats(allow_subnormal=True),
)
DECIMALS = _extremes_or(
    [Decimal(text) for text in ("NaN", "-NaN", "Infinity", "-Infinity", "-0", "0E+131072")],
    st.builds(
        _decimal_of,
        st.integers(0, 1),
        st.lists(st.integers(0, 9), min_size=1, max_size=40).map(tuple),
        # Zeros in front take up to 40 away.
        st.integers(40 - _EXPONENT, _EXPONENT) | st.integers(-20, 20),
    ),
)
TEXTS = _extremes_or(
    ["\x00", "\U0010ffff", "\ufffe\uffff", "null", "date", "a\r\n", "\u2028", "x" * 4000],
    st.text(st.characters(exclude_categories=["Cs"])),
)
MOMENTS = _extremes_or(
    [datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC)], st.datetimes(timezones=_ZONES)
)
SPANS = _extremes_or([timedelta.min, timedelta.max, timedelta(microseconds=-1)], st.timedeltas())
_SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    FLOATS,
    DECIMALS,
    TEXTS,
    st.binary(),
    MOMENTS,
    _extremes_or([date.min, date.max], st.dates()),
    _extremes_or([time.min, time.max], st.times(timezones=_ZONES)),
    SPANS,
    _extremes_or([UUID(int=0), UUID(int=2**128 - 1)], st.uuids(allow_nil=True)),
)
SCALARS = st.recursive(_SIMPLE, lambda items: st.lists(items, max_size=4), max_leaves=8)
"""Every value that a cursor can carry, with its extremes."""

LONG = st.builds(
    lambda unit, times: unit * times,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.binary(min_size=1),
    st.integers(0, 4000),
)
"""Values that a cursor may not have the room for."""

KEYSETS = st.lists(SCALARS, max_size=4).map(tuple)


# Strings: changes of a cursor `one`, some with parts of another one, that leave its digest wrong.


def _place(random: Random, text: Any) -> int:
    return random.randrange(len(text))


def _bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _truncated(random: Random, one: str, other: str) -> str:
    place = _place(random, one)
    return random.choice([one[:place], one[place + 1 :]])


def _cut_within(random: Random, one: str, other: str) -> str:
    begin, end = sorted([_place(random, one), _place(random, one)])
    return one[:begin] + one[end + 1 :]


def _character_changed(random: Random, one: str, other: str) -> str:
    place = _place(random, one)
    return one[:place] + random.choice(_CHARACTERS) + one[place + 1 :]


def _character_inserted(random: Random, one: str, other: str) -> str:
    place = random.randint(0, len(one))
    return one[:place] + random.choice(_CHARACTERS) + one[place:]


def _run_repeated(random: Random, one: str, other: str) -> str:
    begin, end = sorted([_place(random, one), _place(random, one)])
    return one[: end + 1] + one[begin:]


def _bit_flipped(random: Random, one: str, other: str) -> str:
    data = bytearray(_bytes_of(one))
    data[_place(random, data)] ^= 1 << random.randrange(8)
    return _text_of(data)


def _byte_changed(random: Random, one: str, other: str) -> str:
    data = bytearray(_bytes_of(one))
    data[_place(random, data)] = random.randrange(256)
    return _text_of(data)


def _spliced(random: Random, one: str, other: str) -> str:
    return one[: _place(random, one)] + other[_place(random, other) :]


def _spliced_in_place(random: Random, one: str, other: str) -> str:
    place = random.randrange(min(len(one), len(other)))
    return one[:place] + other[place:]


def _of_the_digest_of_another(random: Random, one: str, other: str) -> str:
    return _text_of(_bytes_of(other)[:16] + _bytes_of(one)[16:])


_CHARACTERS: Final = sorted(URL_SAFE) + list("=+/ \n\x00%é漢\ud800")

DAMAGES: Final[tuple[Change, ...]] = (
    _truncated,
    _cut_within,
    _character_changed,
    _character_inserted,
    _run_repeated,
    _bit_flipped,
    _byte_changed,
    _spliced,
    _spliced_in_place,
    _of_the_digest_of_another,
)
"""Changes after which a cursor is none."""


# Contents: changes of what a cursor is of, to be digested anew.


def _content_bit_flipped(random: Random, one: bytes, other: bytes) -> bytes:
    data = bytearray(one)
    data[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(data)


def _content_byte_changed(random: Random, one: bytes, other: bytes) -> bytes:
    place = _place(random, one)
    return one[:place] + random.choice(_TOKENS) + one[place + 1 :]


def _content_byte_inserted(random: Random, one: bytes, other: bytes) -> bytes:
    place = random.randint(0, len(one))
    return one[:place] + random.choice(_TOKENS) + one[place:]


def _content_cut(random: Random, one: bytes, other: bytes) -> bytes:
    begin, end = sorted([_place(random, one), _place(random, one)])
    return one[:begin] + one[end + 1 :]


def _content_spliced(random: Random, one: bytes, other: bytes) -> bytes:
    return one[: _place(random, one)] + other[_place(random, other) :]


def _content_with_a_node_replaced(random: Random, one: bytes, other: bytes) -> bytes:
    content = json.loads(one)
    place: Any = content
    while True:
        at = _place(random, place)
        if not (isinstance(place[at], list) and place[at] and random.random() < 0.8):
            break
        place = place[at]
    place[at] = _MARK
    hostile = random.choice(HOSTILE) if random.random() < 0.8 else _values_of(random, other)
    return _dumped(content).replace(_dumped(_MARK), hostile)


def _content_with_a_node_added(random: Random, one: bytes, other: bytes) -> bytes:
    content = json.loads(one)
    place = content if not content[2] or random.random() < 0.3 else content[2]
    place.insert(random.randint(0, len(place)), _MARK)
    return _dumped(content).replace(_dumped(_MARK), random.choice(HOSTILE))


def _content_nested(random: Random, one: bytes, other: bytes) -> bytes:
    content = json.loads(one)
    content[2] = [*(content[2] or []), _MARK]
    opening, closing = random.choice([(b"[", b"]"), (b'["list",[', b"]]"), (b'{"a":', b"}")])
    room = max(1, (LONGEST // 4 * 3 - 16 - len(one)) // len(opening + closing))
    depth = random.choice([1, 2, 10, 100, room])
    return _dumped(content).replace(_dumped(_MARK), opening * depth + b"1" + closing * depth)


def _spaced(random: Random, one: bytes, other: bytes) -> bytes:
    return json.dumps(json.loads(one), indent=random.choice([None, 1])).encode()


def _framed(random: Random, one: bytes, other: bytes) -> bytes:
    space = random.choice([b" ", b"\n", b"\t", b"\r", b"\xef\xbb\xbf", b"\x00"])
    return random.choice([space + one, one + space])


def _escaped_throughout(random: Random, one: bytes, other: bytes) -> bytes:
    return json.dumps(json.loads(one), separators=(",", ":")).encode()


def _escaped(random: Random, one: bytes, other: bytes) -> bytes:
    places = [place for place, byte in enumerate(one) if chr(byte).isalpha() and byte != 0x75]
    place = random.choice(places)
    escape = random.choice(["\\u{:04x}", "\\u{:04X}"]).format(one[place])
    return one[:place] + escape.encode() + one[place + 1 :]


def _in_other_encoding(random: Random, one: bytes, other: bytes) -> bytes:
    return one.decode().encode(random.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]))


CONTENT_CHANGES: Final[tuple[ContentChange, ...]] = (
    _content_bit_flipped,
    _content_byte_changed,
    _content_byte_inserted,
    _content_cut,
    _content_spliced,
    _content_with_a_node_replaced,
    _content_with_a_node_added,
    _content_nested,
    _spaced,
    _framed,
    _escaped_throughout,
    _escaped,
    _in_other_encoding,
)
"""Changes after which a content may be one that a cursor is made of, by chance."""


def _dumped(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _values_of(random: Random, data: bytes) -> bytes:
    return _dumped(random.choice(json.loads(data)))


_MARK = "a place to put something"
_TOKENS = [bytes([code]) for code in b'[]{},:"\\0123456789-+.eEntf \n/u\x00\xff']
HOSTILE: Final[list[bytes]] = [
    *(b"null", b"true", b"false", b"0", b"-0", b"1", b"01", b"+1", b"1.0", b"1.5", b"-1", b"1e0"),
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"nan", b"undefined", b"0x1"),
    *(b"1" * 5000, b"-" + b"9" * 4301, b"9" * 4300, b"9" * 20, b"0." + b"1" * 5000),
    *(b"1e" + b"9" * 5000, b"1E400", b"2" * 400 + b".5", b"9223372036854775808"),
    *(b'""', b'"a"', b'"\\u0000"', b'"\\u00FC"', b'"\\u0061"', b'"\\/"', b'"\\ud800"', b'"\xff"'),
    *(b'"after"', b'"before"', b"'a'", b'"' + b"x" * 5000 + b'"', "ü".encode(), b'"a\nb"'),
    *(b"[]", b"[[]]", b"[1]", b"[1,2]", b'["a"]', b'["a","b"]', b'["a","b","c"]', b"[null,null]"),
    *(b"{}", b'{"a":1}', b'{"a":1,"a":2}', b'{"date":1,"2024-02-29":2}', b'{"list":[]}'),
    *(b'["list",[]]', b'["list",{}]', b'["list",""]', b'["list",["list",[]]]', b'["list"]'),
    *(b'["date","2024-02-29"]', b'["date","2023-02-29"]', b'["date",""]', b'["date",["a"]]'),
    *(b'["datetime","2024-02-29T00:00:00"]', b'["datetime","2024-02-29"]', b'["time","24:00:00"]'),
    *(b'["datetime","2024-02-29T00:00:00Z"]', b'["datetime","2024-02-29T00:00:00+00:00"]'),
    *(b'["time","00:00:00"]', b'["microseconds","-0"]', b'["microseconds","' + b"9" * 4301 + b'"]'),
    *(b'["microseconds","86400000000"]', b'["uuid","' + b"0" * 32 + b'"]', b'["bytes","0"]'),
    *(b'["bytes","00FF"]', b'["bytes","00ff"]', b'["bytes",null]', b'["memoryview","00"]'),
    *(b'["decimal","1.10"]', b'["decimal","sNaN"]', b'["decimal","NaN"]', b'["decimal","1_0"]'),
    *(b'["decimal","1E+999999999999999999"]', b'["decimal","1E+131072"]', b'["decimal","1e5"]'),
    *(b'["float","nan"]', b'["float","inf"]', b'["float","Inf"]', b'["float","1.50"]'),
    *(b'["pickle","gASVAA"]', b'["object","x"]', b'["__class__","x"]', b'["",""]', b"[[],[]]"),
]
"""Pieces of JSON, and of what is not quite JSON, to stand in the place of any value."""


def content_of(text: str) -> bytes:
    """Return what a cursor is of, as the format says: all but the digest."""
    return _bytes_of(text)[16:]

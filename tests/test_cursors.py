"""The codec: what a cursor carries it carries without loss, and what it did not make it refuses.

`minted` makes cursors from the description of the format alone, good ones and others, so that
what lies behind the digest can be reached.
"""

import base64
import inspect
import json
import pickle
import struct
import sys
import time as clock
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from hashlib import blake2b
from typing import Any
from uuid import UUID

import pytest

from sqla_pages import CursorCodec, InvalidCursorError, SortKeyNotSeekableError
from sqla_pages.cursor import Cursor, fingerprint_of

OLD = "the old secret of the tests"
NEW = "the new secret of the tests"
OTHER = "a secret that is not theirs"

URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
VERSION = b"sqla-pages cursor 1"
LONGEST = 8192

PLAIN = CursorCodec()
SIGNED = CursorCodec(secrets=[NEW])
SCOPED = CursorCodec(scope="tenant 7")
CODECS = [
    pytest.param(PLAIN, id="plain"),
    pytest.param(SIGNED, id="signed"),
    pytest.param(SCOPED, id="scoped"),
    pytest.param(CursorCodec(secrets=[NEW, OLD], scope="tenant 7"), id="signed and scoped"),
]

BERLIN_1880 = timezone(timedelta(minutes=53, seconds=28))
VALUES = [
    *(None, True, False),
    *(0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    *(0.0, -0.0, 0.1, 1.0, -1.5, 1e22, 2.0**-1074, sys.float_info.max, sys.float_info.min),
    *(float("inf"), float("-inf"), float("nan")),
    *(Decimal(text) for text in ("0", "-0", "0.00", "1.10", "-1E-7", "1E+10", "9" * 1000)),
    *(Decimal(text) for text in ("1E+131072", "1E-16383", "NaN", "Infinity", "-Infinity")),
    *("", "a", " a ", "\x00", "a\rb\r\nc\n", "\t\"'\\/<>&%", "float", "ñ", "漢字", "🦉", "\u202e"),
    *("e\u0301", "\u00e9", "\ufeff", "\ufffe\uffff", "\U0010ffff", "\x7f\x80\x9f", "null", "[]"),
    *(b"", b"\x00", bytes(range(256))),
    *(datetime.min, datetime.max, datetime(2024, 2, 29, 23, 59, 59, 1)),
    *(datetime(2024, 2, 29, tzinfo=UTC), datetime(1880, 1, 1, tzinfo=BERLIN_1880)),
    datetime.max.replace(tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    *(date.min, date.max, date(2024, 2, 29)),
    *(time.min, time.max, time(12, 30, 0, 5), time(12, tzinfo=UTC), time(1, tzinfo=BERLIN_1880)),
    *(timedelta(), timedelta(microseconds=-1), timedelta.min, timedelta.max, timedelta(days=-3)),
    *(UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-9abc-def012345678")),
    *([], [1, "a", None], [[Decimal("1.10"), [b"\x00"]], [date.max, float("inf")]], ["date", ""]),
]


def cursor_of(*keyset: Any) -> Cursor:
    return Cursor("after", fingerprint_of("user.name, user.id"), keyset)


def identity_of(value: Any) -> Any:
    """Return what tells apart all that differs, also what `==` takes for equal, and NaN is NaN."""
    if isinstance(value, list | tuple):
        return type(value), [identity_of(item) for item in value]
    if isinstance(value, float):
        return float, "nan" if value != value else struct.pack("d", value)
    if isinstance(value, Decimal):
        return Decimal, value.as_tuple()
    if isinstance(value, datetime | time):
        return type(value), value.replace(tzinfo=None), value.utcoffset()
    return type(value), value


def minted(
    data: bytes, *, secret: str | None = None, scope: str = "", version: bytes = VERSION
) -> str:
    """Return the cursor with this content, as the format is described."""
    key = b"" if secret is None else blake2b(secret.encode()).digest()
    scope_size = len(scope.encode()).to_bytes(4, "big")
    signed = version + scope_size + scope.encode() + data
    digest = blake2b(signed, key=key, digest_size=16).digest()
    return base64.urlsafe_b64encode(digest + data).rstrip(b"=").decode()


def content_of(*keyset: Any, direction: Any = "after", fingerprint: Any = "f") -> bytes:
    return json.dumps([direction, fingerprint, list(keyset)], separators=(",", ":")).encode()


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the errors that a traceback would print."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def reason_of(codec: CursorCodec, text: str) -> str:
    """Return why a text is refused."""
    with pytest.raises(InvalidCursorError) as raised:
        codec.decode(text)
    return raised.value.reason


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:40])
def test_a_value_comes_back_as_it_was(codec: CursorCodec, value: Any) -> None:
    text = codec.encode(cursor_of(value))

    assert identity_of(codec.decode(text).keyset) == identity_of((value,))
    assert set(text) <= URL_SAFE


def test_a_memoryview_comes_back_as_the_bytes_it_shows() -> None:
    text = PLAIN.encode(cursor_of(memoryview(b"a\x00\xff"), [memoryview(b"b")]))

    assert PLAIN.decode(text).keyset == (b"a\x00\xff", [b"b"])


def test_all_characters_that_are_text_come_back() -> None:
    for start in range(0, 0x110000, 1024):
        characters = "".join(
            chr(code) for code in range(start, start + 1024, 7) if not 0xD800 <= code < 0xE000
        )

        assert PLAIN.decode(PLAIN.encode(cursor_of(characters))).keyset == (characters,)


def test_a_codec_can_be_pickled_for_another_process() -> None:
    codec = CursorCodec(secrets=["a secret of enough characters"], scope="route")
    cursor = Cursor("after", "f", (1, "x"))

    again = pickle.loads(pickle.dumps(codec))

    assert again == codec
    assert again.decode(codec.encode(cursor)) == cursor


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("direction", ["after", "before"])
@pytest.mark.parametrize("keyset", [None, (), (1,), ("a", None, 2.5, b"b")])
def test_direction_fingerprint_and_keyset_come_back(
    codec: CursorCodec, direction: Any, keyset: tuple[Any, ...] | None
) -> None:
    cursor = Cursor(direction, fingerprint_of("name"), keyset)

    assert codec.decode(codec.encode(cursor)) == cursor


def test_the_format_is_as_described() -> None:
    cursor = Cursor("before", "f", ("ü", 1, None, date(2024, 2, 29), [1.5]))
    data = '["before","f",["ü",1,null,["date","2024-02-29"],["list",[["float","1.5"]]]]]'.encode()

    assert PLAIN.encode(cursor) == minted(data)
    assert SIGNED.encode(cursor) == minted(data, secret=NEW)
    assert SCOPED.encode(cursor) == minted(data, scope="tenant 7")
    assert PLAIN.decode(minted(data)) == cursor


class Point:
    def __repr__(self) -> str:
        return "a secret place"


@pytest.mark.parametrize("value", [Point(), {"a": 1}, (1, 2), {1}, 1j, [Point()]])
def test_a_value_of_no_known_type_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(SortKeyNotSeekableError, match="cannot carry a") as raised:
        PLAIN.encode(cursor_of(value))

    assert "secret" not in str(raised.value)


def test_what_could_not_be_read_again_is_refused() -> None:
    fitting, deeper = [1], [[1]]
    for _ in range(31):
        fitting, deeper = [fitting], [deeper]
    for value in (fitting, 2**14_000 - 1, -(2**14_000) + 1):
        assert PLAIN.decode(PLAIN.encode(cursor_of(value))) == cursor_of(value)

    large = IntEnum("large", {"large": 2**14_000})["large"]
    for value in (deeper, 2**14_000, -(2**14_000), 10**5000, large):
        with pytest.raises(SortKeyNotSeekableError, match="too large, or a list too deep"):
            PLAIN.encode(cursor_of(value))


def test_the_longest_cursor_has_8192_characters() -> None:
    overhead = 16 + len(content_of("", fingerprint=fingerprint_of("user.name, user.id")))
    fitting = "x" * (LONGEST // 4 * 3 - overhead)

    text = SIGNED.encode(cursor_of(fitting))

    assert len(text) == LONGEST
    assert SIGNED.decode(text).keyset == (fitting,)
    with pytest.raises(SortKeyNotSeekableError, match="order by something shorter") as raised:
        SIGNED.encode(cursor_of(fitting + "x"))
    assert "xx" not in str(raised.value)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("length", [LONGEST + 1, 10**7])
@pytest.mark.parametrize("character", ["A", "=", "é", "\x00", "[", "\ud800"])
def test_what_is_longer_is_too_long_whatever_it_is(
    codec: CursorCodec, length: int, character: str
) -> None:
    assert reason_of(codec, character * length) == "too_long"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "text",
    [
        *("", "A", "AA", "AAAA", "=", "====", " ", "\n", "\x00", "é", "漢", "\ud800", "cursor"),
        *("null", "0", "-1", "page 2", "../../etc/passwd", "' OR 1=1 --", "{}", "[]", "A" * 5),
        *("A" * 20 + "=", "A" * 20 + " ", "A" * 10 + "\n" + "A" * 10, "\ufeff" + "A" * 20),
        *("A" * 19 + character for character in "+/.~%!é\x00\ud800"),
    ],
)
def test_what_is_no_cursor_at_all_is_malformed(codec: CursorCodec, text: str) -> None:
    assert reason_of(codec, text) == "malformed"


EXAMPLE = cursor_of("name 1", 7)


@pytest.mark.parametrize("codec", CODECS)
def test_a_cursor_cut_short_is_refused_at_each_length(codec: CursorCodec) -> None:
    text = codec.encode(EXAMPLE)

    for length in range(len(text)):
        assert reason_of(codec, text[:length]) in ("malformed", "signature")
        assert reason_of(codec, text[length + 1 :]) in ("malformed", "signature")
        assert reason_of(codec, text[:length] + text[length + 1 :]) in ("malformed", "signature")


@pytest.mark.parametrize("codec", CODECS)
def test_a_cursor_with_any_character_changed_is_refused(codec: CursorCodec) -> None:
    text = codec.encode(EXAMPLE)

    for place, character in enumerate(text):
        for other in sorted(URL_SAFE - {character}):
            changed = text[:place] + other + text[place + 1 :]
            assert reason_of(codec, changed) in ("malformed", "signature")


@pytest.mark.parametrize("codec", CODECS)
def test_a_cursor_with_any_bit_flipped_is_refused(codec: CursorCodec) -> None:
    text = codec.encode(EXAMPLE)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    expected = "malformed" if codec is PLAIN else "signature"

    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            changed = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
            assert reason_of(codec, changed) == expected


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "=" * (-len(text) % 4 or 4),
        lambda text: text + "=",
        lambda text: "=" + text,
        lambda text: text + " ",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: text[:9] + "\r\n" + text[9:],
        lambda text: text + "\x00",
        lambda text: "\ufeff" + text,
        lambda text: chr(ord(text[0]) + 0xFEE0) + text[1:],  # the same letter, of full width
    ],
)
def test_a_cursor_of_other_spelling_is_malformed(codec: CursorCodec, change: Any) -> None:
    text = codec.encode(EXAMPLE)

    assert reason_of(codec, change(text)) == "malformed"


def test_the_alphabet_of_plain_base64_is_malformed() -> None:
    texts = [PLAIN.encode(cursor_of(number)) for number in range(100)]
    texts = [text for text in texts if "-" in text and "_" in text]

    assert texts
    for text in texts:
        assert reason_of(PLAIN, text.replace("-", "+")) == "malformed"
        assert reason_of(PLAIN, text.replace("_", "/")) == "malformed"


@pytest.mark.parametrize("spare_bits", [2, 4])
def test_bits_that_mean_nothing_must_be_zero(spare_bits: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    texts = (PLAIN.encode(cursor_of("x" * size)) for size in range(3))
    text = next(text for text in texts if len(text) % 4 == {2: 3, 4: 2}[spare_bits])
    last = alphabet.index(text[-1])
    assert last % 2**spare_bits == 0

    for bits in range(1, 2**spare_bits):
        assert reason_of(PLAIN, text[:-1] + alphabet[last + bits]) == "malformed"


OTHER_SHAPES: list[bytes] = [
    *(b"", b" ", b"[", b"]", b"{}", b"[]", b"null", b"true", b"0", b'""', b'"abc"', b"\x00"),
    *(b"\xff", b"\xef\xbb\xbf[]", b"[1,2]", b"[1,2,3]", b"[1,2,3,4]", b'["after","f"]'),
    *(b'["after","f",[1],1]', b'["after","f",1]', b'["after","f","a"]', b'["after","f",{}]'),
    *(b'["after","f",{"a":1}]', b'["after","f",true]', b'["after","f",0]', b'["after","f",[1]],'),
    *(b'["after","f",[1]]]', b'["after","f",[1],]', b'["after","f",[1,]]', b"['after','f',[1]]"),
    *(b'{"after":1,"f":2,"x":3}', b'{"direction":"after","fingerprint":"f","keyset":[1]}'),
    *(content_of(1, direction=value) for value in ("AFTER", "", "next", None, 1, [], {}, True)),
    *(content_of(1, direction=value) for value in (["after"], "after ", ["a", "f"], {"after": 1})),
    *(content_of(1, fingerprint=value) for value in (None, 1, [], {}, True, ["f"], 1.5)),
]
"""Contents that are not of a cursor, or not JSON."""

OTHER_VALUES: list[bytes] = [
    content_of(value)
    for value in (
        *({}, {"a": 1}, {"date": 1, "2024-02-29": 2}, {"list": 1, "x": 2}, {"list": []}),
        *([], [1], ["date"], [[]], [None], [None, None], [1, 2], ["", ""], ["x", "y"]),
        *(["date", "2024-02-29", 1], ["Date", "2024-02-29"], ["object", "x"], ["pickle", "gASVAA"]),
        *(["str", "x"], ["int", "1"], ["bool", "True"], ["none", "None"], [["date"], "2024-02-29"]),
        *(["list", "x"], ["list", None], ["list", {}], ["list", {"a": 1}], ["list", [["x", "y"]]]),
        *(["list", [{}]], ["list", [[]]], ["list", [["date", "x"]]], ["date", 20240229]),
        *(["date", None], ["date", []], ["date", ["2024-02-29"]], ["bytes", 1], ["decimal", 1.5]),
        *(["date", "x"], ["date", ""], ["date", "2024-02-30"], ["date", "20240229"]),
        *(["date", "2024-W09-4"], ["date", "2024-02-29 "], ["date", "٢٠٢٤-٠٢-٢٩"]),
        *(["date", "2024-02-29T00:00:00"], ["date", "10000-01-01"], ["date", "0000-01-01"]),
        *(["datetime", "2024-02-29"], ["datetime", "2024-02-29 00:00:00"], ["datetime", "now"]),
        *(["datetime", "2024-02-29T00:00"], ["datetime", "2024-02-29T00:00:00Z"]),
        *(["datetime", "2024-02-29T00:00:00.000000"], ["datetime", "2024-02-29T24:00:00"]),
        *(["datetime", "2024-02-29T00:00:00-00:00"], ["datetime", "2024-02-29T00:00:00+24:00"]),
        *(["time", "00:00"], ["time", "T00:00:00"], ["time", "24:00:00"], ["time", "00:00:00Z"]),
        *(["time", "00:00:00.5"], ["time", "00:00:60"], ["time", ""], ["time", "x"]),
        *(["microseconds", ""], ["microseconds", "1.0"], ["microseconds", "1_0"]),
        *(["microseconds", "+1"], ["microseconds", "-0"], ["microseconds", "01"]),
        *(["microseconds", " 1"], ["microseconds", "٣"], ["microseconds", "9" * 30]),
        *(["microseconds", "9" * 4000], ["microseconds", "9" * 5000], ["microseconds", "-1e3"]),
        *(["uuid", ""], ["uuid", "0" * 32], ["uuid", "{00000000-0000-0000-0000-000000000000}"]),
        *(["uuid", "urn:uuid:" + str(UUID(int=0))], ["uuid", str(UUID(int=2**128 - 1)).upper()]),
        *(["bytes", "0"], ["bytes", "FF"], ["bytes", "00 00"], ["bytes", "zz"], ["bytes", " "]),
        *(["decimal", ""], ["decimal", "x"], ["decimal", "sNaN"], ["decimal", "nan"]),
        *(["decimal", "Inf"], ["decimal", "1e5"], ["decimal", "1_0"], ["decimal", "+1"]),
        *(["decimal", " 1"], ["decimal", "01"], ["decimal", ".5"], ["decimal", "٣"]),
        *(["decimal", f"1E+{size}"] for size in (131073, 10**9, 10**18, 10**19, "9" * 5000)),
        *(["decimal", f"1E-{size}"] for size in (131073, 10**9, 10**18, 10**19, "9" * 5000)),
        *(["decimal", f"-9.99E+{10**18 - 1}"], ["decimal", f"0E+{'9' * 30}"], ["decimal", "sNaN1"]),
        *(1.5, -0.0, 1e22, ["float", "1.50"], ["float", "1"], ["float", "1e5"], ["float", "NaN"]),
        *(["float", "infinity"], ["float", "+inf"]),
        *(["float", "Inf"], ["float", "-nan"], ["float", "1e999"], ["float", ""], ["float", "x"]),
        *(["float", " inf"], ["float", 1], ["float", None], "\ud800", "a\udfff"),
        *(["bytes", "\ud800"], ["date", "\ud800"], ["\ud800", "x"], ["list", ["\ud800"]]),
    )
]
"""Contents with a value that no value is packed as."""

OTHER_SPELLINGS: list[bytes] = [
    *(b'["after", "f",[1]]', b' ["after","f",[1]]', b'["after","f",[1]]\n', b'["after","f",[1 ]]'),
    *(b'["after","f",[-0]]', b'["after","f",[01]]', b'["after","f",[+1]]', b'["after","f",[.5]]'),
    *(b'["after","f",[1.50]]', b'["after","f",[1e0]]', b'["after","f",[1E5]]'),
    *(b'["after","f",[1e999]]', b'["after","f",[-1e999]]', b'["after","f",[0x1]]'),
    *(b'["after","f",[NaN]]', b'["after","f",[Infinity]]', b'["after","f",[-Infinity]]'),
    *(b'["after","f",[nan]]', b'["after","f",[["list",[NaN]]]]', b'["after","f",[undefined]]'),
    *(b'["after","f",["\\u0061"]]', b'["\\u0061fter","f",[1]]', b'["after","f",["\\/"]]'),
    *(b'["after","f",["\\u00fc"]]', b'["after","f",["\\u00FC"]]', b'["after","f",["a\nb"]]'),
    *('["after","f",[1]]'.encode(encoding) for encoding in ("utf-16", "utf-16-le", "utf-32-be")),
    *(b'["after","f",[' + b"9" * size + b"]]" for size in (4230, 4300, 4301, 5000, 6000)),
    b'["after","f",[0.1000000000000000055511151231257827]]',
    b'["after","f",[1]]/**/',
]
"""Contents that mean a cursor to some reader, in other words than ours."""


@pytest.mark.parametrize(
    "data", [*OTHER_SHAPES, *OTHER_VALUES, *OTHER_SPELLINGS], ids=lambda data: ascii(data)[2:50]
)
def test_a_content_that_the_codec_does_not_make_is_malformed_though_it_is_signed(
    data: bytes,
) -> None:
    assert reason_of(PLAIN, minted(data)) == "malformed"
    assert reason_of(SIGNED, minted(data, secret=NEW)) == "malformed"
    assert reason_of(SCOPED, minted(data, scope="tenant 7")) == "malformed"


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'["list",[', b"]]"), (b'{"a":', b"}")]
)
@pytest.mark.parametrize("depth", [50, 500, 6000])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_deep_content_is_malformed(
    opening: bytes, closing: bytes, depth: int, is_closed: bool
) -> None:
    room = 6000 // (len(opening) + len(closing))
    depth = min(depth, room)
    inner = b"[]" if is_closed else b""
    nested = opening * depth + inner + (closing * depth if is_closed else b"")

    assert reason_of(PLAIN, minted(nested)) == "malformed"
    assert reason_of(PLAIN, minted(b'["after","f",[' + nested + b"]]")) == "malformed"


def test_a_deep_content_is_malformed_where_too_little_of_the_stack_is_left() -> None:
    deep = minted(b'["after","f",[' + b'["list",[' * 32 + b"1" + b"]]" * 32 + b"]]")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 25)
    try:
        reason = reason_of(PLAIN, deep)
    finally:
        sys.setrecursionlimit(limit)

    assert reason == "malformed"
    assert PLAIN.decode(deep).keyset is not None


HARDEST = [
    "A" * LONGEST,
    "=" * LONGEST,
    "\x00" * LONGEST,
    "é" * LONGEST,
    *(
        minted(b'["after","f",[' + data + b"]]")
        for data in (
            b"9" * 6000,
            b"[" * 6000,
            b"1e" + b"9" * 5900,
            b"0." + b"9" * 5900,
            b",".join([b"1"] * 2900),
            b'["decimal","' + b"9" * 5900 + b'"]',
            b'["decimal","1E' + b"9" * 5900 + b'"]',
            b'["decimal","1E999999999999999999"]',
            b'["decimal","1E-999999999999999999"]',
            b'["microseconds","' + b"9" * 4300 + b'"]',
            b'["microseconds","' + b"9" * 5900 + b'"]',
            b'["float","' + b"9" * 5900 + b'"]',
            b'["date","' + b"9" * 5900 + b'"]',
            b'["uuid","' + b"-" * 5900 + b'"]',
            b",".join([b'["decimal","1E+131072"]'] * 240),
            b'"' + b"\\u0000" * 950 + b'"',
        )
    ),
]


def test_no_text_takes_long_to_refuse() -> None:
    for text in [*HARDEST, "A" * 10**8]:
        begin = clock.process_time()
        try:
            PLAIN.decode(text)
        except InvalidCursorError:
            pass

        # Of the order of 1 ms; what is not bounded takes minutes, or all memory.
        assert clock.process_time() - begin < 0.2


@pytest.mark.parametrize(
    "version", [b"sqla-pages cursor 2", b"sqla-pages cursor 0", b"", b"sqla-pages cursor 10"]
)
def test_a_cursor_of_another_version_is_refused(version: bytes) -> None:
    data = content_of(1)

    assert reason_of(PLAIN, minted(data, version=version)) == "malformed"
    assert reason_of(SIGNED, minted(data, version=version, secret=NEW)) == "signature"


def codec_of(*secrets: str, scope: str = "") -> CursorCodec:
    return CursorCodec(secrets=secrets, scope=scope)


@pytest.mark.parametrize(
    ("maker", "reader", "reason"),
    [
        (codec_of(OTHER), codec_of(NEW), "signature"),
        (codec_of(OTHER), codec_of(NEW, OLD), "signature"),
        (codec_of(), codec_of(NEW), "signature"),
        (codec_of(NEW), codec_of(), "malformed"),
        (codec_of(scope="tenant 8"), codec_of(scope="tenant 7"), "signature"),
        (codec_of(scope="tenant 7"), codec_of(), "malformed"),
        (codec_of(), codec_of(scope="tenant 7"), "signature"),
        (codec_of(NEW, scope="tenant 8"), codec_of(NEW, scope="tenant 7"), "signature"),
        (codec_of(NEW, scope="tenant 7"), codec_of(NEW), "signature"),
        (codec_of(NEW), codec_of(NEW, scope="tenant 7"), "signature"),
        (codec_of(NEW, scope="tenant 7 "), codec_of(NEW, scope="tenant 7"), "signature"),
        (codec_of(NEW, scope="TENANT 7"), codec_of(NEW, scope="tenant 7"), "signature"),
        (codec_of(NEW.upper()), codec_of(NEW), "signature"),
    ],
)
def test_a_cursor_of_another_codec_is_refused(
    maker: CursorCodec, reader: CursorCodec, reason: str
) -> None:
    assert reason_of(reader, maker.encode(EXAMPLE)) == reason


def test_a_scope_does_not_run_into_the_content() -> None:
    data = content_of(1)
    moved = base64.urlsafe_b64decode(minted(data, scope="s") + "==")

    digest, rest = moved[:16], moved[16:]
    text = base64.urlsafe_b64encode(digest + b"s" + rest).rstrip(b"=").decode()
    assert reason_of(PLAIN, text) == "malformed"


def test_secrets_rotate() -> None:
    before, during, after = codec_of(OLD), codec_of(NEW, OLD), codec_of(NEW)

    assert during.decode(before.encode(EXAMPLE)) == EXAMPLE
    assert after.decode(during.encode(EXAMPLE)) == EXAMPLE
    assert reason_of(before, during.encode(EXAMPLE)) == "signature"
    assert reason_of(after, before.encode(EXAMPLE)) == "signature"


def test_the_same_cursor_is_always_the_same_text() -> None:
    assert SIGNED.encode(EXAMPLE) == codec_of(NEW, OLD).encode(EXAMPLE)


@pytest.mark.parametrize("scope", ["", "tenant 7", "ü\x00漢🦉", "\ud800", "x" * 100_000])
def test_a_scope_may_be_any_text(scope: str) -> None:
    codec = codec_of(NEW, scope=scope)

    assert codec.decode(codec.encode(EXAMPLE)) == EXAMPLE
    assert reason_of(codec, codec_of(NEW, scope=scope + "x").encode(EXAMPLE)) == "signature"


@pytest.mark.parametrize("secrets", [[""], ["x" * 15], [NEW, "x" * 15], ["x" * 15, NEW]])
def test_a_secret_that_is_too_short_is_refused_at_once(secrets: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="at least 16 characters") as raised:
        CursorCodec(secrets=secrets)

    assert "xx" not in str(raised.value)


@pytest.mark.parametrize("secrets", [NEW, "", NEW.encode(), [NEW.encode()], [None], 7])
def test_secrets_that_are_no_sequence_of_texts_are_refused_at_once(secrets: Any) -> None:
    with pytest.raises(TypeError) as raised:
        CursorCodec(secrets=secrets)

    assert NEW not in str(raised.value)


@pytest.mark.parametrize("secret", ["x" * 16, "x" * 100_000, "ü\x00漢🦉" * 5])
def test_a_secret_of_any_text_and_length_signs(secret: str) -> None:
    text = codec_of(secret).encode(EXAMPLE)

    assert codec_of(OTHER, secret).decode(text) == EXAMPLE
    assert reason_of(codec_of(secret + "x"), text) == "signature"


def test_secrets_are_those_of_the_moment_it_was_made() -> None:
    secrets = [NEW]
    codec = CursorCodec(secrets=secrets)
    text = codec.encode(EXAMPLE)

    secrets.clear()

    assert codec.decode(text) == EXAMPLE
    assert reason_of(codec, PLAIN.encode(EXAMPLE)) == "signature"


def test_secrets_may_come_from_an_iterator() -> None:
    codec = CursorCodec(secrets=iter([NEW]))  # type: ignore[arg-type]

    assert codec.encode(EXAMPLE) == SIGNED.encode(EXAMPLE)
    assert reason_of(codec, PLAIN.encode(EXAMPLE)) == "signature"


def test_codecs_are_values() -> None:
    assert CursorCodec(secrets=[NEW], scope="s") == CursorCodec(secrets=(NEW,), scope="s")
    assert len({codec_of(NEW), CursorCodec(secrets=[NEW]), codec_of(OLD), PLAIN}) == 3


def test_no_secret_nor_value_shows() -> None:
    codec = codec_of(NEW, OLD, scope="tenant 7")
    shown = f"{codec!r} {codec} {cursor_of('a name of a person')!r}"

    assert "secret" not in shown
    assert "person" not in shown


@pytest.mark.parametrize(
    "data",
    [
        *(content_of([kind, "hunter2"]) for kind in ("date", "datetime", "time", "uuid", "bytes")),
        *(content_of([kind, "hunter2"]) for kind in ("decimal", "float", "microseconds")),
        *(content_of(["hunter2", "x"]), content_of("hunter2", direction="x")),
        *(b'["after","f",["hunter2",]]', b'["after","f",["hunter2"]] ', b"hunter2"),
        b'["after","f",["hunter2\xff"]]',
    ],
)
def test_no_error_echoes_what_was_sent(data: bytes) -> None:
    text = minted(data)
    with pytest.raises(InvalidCursorError) as raised:
        PLAIN.decode(text)

    for error in chain_of(raised.value):
        assert "hunter2" not in f"{error} {error!r} {vars(error)}"
        assert "hunter2" not in str(getattr(error, "doc", ""))


@pytest.mark.parametrize("text", ["hunter2é" * 5, "hunter2" * 2000, "hunter2", "hunter2" * 20])
def test_no_error_echoes_what_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidCursorError) as raised:
        PLAIN.decode(text)

    for error in chain_of(raised.value):
        assert "hunter" not in f"{error} {error!r} {vars(error)}"
        assert "é" not in str(error)


def test_an_error_tells_its_reason_and_its_status() -> None:
    with pytest.raises(InvalidCursorError) as raised:
        PLAIN.decode("")

    assert (raised.value.reason, raised.value.status_hint) == ("malformed", 400)
    assert isinstance(raised.value, ValueError)


def test_equal_orderings_have_equal_fingerprints() -> None:
    assert fingerprint_of("a, b") == fingerprint_of("a, b")
    assert len({fingerprint_of(text) for text in ("a, b", "b, a", "a DESC, b", "a", "")}) == 5

"""Cursors: the place of a row in an ordering, as a string that a client carries.

A cursor is base64url (RFC 4648, section 5, unpadded) of a digest of 16 bytes and what it is of:

    [direction, fingerprint, keyset]      as compact JSON in UTF-8

The digest is keyed BLAKE2b (RFC 7693) over version, scope and content. Without a secret its key is
empty: it then finds what was damaged, but anyone can make it. A cursor has one spelling: what the
codec would not write is not read, whoever signed it.
"""

import binascii
import hmac
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from types import NoneType
from typing import Any, Final

from pydantic_core import from_json, to_json

from .errors import InvalidCursorError, SortKeyNotSeekableError
from .fragments import Direction
from .scalars import Scalar, packed, unpacked

MAX_LENGTH: Final = 8192
"""Characters of the longest cursor, which fits into a request line of common servers."""

_VERSION: Final = b"sqla-pages cursor 1"
_DIGEST_SIZE: Final = 16
_MIN_SECRET_SIZE: Final = 16
_FINGERPRINT_SIZE: Final = 8

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# Of other alphabets than ours, the characters become ones that base64 does not know.
_FROM_URL: Final = bytes.maketrans(b"-_+/", b"+/!!")
_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
# The characters that a text of a length modulo 4 may end with: the bits that no byte needs are 0.
_LAST: Final = (_ALPHABET, "", _ALPHABET[::16], _ALPHABET[::4])


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after or before the row with this keyset, or at an end without one.

    `fingerprint` is that of the ordering. `keyset` holds one value for each of its sort keys; None
    stands for the end that the direction comes from: the first page after it, the last one before.
    """

    direction: Direction
    fingerprint: str
    keyset: tuple[Scalar, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Makes strings of cursors, and cursors of strings that it made.

    With `secrets`, cursors are signed with the first of them and accepted with any: to rotate, put
    a new one in front, and drop the old one when no client can hold a cursor of its time. `scope`,
    such as a tenant or a route, ties cursors to itself: those of another scope are refused.

    Args:
        secrets: keys of at least 16 characters each, such as `secrets.token_urlsafe()` gives.
        scope: any text.

    Raises:
        TypeError: the secrets are not a sequence of texts.
        ValueError: a secret is too short.

    Example:
        >>> from sqla_pages import CursorCodec
        >>> codec = CursorCodec(secrets=["a secret of enough characters"], scope="tenant 7")
    """

    secrets: Sequence[str] = field(default=(), repr=False)
    scope: str = ""
    _hashers: tuple[blake2b, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the secrets, and make keys of them."""
        if isinstance(self.secrets, str | bytes):
            raise TypeError("secrets must be a sequence of texts, not a text")
        secrets = tuple(self.secrets)
        if any(len(secret) < _MIN_SECRET_SIZE for secret in secrets):
            raise ValueError(f"a secret must have at least {_MIN_SECRET_SIZE} characters")
        # A key of BLAKE2b has at most 64 bytes; a digest of the secret always fits.
        keys = tuple(blake2b(_encoded(secret)).digest() for secret in secrets)
        hashers = tuple(_hasher_of(key, _encoded(self.scope)) for key in keys or (b"",))
        object.__setattr__(self, "secrets", secrets)
        object.__setattr__(self, "_hashers", hashers)

    def __reduce__(self) -> tuple[Any, ...]:
        return CursorCodec, (self.secrets, self.scope)

    def encode(self, cursor: Cursor) -> str:
        """Return the cursor as a string of at most 8,192 characters, URL-safe.

        Raises:
            SortKeyNotSeekableError: a value is of a type that cannot be carried, or too long.
        """
        data = _written(cursor)
        text = _text_of(_digest_of(self._hashers[0], data) + data)
        if len(text) > MAX_LENGTH:
            raise SortKeyNotSeekableError(
                f"a value that is sorted by makes a cursor of {len(text)} characters, more than "
                f"{MAX_LENGTH}: order by something shorter, or use offset pages"
            )
        return text

    def decode(self, text: str) -> Cursor:
        """Return the cursor that a string was made of.

        Raises:
            InvalidCursorError: it was not made by this codec; `reason` says what is wrong.
        """
        if len(text) > MAX_LENGTH:
            raise InvalidCursorError("too_long")
        signed = _bytes_of(text)
        digest, data = signed[:_DIGEST_SIZE], signed[_DIGEST_SIZE:]
        if not data:
            raise InvalidCursorError("malformed")
        if not self._has_made(digest, data):
            raise InvalidCursorError("signature" if self.secrets or self.scope else "malformed")
        cursor = _cursor_of(data)
        if cursor is None:
            raise InvalidCursorError("malformed")
        return cursor

    def _has_made(self, digest: bytes, data: bytes) -> bool:
        for hasher in self._hashers:
            if hmac.compare_digest(digest, _digest_of(hasher, data)):
                return True
        return False


def fingerprint_of(ordering: str) -> str:
    """Return a short name for the text of an ordering."""
    return blake2b(ordering.encode(), digest_size=_FINGERPRINT_SIZE).hexdigest()


def _encoded(text: str) -> bytes:
    # The environment may hold bytes that are no UTF-8, which Python reads as surrogates.
    return str.encode(text, "utf-8", "surrogatepass")


def _hasher_of(key: bytes, scope: bytes) -> blake2b:
    """Return what digests all contents of one key and scope, to be copied for each."""
    hasher = blake2b(_VERSION, key=key, digest_size=_DIGEST_SIZE)
    hasher.update(len(scope).to_bytes(4, "big") + scope)
    return hasher


def _digest_of(hasher: blake2b, data: bytes) -> bytes:
    hasher = hasher.copy()
    hasher.update(data)
    return hasher.digest()


def _text_of(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def _bytes_of(text: str) -> bytes:
    # Base64 has several spellings for one content; one of them is ours.
    if not text or text[-1] not in _LAST[len(text) % 4]:
        raise InvalidCursorError("malformed")
    try:
        data = text.encode("ascii").translate(_FROM_URL)
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except ValueError:
        raise InvalidCursorError("malformed") from None


def _written(cursor: Cursor) -> bytes:
    """Return its content, of values that can be read again."""
    try:
        keyset = None if cursor.keyset is None else packed(cursor.keyset)
        return to_json([cursor.direction, cursor.fingerprint, keyset])
    except (ValueError, RecursionError):
        pass  # which would tell the value
    raise SortKeyNotSeekableError(
        "a value that is sorted by cannot be carried in a cursor: a text that is no Unicode, a "
        "number too large, or a list too deep; order by something else, or use offset pages"
    )


def _cursor_of(data: bytes) -> Cursor | None:
    """Return the cursor with this content; None if there is none: an error would tell values."""
    try:
        content: Any = from_json(data, allow_inf_nan=False)
        direction, fingerprint, keyset = content
        if direction not in ("after", "before") or not isinstance(fingerprint, str):
            return None
        if type(content) is not list or type(keyset) not in (list, NoneType):
            return None
        cursor = Cursor(direction, fingerprint, None if keyset is None else unpacked(keyset))
        return cursor if to_json(content) == data else None
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        return None


UNSIGNED: Final = CursorCodec()
"""The codec of cursors that are not signed."""

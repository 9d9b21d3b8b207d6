"""A bounded memory of what was made."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Keeps the last values made, at most a number of them, for any thread."""

    __slots__ = ("_at_most", "_lock", "_made")

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._made: dict[K, V] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._made)

    def get(self, key: K) -> V | None:
        """Return the value of a key, if it is still kept."""
        return self._made.get(key)

    def keep(self, key: K, value: V) -> V:
        """Keep a value, in place of the one that was kept first where there are too many."""
        with self._lock:
            if len(self._made) >= self._at_most:
                del self._made[next(iter(self._made))]
            self._made[key] = value
        return value

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made if it is not kept."""
        found = self._made.get(key)
        return self.keep(key, make()) if found is None else found

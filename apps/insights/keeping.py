"""A few results that a process keeps ready, by the hash of what they were made of."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last `size` results that were asked for. Safe between threads, which share the values."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._found: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        """The result, if it is still there."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: str, value: T) -> None:
        """Keep a result; the one that was not asked for longest goes."""
        with self._lock:
            self._found[key] = value
            while len(self._found) > self._size:
                self._found.popitem(last=False)

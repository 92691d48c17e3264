"""What stops the ranker, with the mending."""

from __future__ import annotations


class RankerError(Exception):
    """The message says what is wrong and what to do."""

"""What stops the suggester, with the mending."""

from __future__ import annotations


class SuggesterError(Exception):
    """The message says what is wrong and what to do."""

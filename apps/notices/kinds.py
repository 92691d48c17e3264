"""The kinds of notices, with the words that people choose by. Rooms name theirs in `AppConfig.ready()`."""

from __future__ import annotations

_labels: dict[str, str] = {}


def register(kind: str, label: str) -> None:
    """Name a kind in plain words: `register("actions.due", "An action of mine is due")`."""
    _labels[kind] = label


def label(kind: str) -> str:
    """The words of a kind; a kind that nobody named is shown by its last part."""
    return _labels.get(kind) or kind.rpartition(".")[2].replace("_", " ").capitalize()


def known() -> list[str]:
    """All kinds that rooms have named."""
    return sorted(_labels)

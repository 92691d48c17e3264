"""The registry: a folder of trained models, each with a JSON entry that says what it came from. Append-only.

The champion is the newest entry that was promoted. A model file is named after its hash, and is refused if
its bytes do not have it: that finds damage and mix-ups. Who may write into the folder may also write both, so
the right to write there is the boundary of trust; reading a model never runs code (`trees`).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from . import trees
from .errors import RankerError

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES, MODELS = "entries", "models"
_HEX = re.compile(r"[0-9a-f]{64}")


def entries(folder: Path) -> list[dict[str, Any]]:
    """Every entry, oldest first.

    Raises:
        RankerError: an entry that cannot be read, by its file.
    """
    found = []
    for path in sorted((folder / ENTRIES).glob("[0-9]*.json")):
        try:
            entry = json.loads(path.read_text())
        except ValueError as exc:
            raise RankerError(f"{path} is no JSON: {exc}.") from exc
        if entry.get("id") != identity(entry):
            raise RankerError(f"{path} was changed after it was written: its id does not fit its content.")
        found.append(entry)
    return found


def champion(folder: Path) -> dict[str, Any] | None:
    """The newest entry that was promoted; None before the first."""
    return next((entry for entry in reversed(entries(folder)) if entry["promoted"]), None)


def append(folder: Path, entry: dict[str, Any], model: trees.Model, *, created_at: str) -> dict[str, Any]:
    """Write the model and its entry; returns the entry as it stands. Nothing that is there is touched.

    Raises:
        RankerError: somebody else appended at the same time.
    """
    content = model.dump()
    sha256 = hashlib.sha256(content).hexdigest()
    (folder / MODELS).mkdir(parents=True, exist_ok=True)
    (folder / ENTRIES).mkdir(parents=True, exist_ok=True)
    path = folder / MODELS / f"{sha256}.json"
    if not path.exists():
        _write_new(path, content)
    number = len(entries(folder)) + 1
    whole = {**entry, "number": number, "model": {"sha256": sha256, "bytes": len(content)}}
    whole["id"] = identity(whole)
    whole["created_at"] = created_at
    text = json.dumps(whole, indent=1, sort_keys=True, allow_nan=False) + "\n"
    _write_new(folder / ENTRIES / f"{number:06d}.json", text.encode())
    return whole


def model_of(folder: Path, entry: dict[str, Any]) -> trees.Model:
    """The model of an entry, its hash checked first.

    Raises:
        RankerError: the file is missing, has other bytes, or is no model.
    """
    sha256 = str(entry["model"]["sha256"])
    path = folder / MODELS / f"{sha256}.json"
    if not _HEX.fullmatch(sha256) or not path.is_file():
        raise RankerError(f"{path} is missing.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RankerError(f"{path} does not have the hash in its name; it is not loaded.")
    return trees.load(content)


def identity(entry: dict[str, Any]) -> str:
    """The hash of an entry without its moments: the same data, code and seed give the same."""
    held = {key: value for key, value in entry.items() if key not in {"id", "created_at", "as_of"}}
    return hashlib.sha256(json.dumps(held, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _write_new(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError as exc:
        raise RankerError(f"{path} is there already: another training appended. Train again.") from exc

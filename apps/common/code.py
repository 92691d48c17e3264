"""Which code is running: what a result names, so that somebody can run it again."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = ("apps", "config")
GIT_SECONDS = 10
SHORT = 16


@cache
def code_id() -> str:
    """The commit that runs, or `source:<SHA-256 of the source>` where there is no git.

    A checkout with changes that no commit has is `<commit>+<start of that SHA-256>`: the commit alone would
    name code that did not run. Found once a process; at most 81 characters.
    """
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return f"source:{source_hash(CHECKOUT)}"
    if _git("status", "--porcelain", "--", *ROOMS):
        return f"{commit}+{source_hash(CHECKOUT)[:SHORT]}"
    return commit


def source_hash(checkout: Path) -> str:
    """SHA-256 over path and content of every Python file of our rooms, in order of their paths."""
    found = hashlib.sha256()
    files = (path for room in ROOMS for path in (checkout / room).rglob("*.py"))
    for name, path in sorted((path.relative_to(checkout).as_posix(), path) for path in files):
        content = path.read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _git(*words: str) -> str:
    """What git says of this checkout; empty where there is no git, or it does not know the folder."""
    if not (CHECKOUT / ".git").exists():  # a folder above may be a repository of something else
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # fixed words, never input
            ["git", "--no-optional-locks", "-C", str(CHECKOUT), *words],  # noqa: S607  # whichever git this machine has
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

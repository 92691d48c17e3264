"""Where this installation keeps its data, and how to reach its database. Plain files, no Django."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path

KEY_LENGTH = 50
UNSET = "unset-"
NOWHERE = "postgresql://nobody@127.0.0.1:1/not_started"


def data_folder(configured: str, *, checkout: Path) -> Path:
    """The data folder: `configured`, else `.data` in the checkout.

    Root cannot run PostgreSQL and must drop to a user that may be unable to reach the checkout; then the
    folder is `/var/lib/aftercast/<hash of the checkout's path>`, so that two checkouts never share one.
    """
    if configured:
        return Path(configured).expanduser().resolve()
    if os.geteuid() == 0 and not _reachable_by_all(checkout):
        return Path("/var/lib/aftercast") / hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    return checkout / ".data"


def _reachable_by_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def secret_key(folder: Path) -> str:
    """This installation's secret key, or one that opens nothing while there is none to be read.

    Settings ask before anything can be reported: `up` and `doctor` say what is wrong with a folder.
    """
    try:
        return (folder / "secret_key").read_text()
    except OSError:
        return UNSET + secrets.token_urlsafe(KEY_LENGTH)


def is_unset(key: str) -> bool:
    """Is this the key of an installation without one? Commands work with it; no request may be served."""
    return key.startswith(UNSET)


def database_url(folder: Path) -> str:
    """URL of the embedded database, or one that nothing listens on while there is none to be read."""
    try:
        return str(json.loads((folder / "postgres.json").read_text())["url"])
    except OSError:
        return NOWHERE

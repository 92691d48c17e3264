"""`uv run poe screenshots FOLDER`: the whole product in pictures, by crawling the demo as each role.

Exit code 1 when any page has a fault: an accessibility violation, sideways scroll, console error, request to
the outside, dead link or server error.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")

import django

django.setup()

from tests.blackbox.installation import installed  # noqa: E402
from tests.e2e.cast import ROLES  # noqa: E402
from tests.e2e.crawl import Seen, crawl  # noqa: E402
from tests.e2e.looking import SCHEMES, WIDTHS, chromium  # noqa: E402
from tests.run import bring  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="an installation with the demo that runs already")
    parser.add_argument("--role", action="append", choices=sorted(ROLES), help="only this role")
    options = parser.parse_args()
    bring()
    options.folder.mkdir(parents=True, exist_ok=True)
    roles = options.role or list(ROLES)
    if options.url:
        found = visit(options.url, roles, options.folder)
    else:
        with installed() as place:
            found = visit(place.url, roles, options.folder)
    return report(found, options.folder)


def visit(origin: str, roles: Sequence[str], folder: Path) -> list[Seen]:
    """Every page of every role, two roles at a time, each in a browser of its own."""
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda role: _one(origin, role, folder), roles)
        return [seen for part in parts for seen in part]


def _one(origin: str, role: str, folder: Path) -> list[Seen]:
    with chromium() as browser:
        found = crawl(browser, origin, role, ROLES[role], folder)
    faults = sum(len(seen.problems) for seen in found)
    print(f"{role}: {len(found)} pages, {faults} faults", flush=True)
    return found


def report(found: Sequence[Seen], folder: Path) -> int:
    """Print and write down what was seen; the exit code."""
    for seen in found:
        queries = "-" if seen.queries is None else seen.queries
        print(f"{seen.role:16} {seen.url:60} {seen.weight / 1024:7.0f} KiB {queries:>4} queries")
        for problem in seen.problems:
            print(f"    {problem}")
    (folder / "index.json").write_text(json.dumps([asdict(seen) for seen in found], indent=1))
    (folder / "index.html").write_text(_page(found))
    faults = sum(len(seen.problems) for seen in found)
    print(f"pages={len(found)} pictures={len(found) * len(WIDTHS) * len(SCHEMES)} faults={faults}")
    return int(bool(faults))


def _page(found: Sequence[Seen]) -> str:
    rows = "".join(
        f"<tr><td>{seen.role}<td>{html.escape(seen.url)}<td>{seen.weight // 1024} KiB<td>{seen.queries}"
        + "".join(
            f'<td><a href="{seen.name}-{width}-{scheme}.png">'
            f'<img loading="lazy" width="160" alt="{width} {scheme}" '
            f'src="{seen.name}-{width}-{scheme}.png"></a>'
            for width in WIDTHS
            for scheme in SCHEMES
        )
        + f"<td>{'<br>'.join(html.escape(problem) for problem in seen.problems)}"
        for seen in found
    )
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Pages</title>'
        f"<table><tr><th>role<th>page<th>weight<th>queries{'<th>picture' * 4}<th>faults{rows}</table></html>"
    )


if __name__ == "__main__":
    sys.exit(main())

"""The test command: brings what the tests need, runs them, and ends with one line of counts.

`unit=… api=… data=… fault=… skipped=0 page=… browser=…`; the exit code is not 0 when anything failed or was
skipped, or when a kind of test did not run at all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parents[1]
KINDS = ("unit", "api", "data", "fault", "page", "browser")
# Browser tests by themselves: Playwright keeps an event loop in the thread of whatever runs after it.
PARTS = ("not slow and not browser", "not slow and browser")
NOTHING_TO_RUN = 5  # pytest's exit code
# Command -> Debian package that brings it.
PROGRAMS = {"git": "git", "chromium": "chromium"}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", "--processes", default="2")
    parser.add_argument("--optimized", action="store_true", help="run everything under PYTHONOPTIMIZE=1")
    options, rest = parser.parse_known_args()
    bring()
    folder = Path(tempfile.mkdtemp())
    env = os.environ | {"AFTERCAST_DATA": str(folder / "data")}
    if options.optimized:
        env["PYTHONOPTIMIZE"] = "1"
    code, counts = 0, Counter[str]()
    for number, kinds in enumerate(PARTS):
        tally = folder / f"tally-{number}.json"
        command = [sys.executable, "-m", "pytest", "-q", "-m", kinds, "-n", options.processes]
        done = subprocess.run(
            [*command, "--dist", "loadfile", *rest],
            cwd=CHECKOUT,
            env=env | {"AFTERCAST_TEST_TALLY": str(tally)},
            check=False,
        )
        if done.returncode != NOTHING_TO_RUN or not rest:
            code = code or done.returncode
        counts.update(json.loads(tally.read_text()) if tally.exists() else {})
    shutil.rmtree(folder, ignore_errors=True)
    return verdict(code, counts, everything=not rest)


def verdict(code: int, counts: Mapping[str, int], *, everything: bool) -> int:
    """The exit code, after the closing line; part of a suite (`poe test PATH`) may lack a kind."""
    skipped = counts.get("skipped", 0)
    missing = [kind for kind in KINDS if not counts.get(kind)] if everything else []
    if missing:
        print(f"No test of these kinds ran: {', '.join(missing)}.")
    print(
        *(f"{kind}={counts.get(kind, 0)}" for kind in KINDS[:4]),
        f"skipped={skipped}",
        *(f"{kind}={counts.get(kind, 0)}" for kind in KINDS[4:]),
    )
    return code or int(bool(skipped or missing))


def bring() -> None:
    """Install what the tests call, as root; otherwise fail naming the package."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return
    if os.geteuid() != 0:
        names = " ".join(missing)
        sys.exit(f"The tests need these Debian packages: {names}. Install them: apt-get install {names}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", *missing], check=True)


if __name__ == "__main__":
    sys.exit(main())

"""Simulate every method that a verdict rests on, and print what it does beside what it may do.

`uv run poe verify-statistics [--runs 2000] [--seed 1] [--only NAME …] [--json]`; the exit code is 1 when a
figure lies outside its range. Rows without a range are naive methods, for contrast, or shown only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import zlib
from typing import TYPE_CHECKING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

import django

django.setup()

import numpy as np

from . import fields, many, regression, replays, swapping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .rows import Row

CHECKS: dict[str, Callable[[np.random.Generator, int], list[Row]]] = {
    "sign-flip": replays.sign_flip_services,
    "blocks": replays.blocks,
    "exact-binomial": replays.discordant,
    "delays": replays.delays,
    "log-ratio": replays.log_ratios,
    "recall": replays.recall_by_service,
    "wilson": replays.wilson,
    "contributions": replays.contributions,
    "published": fields.published_numbers,
    "welch": fields.welch,
    "permutation": fields.permutation,
    "log-rank": fields.log_rank,
    "counts": fields.differences,
    "severity": fields.severities,
    "remediation": fields.automation,
    "false-discoveries": many.false_discoveries,
    "peeking": many.peeking,
    "regression-counts": regression.counts_after_bad_weeks,
    "regression-durations": regression.durations_after_bad_weeks,
    "naive-peeking": many.naive_peeking,
    "naive-open": regression.dropped_open_incidents,
    "naive-bootstrap": regression.bootstrapped_sums,
    "swapped": swapping.check,
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    rows, started = [], time.process_time()
    for name in options.only or CHECKS:
        began = time.process_time()
        # Each check has a stream of its own, so that running it alone gives the same figures.
        random = np.random.default_rng([options.seed, zlib.crc32(name.encode())])
        found = CHECKS[name](random, options.runs)
        rows += found
        if not options.json:
            print(f"\n{name} ({time.process_time() - began:.1f} s)", *map(line, found), sep="\n", flush=True)
    return _close(options, rows, time.process_time() - started)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="poe verify-statistics", description=__doc__)
    parser.add_argument("--runs", type=_positive, default=2000, help="simulations of each figure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def line(row: Row) -> str:
    """One figure: what it is, how large, what is allowed."""
    allowed = "not judged" if row.allowed is None else f"{row.allowed[0]:.2f} to {row.allowed[1]:.2f}"
    mark = "  <-- OUTSIDE" if row.inside is False else ""
    return (
        f"  {row.method:<44} {row.scenario:<62} {row.quantity:<25} {row.value:6.3f}  [{allowed}]"
        f"  n={row.runs}{mark}"
    )


def _close(options: argparse.Namespace, rows: list[Row], seconds: float) -> int:
    outside = [row for row in rows if row.inside is False]
    if options.json:
        print(
            json.dumps(
                {
                    "runs": options.runs,
                    "seed": options.seed,
                    "seconds": round(seconds, 1),
                    "ok": not outside,
                    "outside": [row.as_dict() for row in outside],
                    "rows": [row.as_dict() for row in rows],
                },
                indent=1,
            )
        )
        return int(bool(outside))
    judged = sum(row.allowed is not None for row in rows)
    print(f"\n{judged} figures judged, {len(outside)} outside their range; {seconds:.0f} s of one core.")
    for row in outside:
        print(f"Outside: {row.method}, {row.scenario}: {row.quantity} {row.value:.3f}")
    return int(bool(outside))


if __name__ == "__main__":
    sys.exit(main())

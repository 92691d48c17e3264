"""`manage.py replay`: what learnt signals are worth on labelled series, held out in time."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.common.errors import DomainError
from apps.embedded import database
from apps.embedded.errors import EmbeddedError
from apps.evaluation import inputs, misdealing, replay
from apps.features import store
from apps.insights import replaying
from apps.telemetry.sources import BrokenFileError

if TYPE_CHECKING:
    from argparse import ArgumentParser

MAX_DEALS = 1_000


class Command(BaseCommand):
    help = (
        "Learn signals from the first part of labelled series, publish them into a scratch feature store, "
        "read them back, and compare three arms on the later part: one default, plain thresholds, insights."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--nab", type=Path, metavar="ARCHIVE", help="the Numenta benchmark's real series (tar.gz)"
        )
        parser.add_argument("--series", type=Path, metavar="DIR", help="folder/file.csv with timestamp,value")
        parser.add_argument("--incidents", type=Path, metavar="FILE.csv", help="series,start,end")
        parser.add_argument(
            "--direct", action="store_true", help="skip the feature store; the figures are equal"
        )
        parser.add_argument(
            "--wrong-insights",
            type=number_of_deals,
            metavar="N",
            help="also deal each series the insights of others N times, blindly and behind the gate",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        settings.OUTBOX_HINTS = (
            False  # this process does its own outbox; no worker knows the scratch database
        )
        try:
            given = self._inputs(options)
            found = self._replay(
                given,
                direct=options["direct"],
                deals=options["wrong_insights"],
                quiet=options["json"] or not sys.stderr.isatty(),
            )
        except (BrokenFileError, DomainError, EmbeddedError, replaying.NotServedError, OSError) as error:
            raise CommandError(str(error)) from error
        found["seconds"] = round(time.monotonic() - started, 3)
        if options["json"]:
            self.stdout.write(json.dumps(found, allow_nan=False))
        else:
            self._tell(found)

    def _inputs(self, options: dict[str, Any]) -> inputs.Inputs:
        if options["nab"] and not (options["series"] or options["incidents"]):
            return inputs.from_archive(options["nab"])
        if options["series"] and options["incidents"] and not options["nab"]:
            return inputs.from_folder(options["series"], options["incidents"])
        raise CommandError("Give either --nab ARCHIVE, or both --series DIR and --incidents FILE.csv.")

    def _replay(
        self, given: inputs.Inputs, *, direct: bool, deals: int | None, quiet: bool
    ) -> dict[str, Any]:
        for file in given.skipped:
            self.stderr.write(f"warning: left aside: {file}")
        for name in given.unknown:
            self.stderr.write(f"warning: {name} has incidents but no samples; it is left out")
        with Bar(quiet=quiet) as bar:
            study = replay.prepare(given, bar.step)
            lessons = replay.learn(study, bar.step)
            vectors: Any = lessons.vectors
            facts: dict[str, Any] = {"release": None, "features_read": 0, "via": "direct"}
            if not direct:
                with database.running(), database.scratch():
                    try:
                        vectors, release, values = replaying.through_store(
                            vectors, split_hash=study.split_hash
                        )
                    finally:
                        store.close_stores()
                facts = {"release": release.number, "features_read": values, "via": "feast"}
            found = replay.report(study, lessons, vectors, bar.step) | facts
            if deals is not None:
                found["wrong_insights"] = misdealing.deal(study, lessons, deals=deals, progress=bar.step)
            return found

    def _tell(self, found: dict[str, Any]) -> None:
        columns = ("recall", "false_alarms_per_day", "precision", "f1", "utility", "median_delay_s")
        self.stdout.write(f"{'arm':<16}{'detected':>10}" + "".join(f"{name:>22}" for name in columns))
        for name, arm in found["arms"].items():
            cells = "".join(
                f"{'-' if arm[column] is None else round(arm[column], 3):>22}" for column in columns
            )
            self.stdout.write(f"{name:<16}{arm['detected']:>4} of {arm['incidents']:<3}{cells}")
        ratio = found["series_log_ratio"]
        self.stdout.write(
            f"false alarms, insights against default: ln ratio {ratio['estimate']} "
            f"[{ratio['low']}, {ratio['high']}] per series (negative is better), "
            f"sign-flip p {found['sign_flip_p']}"
        )
        if "wrong_insights" in found:
            self._tell_of_deals(found["wrong_insights"])
        self.stdout.write(
            f"lambda {found['lambda']}, split {found['split_hash'][:16]}, via {found['via']}, "
            f"{found['seconds']} s"
        )

    def _tell_of_deals(self, wrong: dict[str, Any]) -> None:
        self.stdout.write(
            f"insights of others, dealt {wrong['deals']} times: the gate let {wrong['adopted']} of "
            f"{wrong['dealt']} through; utility {wrong['ungated_mean_utility']} blindly, "
            f"{wrong['gated_mean_utility']} behind the gate, {wrong['default_mean_utility']} by default; "
            f"not worse than the default in {wrong['not_worse_than_default']} of {wrong['deals']}"
        )


def number_of_deals(text: str) -> int:
    """A whole number from 1 to 1,000.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DEALS:
        raise ArgumentTypeError(f"a whole number from 1 to {MAX_DEALS:,}, not {text!r}")
    return int(text)


class Bar:
    """One progress bar per phase, on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, phase: str, done: int, total: int) -> None:
        """The progress callback of a replay."""
        if phase != self._phase:
            if self._bar is not None:
                self._bar.close()
            self._phase, self._bar = (
                phase,
                tqdm(total=total, desc=phase, disable=self._quiet, file=sys.stderr),
            )
        self._bar.update(done - self._bar.n)

"""`manage.py ablate`: what a release is worth on held-out telemetry, and what each insight contributes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.errors import DomainError
from apps.embedded import database
from apps.embedded.errors import EmbeddedError
from apps.insights import ablating
from apps.insights.ablating import Question
from apps.insights.release_steps import NOTHING

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = (
        "Replay a release against another, or against the default, on the held-out telemetry of this "
        "installation, and say what each insight contributes to the difference."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", type=int, required=True, metavar="N", help="the release to judge")
        parser.add_argument(
            "--against", type=int, default=NOTHING, metavar="M", help="another release; without: the default"
        )
        parser.add_argument(
            "--split", default="", help="a name or hash: fails if the held-out data are not those of before"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        question = Question(options["release"], options["against"], split=options["split"])
        try:
            with database.running():
                figures = ablating.run(question).figures
        except (DomainError, EmbeddedError) as error:
            remedy = getattr(error, "remedy", None)
            raise CommandError(f"{error} {remedy}" if remedy else str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        else:
            self._tell(figures)

    def _tell(self, figures: dict[str, Any]) -> None:
        for name, words in (("against", figures["against"] or "default"), ("release", figures["release"])):
            arm = figures["arms"][name]
            self.stdout.write(
                f"{words!s:>8}: {arm['detected']} of {arm['incidents']} incidents, "
                f"{arm['false_alarms']} false alarms in {arm['monitored_days']:.1f} days, "
                f"utility {arm['utility']:.2f}"
            )
        for metric, found in figures["difference"].items():
            self.stdout.write(
                f"{metric}: {_number(found['effect'])} [{_number(found['low'])}, {_number(found['high'])}], "
                f"p {found['p']:.3f}, n {found['n']}: {found['verdict']}"
            )
        for one in figures["contributions"]:
            self.stdout.write(
                f"  insight {one['insight'] or '-'} ({one['change']}): {one['shapley']:+.3f} utility, "
                f"{one['leave_one_out']:+.3f} if it alone is left out: {one['title']}"
            )
        self.stdout.write(
            f"contributions sum to {figures['sum_of_contributions']:+.3f}; split {figures['split_hash'][:16]}"
        )


def _number(value: float | None) -> str:
    return "open" if value is None else f"{value:+.3f}"

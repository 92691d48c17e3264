"""`manage.py impact ACTION`: what was measured of an action that is done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.errors import DomainError
from apps.embedded import database
from apps.embedded.errors import EmbeddedError
from apps.impact import asking, reporting, telling, wording

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from apps.impact.models import Verdict


class Command(BaseCommand):
    help = (
        "Print the newest verdict on an action; measure it if there is none. A further look (--again) is "
        "counted, and makes every finding harder."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", type=int, metavar="ACTION", help="number of the action")
        parser.add_argument("--again", action="store_true", help="take one more look, which is counted")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database.running():
                verdict = asking.verdict_on(options["action"], again=options["again"])
                self._print(verdict, as_json=options["json"])
        except (DomainError, EmbeddedError) as error:
            raise CommandError(str(error)) from error

    def _print(self, verdict: Verdict, *, as_json: bool) -> None:
        adjusted = reporting.of(verdict)
        found = telling.as_report(verdict, adjusted)
        if as_json:
            self.stdout.write(json.dumps(found, allow_nan=False))
            return
        shown = wording.shown(verdict, adjusted)
        self.stdout.write(f"Action {verdict.action_id}: {verdict.action.title}")
        self.stdout.write(f"{shown.headline}")
        rows = {
            "evidence": f"{verdict.get_evidence_display().lower()}: {shown.basis}",
            "metric": verdict.get_metric_display(),
            "figures": shown.figures,
            "effect": f"{shown.effect} (95 % interval {shown.interval})",
            "chance": shown.probability,
            "counted": f"{shown.counted}; left out: {shown.excluded}",
            "controls": ", ".join(found["controls"]) if found["controls"] else "",
            "would find": shown.smallest,
            "to tell": shown.needed,
            "method": verdict.method,
            "look": str(verdict.look),
            "split": f"{verdict.split_hash[:16]} data {verdict.data_hash[:16]} code {verdict.code[:16]}",
        }
        for name, text in rows.items():
            if text:
                self.stdout.write(f"  {name:<11}{text}")

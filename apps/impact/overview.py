"""The report as a page shows it: replay and field apart, plots by metric, what waits. Reads only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.utils import timezone

from . import due, reporting, wording
from .field import planning
from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.actions.models import ActionItem
    from apps.ui.charts import Forest

    from .reporting import Adjusted
    from .wording import Shown

DRAWN = 30
"""Rows of one plot; the table below pages through all."""
WAITING = 20


@dataclass(frozen=True)
class Evidence:
    """One kind of evidence: how its verdicts are shared out, and a plot for each metric."""

    code: str
    title: str
    text: str
    counts: list[tuple[str, str, int]]
    pictures: list[Forest]
    rows: list[Shown]
    total: int


@dataclass(frozen=True)
class Waiting:
    """A done action whose weeks are not over, and until when."""

    action: ActionItem
    until: datetime


TEXTS = {
    "replay": (
        "By replay",
        "Both ways over the same held-out telemetry: the only difference is the lesson.",
    ),
    "field": (
        "In the field",
        "Incidents before and after the action. Observed, so other things changed as well.",
    ),
}


def shown_verdicts(evidence: str, reader: User) -> QuerySet[Verdict]:
    """The newest verdict of every action, of one kind of evidence."""
    newest = Verdict.objects.newest().values("pk")
    return Verdict.objects.visible_to(reader).filter(pk__in=newest, evidence=evidence).with_names()


def evidence(
    code: str, said: Mapping[int, Adjusted], reader: User, *, rows: Sequence[Verdict] | None = None
) -> Evidence:
    """One kind of evidence with its plots, the largest gain first; `rows` are those of its table."""
    title, text = TEXTS[code]
    found = shown_verdicts(code, reader)
    numbers = found.order_by().values_list("pk", flat=True)
    outcomes = Counter(said[pk].verdict for pk in numbers if pk in said)
    drawn = list(found.order_by("metric", "effect", "pk")[: DRAWN * 4])
    plots = [
        wording.picture(list(group)[:DRAWN], said) for _, group in groupby(drawn, key=lambda one: one.metric)
    ]
    table = found.order_by("-pk")[:DRAWN] if rows is None else rows
    return Evidence(
        code=code,
        title=title,
        text=text,
        counts=[(str(one), one.label, outcomes[one]) for one in Verdict.Outcome],
        pictures=[plot for plot in plots if plot],
        rows=[wording.shown(verdict, said.get(verdict.pk)) for verdict in table],
        total=sum(outcomes.values()),
    )


def waiting() -> list[Waiting]:
    """Done actions whose effect the field will show, the next one first."""
    now = timezone.now()
    found = [Waiting(one, planning.complete_at(one)) for one in due.unmeasured()[:WAITING]]
    return sorted((one for one in found if one.until > now), key=lambda one: (one.until, one.action.pk))


def both(reader: User) -> list[Evidence]:
    """Replay and field, each on its own."""
    said = reporting.report()
    return [evidence(code, said, reader) for code in TEXTS]

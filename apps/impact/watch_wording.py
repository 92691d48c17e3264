"""The prospective test in words and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.sequences import FIRST_LOOK
from apps.telemetry import reading
from apps.ui.charts import Line, TimeChart, time_chart

from .models import WatchLook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.models import User
    from apps.insights.models import Insight

NEWEST = 120  # looks drawn
LISTED = 30
FEW_FOR_A_LINE = 2
TONES = {
    WatchLook.Decision.TOO_FEW: "warn",
    WatchLook.Decision.WATCHING: "neutral",
    WatchLook.Decision.BETTER: "good",
    WatchLook.Decision.WORSE: "bad",
    WatchLook.Decision.LOSING: "bad",
}


@dataclass(frozen=True)
class Shown:
    """What the panel shows: the newest look, a sentence on it, and those before."""

    newest: WatchLook | None
    tone: str
    headline: str
    figures: str
    looks: list[WatchLook]
    chart: TimeChart | None


def shown(insight: Insight, *, reader: User) -> Shown:
    """The panel of one insight; one query."""
    found = WatchLook.objects.visible_to(reader).filter(insight=insight).order_by("-pk")[:NEWEST]
    looks = list(found)
    newest = looks[0] if looks else None
    if newest is None:
        return Shown(None, "neutral", _nothing(insight), "", [], None)
    same = [look for look in looks if look.release == newest.release]
    return Shown(
        newest=newest,
        tone=TONES[WatchLook.Decision(newest.decision)],
        headline=_headline(newest),
        figures=_figures(newest),
        looks=looks[:LISTED],
        chart=_chart(list(reversed(same))),
    )


def _nothing(insight: Insight) -> str:
    if insight.active_revision is None:
        return "It is watched from the day on which it is served."
    return (
        "It is watched from now on. The first look comes when a day is over and has settled for another day."
    )


def _headline(look: WatchLook) -> str:
    if look.withdrawn_by:
        return f"{look.get_decision_display()}: withdrawn by release {look.withdrawn_by}"
    if look.decision == WatchLook.Decision.TOO_FEW:
        return f"Too few data: {look.n} days differ, {FIRST_LOOK} are needed before anything is said"
    if look.decision == WatchLook.Decision.WATCHING:
        return "Neither better nor worse is shown so far"
    return str(look.get_decision_display())


def _figures(look: WatchLook) -> str:
    counts = (
        f"On {look.days} days since release {look.release}: {look.false_after} false alarms with it, "
        f"{look.false_before} without. Of {look.incidents} incidents, {look.gained or 'none'} gained and "
        f"{look.lost or 'none'} lost."
    )
    if look.effect is None:
        return counts
    bounds = f"{_signed(look.low)} to {_signed(look.high)}"
    return f"{counts} A day pays {_signed(look.effect)} false alarms for it ({bounds})."


def _chart(looks: Sequence[WatchLook]) -> TimeChart | None:
    known = [look for look in looks if look.effect is not None]
    if len(known) < FEW_FOR_A_LINE:
        return None
    times = np.array(
        [reading.to_us(datetime.combine(look.through, time.min, UTC)) for look in known], dtype=np.int64
    )
    lines = [
        Line(label, times, np.array([getattr(look, name) for look in known], dtype=np.float64), tone)
        for label, name, tone in (
            ("Upper bound", "high", "neutral"),
            ("A day pays", "effect", "info"),
            ("Lower bound", "low", "neutral"),
        )
    ]
    zero = Line("No difference", times, np.zeros(len(known)), "warn")
    return time_chart(
        lines=[*lines, zero],
        start_us=int(times[0]),
        end_us=int(times[-1]),
        unit="false alarms a day",
        title="What the insight costs a day, with the bounds that hold at every look",
        height=150,
    )


def _signed(number: float | None) -> str:
    if number is None:
        return "no bound"
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")

"""An action in words: when it is due, how urgent it is, how it will be judged."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from apps.ui import figures

from .models import FIELD_METRICS, Metric, Test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import ActionItem

SOON = timedelta(days=7)
FAR_DAYS = 60
NAMED = 5  # services that a sentence can carry
DIFFERENCES = (Metric.RECALL, Metric.SEVERITY, Metric.REMEDIATION)
TOLD = ("metric", "direction", "smallest_effect", "population", "window_days", "settle_days", "test")


def due_in_words(due_on: date, today: date) -> str:
    """`Overdue by 3 days`, `Due today`, `Due in 5 days`; the date itself when it is far."""
    days = (due_on - today).days
    if days < 0:
        return f"Overdue by {_days(-days)}"
    if days == 0:
        return "Due today"
    if days == 1:
        return "Due tomorrow"
    return f"Due in {_days(days)}" if days <= FAR_DAYS else f"Due {due_on.day} {due_on:%b %Y}"


def urgency(due_on: date, today: date) -> str:
    """`overdue`, `due_soon` (within a week) or `later`."""
    if due_on < today:
        return "overdue"
    return "due_soon" if due_on <= today + SOON else "later"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def criterion_in_words(told: Mapping[str, Any]) -> str:
    """The criterion in sentences: what should move, by how much, compared how, judged how.

    `told` has metric, direction, smallest_effect (as stored), population, window_days, settle_days and test.
    """
    metric = Metric(told["metric"])
    where = _listed(told["population"].get("services", []))
    effect = told["smallest_effect"]
    least = f" by at least {_effect(metric, effect)}" if effect is not None else ""
    open_end = "" if least else " No smallest effect is declared, so nobody can say whether it would be seen."
    return (
        f"{metric.label}{f' of {where}' if where else ''} should go {told['direction']}{least}.{open_end} "
        f"{_comparison(metric, told)} Judged by: {_lowered(Test(told['test']).label)}."
    )


def criterion_of(action: ActionItem) -> str:
    """The criterion of an action in words; empty where nothing is measured."""
    return criterion_in_words({name: getattr(action, name) for name in TOLD}) if action.metric else ""


def _comparison(metric: Metric, told: Mapping[str, Any]) -> str:
    if metric not in FIELD_METRICS:
        return "Compared: replays of the insight with and without its signals, on telemetry new to it."
    settle = told["settle_days"]
    rest = f", the first {_days(settle)} left out" if settle else ""
    days = _days(told["window_days"])
    return f"Compared: the {days} before with the {days} after it is done{rest}."


def _effect(metric: Metric, value: float) -> str:
    if metric == Metric.TIME_TO_DETECT:
        return figures.duration(value)
    per_cent = f"{value * 100:.6g}"
    return f"{per_cent} percentage points" if metric in DIFFERENCES else f"{per_cent} %"


def _listed(slugs: list[str]) -> str:
    if len(slugs) > NAMED:
        return f"{', '.join(slugs[:NAMED])} and {len(slugs) - NAMED} more services"
    return " and ".join([", ".join(slugs[:-1]), slugs[-1]] if len(slugs) > 1 else slugs)


def _lowered(label: str) -> str:
    """The label inside a sentence; a name keeps its capital."""
    return label if label.startswith(("Welch", "Wilson")) else label[0].lower() + label[1:]

"""A comparison of releases in words that somebody who never saw a p-value can act on, and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from apps.evaluation import differences
from apps.ui import figures
from apps.ui.charts import Forest, ForestRow, forest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

TONES = {
    differences.IMPROVED: "good",
    differences.WORSE: "bad",
    differences.NO_EVIDENCE: "neutral",
    differences.TOO_FEW_DATA: "warn",
}
VERDICTS = {
    differences.IMPROVED: "Better than chance would explain",
    differences.WORSE: "Worse than chance would explain",
    differences.NO_EVIDENCE: "No evidence of a difference",
    differences.TOO_FEW_DATA: "Too few data",
}
MEANS = {
    differences.IMPROVED: "What was seen is unlikely to be luck.",
    differences.WORSE: "What was seen is unlikely to be bad luck: look at the insights that cost most.",
    differences.NO_EVIDENCE: "There were enough data to see a large difference; luck explains this one.",
    differences.TOO_FEW_DATA: "That is what happened on the past that was replayed; what it says of the "
    "future cannot be told yet.",
}
BECAME = {
    "added": "added",
    "removed": "removed",
    "revised": "revised",
    "unchanged": "the same in both",
    "other": "not of an insight",
}
LEFT_OUT = {
    "drills": ("drill", "drills"),
    "unscored": ("incident across the cut", "incidents across the cut"),
    "own_incidents": ("incident that an insight was learnt from", "incidents that insights were learnt from"),
    "series_without_held_out_part": ("series without later samples", "series without later samples"),
}


@dataclass(frozen=True)
class ArmRow:
    """One figure of both releases."""

    label: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class ServiceRow:
    """One service under both releases; contributions that are not zero, the largest first."""

    name: str
    incidents: int
    detected: str
    false_alarms: str
    utility: str
    parts: list[str]


@dataclass(frozen=True)
class ShareRow:
    """One insight: what it contributes, and what is lost if it alone is left out."""

    title: str
    href: str
    became: str
    share: str
    interval: str
    left_out: str
    detected: str
    false_alarms: str
    verdict: str
    families: str


@dataclass(frozen=True)
class Shown:
    """A comparison as a page shows it."""

    tone: str
    headline: str
    text: str
    basis: str
    excluded: str
    arms: list[ArmRow]
    picture: Forest | None
    shares: list[ShareRow]
    services: list[ServiceRow]
    total: str
    figures: Mapping[str, Any]


def shown(found: Mapping[str, Any], visible: Collection[int]) -> Shown:
    """All words of one comparison; titles of insights that the reader may not see are left out."""
    verdict = found["verdict"]
    utility = found["difference"]["utility"]
    n = found["n"]
    return Shown(
        tone=TONES[verdict],
        headline=_headline(verdict, utility),
        text=f"{_counts(found)} {MEANS[verdict]}",
        basis=f"Replayed on {n['days']:,.1f} held-out days of {n['series']} series in "
        f"{n['services']} services, with {n['incidents']} incidents. "
        f"One false alarm costs {found['lambda']:g} of a caught incident.",
        excluded=_excluded(found["excluded"]),
        arms=_arms(found),
        picture=_picture(found, visible),
        shares=[_share(one, visible) for one in _ordered(found)],
        services=[_service(name, row, found, visible) for name, row in sorted(found["by_service"].items())],
        total=_signed(found["sum_of_contributions"]),
        figures=found,
    )


def _headline(verdict: str, utility: Mapping[str, Any]) -> str:
    reason = utility["reason"]
    return f"{VERDICTS[verdict]}{f': {reason}' if reason else ''}."


def _counts(found: Mapping[str, Any]) -> str:
    before, after = found["arms"]["against"], found["arms"]["release"]
    return (
        f"On the same past, release {found['release']} raises {after['false_alarms']} false alarms where "
        f"{_name(found['against'])} raises {before['false_alarms']}, and catches {after['detected']} of "
        f"{after['incidents']} incidents where that catches {before['detected']}."
    )


def _name(number: int) -> str:
    return f"release {number}" if number else "the default"


def _arms(found: Mapping[str, Any]) -> list[ArmRow]:
    before, after = found["arms"]["against"], found["arms"]["release"]
    rows: list[tuple[str, str, Callable[[float | None], str]]] = [
        ("Incidents caught", "detected", figures.figure),
        ("Recall", "recall", figures.percent),
        ("False alarms", "false_alarms", figures.figure),
        ("False alarms a day", "false_alarms_per_day", figures.figure),
        ("Median time to detect", "median_delay_s", figures.duration),
        ("Utility", "utility", figures.figure),
    ]
    return [
        ArmRow(label, show(before[key]), show(after[key]), _change(key, found["difference"].get(key)))
        for label, key, show in rows
    ]


def _change(metric: str, entry: Mapping[str, Any] | None) -> str:
    """The difference with its interval; of recall in percentage points."""
    if entry is None or entry["effect"] is None:
        return ""
    unit, scale = (" points", 100) if metric == "recall" else ("", 1)
    effect, low, high = (
        None if entry[name] is None else _signed(scale * entry[name]) for name in ("effect", "low", "high")
    )
    interval = f" ({low} to {high})" if low is not None and high is not None else ""
    return f"{effect}{unit}{interval}"


def _picture(found: Mapping[str, Any], visible: Collection[int]) -> Forest | None:
    rows = [
        ForestRow(
            label=_title(one, visible),
            low=one["low"],
            value=one["shapley"],
            high=one["high"],
            note=f"{BECAME[one['change']]}; {VERDICTS[one['verdict']].lower()}",
            href=_href(one, visible),
            tone=TONES[one["verdict"]],
        )
        for one in _ordered(found)
        if one["change"] != "unchanged"
    ]
    title = "Contribution of each insight, with 95 % interval over services"
    return forest(rows, unit="utility", title=title) if rows else None


def _ordered(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(found["contributions"], key=lambda one: (-abs(one["shapley"]), one["insight"] or 0))


def _share(one: Mapping[str, Any], visible: Collection[int]) -> ShareRow:
    interval = "" if one["low"] is None else f"{_signed(one['low'])} to {_signed(one['high'])}"
    families = sorted(one["by_family"].items(), key=lambda item: -abs(item[1]))
    return ShareRow(
        title=_title(one, visible),
        href=_href(one, visible),
        became=BECAME[one["change"]],
        share=_signed(one["shapley"]),
        interval=interval,
        left_out=_signed(one["leave_one_out"]),
        detected=_signed(one["by_metric"]["detected"]),
        false_alarms=_signed(one["by_metric"]["false_alarms"]),
        verdict=one["verdict"],
        families=", ".join(f"{name} {_signed(value)}" for name, value in families),
    )


def _service(
    name: str, row: Mapping[str, Any], found: Mapping[str, Any], visible: Collection[int]
) -> ServiceRow:
    parts = [
        (one["by_service"][name], _title(one, visible))
        for one in found["contributions"]
        if one["by_service"].get(name)
    ]
    return ServiceRow(
        name=name,
        incidents=row["incidents"],
        detected=f"{row['detected']['against']} → {row['detected']['release']}",
        false_alarms=f"{row['false_alarms']['against']} → {row['false_alarms']['release']}",
        utility=_signed(row["utility"]),
        parts=[f"{title} {_signed(value)}" for value, title in sorted(parts, key=lambda part: -abs(part[0]))],
    )


def _title(one: Mapping[str, Any], visible: Collection[int]) -> str:
    if one["insight"] is None or one["insight"] in visible:
        return str(one["title"])
    return f"Insight {one['insight']}"


def _href(one: Mapping[str, Any], visible: Collection[int]) -> str:
    return reverse("insights:detail", args=[one["insight"]]) if one["insight"] in visible else ""


def _excluded(numbers: Mapping[str, int]) -> str:
    said = [f"{number} {LEFT_OUT[name][number != 1]}" for name, number in numbers.items() if number]
    return ", ".join(said) or "nothing"


def _signed(value: float) -> str:
    """Three digits; rounding noise around zero is zero."""
    return figures.figure(0.0 if abs(value) < differences.NOTHING_MOVED else value, signed=True)

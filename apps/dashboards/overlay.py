"""One series on one time axis: samples, incidents, releases, and the alarms of both arms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from django.urls import reverse

from apps.common.canonical import digest
from apps.evaluation import comparison
from apps.features.models import ProfileRow
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series
from apps.ui.charts import Band, Lane, Line, Mark, TimeChart, time_chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.analysis.types import Interval, Telemetry

MAX_REPLAYED = 100_000  # samples: a year at five minutes; both arms then take a page about a second
SPANS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "28d": timedelta(days=28)}
KEPT = 32  # comparisons a process remembers; a page that is zoomed asks for the same one again


@dataclass(frozen=True)
class Window:
    """What part of a series is drawn; both ends in UTC."""

    start: datetime
    end: datetime
    span: str  # a key of SPANS, "all", or "chosen"

    @property
    def start_us(self) -> int:
        return reading.to_us(self.start)

    @property
    def end_us(self) -> int:
        return reading.to_us(self.end)


@dataclass(frozen=True, eq=False)
class Overlay:
    """Everything the page of a series shows. `compared` is None where the series is too long to replay."""

    series: Series
    window: Window
    chart: TimeChart | None
    compared: comparison.Comparison | None
    labels: list[OutcomeLabel]
    rows: list[ProfileRow]

    @property
    def served(self) -> dict[str, Any]:
        """The columns that are served now, null ones left out."""
        return dict(self.rows[0].values) if self.rows else {}


def window_of(series: Series, span: str, start: str, end: str) -> Window | None:
    """The part that was asked for, cut to what there is; None for a series without samples."""
    if series.first_at is None or series.last_at is None:
        return None
    first, last = series.first_at, series.last_at
    chosen = _moment(start), _moment(end)
    if chosen[0] is not None or chosen[1] is not None:
        low, high = max(chosen[0] or first, first), min(chosen[1] or last, last)
        if low < high:
            return Window(low, high, "chosen")
    if span in SPANS:
        return Window(max(first, last - SPANS[span]), last, span)
    return Window(first, last, "all")


def overlay(series: Series, window: Window | None) -> Overlay:
    """The series as detectors see it: one arm without insights, one with what is served now."""
    labels = list(OutcomeLabel.objects.trusted().filter(series=series).order_by("start_at", "pk"))
    rows = list(ProfileRow.objects.filter(series=series.pk).select_related("release").order_by("-release_id"))
    if window is None:
        return Overlay(series, Window(*_nothing(), "all"), None, None, labels, rows)
    compared = compared_now(series, rows[0].values if rows else {}, labels)
    telemetry = compared.telemetry if compared else reading.read(series.pk, window.start, window.end)
    chart = _chart(series, window, telemetry, compared, labels, rows)
    return Overlay(series, window, chart, compared, labels, rows)


def drawn(
    series: Series,
    window: Window,
    compared: comparison.Comparison,
    labels: Sequence[OutcomeLabel],
    lanes: tuple[str, str],
) -> Overlay:
    """A comparison that was made elsewhere, as a picture."""
    rows = list(ProfileRow.objects.filter(series=series.pk).order_by("-release_id"))
    chart = _chart(series, window, compared.telemetry, compared, labels, rows, lanes)
    return Overlay(series, window, chart, compared, list(labels), rows)


def compared_now(
    series: Series, served: Mapping[str, Any], labels: Sequence[OutcomeLabel]
) -> comparison.Comparison | None:
    """Both arms over the whole series; None where it has no samples, or more than `MAX_REPLAYED`."""
    if not 0 < series.samples <= MAX_REPLAYED:
        return None
    # What the answer depends on: samples are only ever added, labels and the served row may change.
    state = digest(
        {
            "samples": [series.samples, str(series.last_at)],
            "served": dict(served),
            "labels": [[str(x.start_at), str(x.end_at), x.kind, x.is_drill, x.is_holdout] for x in labels],
        }
    )
    return _compared(series.pk, state, _Vector(served))


class _Vector:
    """The served columns; `state` beside it in the cache's key stands for what they are."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Vector) and self.values == other.values

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=KEPT)
def _compared(series_id: str, state: str, served: _Vector) -> comparison.Comparison:
    return comparison.compare(series_id, {}, served.values)


def _chart(  # noqa: PLR0917
    series: Series,
    window: Window,
    telemetry: Telemetry,
    compared: comparison.Comparison | None,
    labels: Sequence[OutcomeLabel],
    rows: Sequence[ProfileRow],
    lanes: tuple[str, str] = ("Alarms without insights", "Alarms with what is served"),
) -> TimeChart:
    first, last = np.searchsorted(telemetry.times, [window.start_us, window.end_us + 1])
    drawn_lanes = (
        [
            Lane(lanes[0], "neutral", _spans(compared.before_alarms)),
            Lane(lanes[1], "info", _spans(compared.after_alarms)),
        ]
        if compared
        else []
    )
    return time_chart(
        lines=[Line(series.metric, telemetry.times[first:last], telemetry.values[first:last], "info")],
        bands=[_band(label) for label in labels],
        lanes=drawn_lanes,
        marks=[
            Mark(
                f"Release {row.release_id}",
                reading.to_us(row.known_at),
                "info",
                reverse("features:release", args=[row.release_id]),
            )
            for row in rows
        ],
        start_us=window.start_us,
        end_us=window.end_us,
        unit=series.unit,
        title=f"{series.pk}, {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC",
        height=300,
    )


def _band(label: OutcomeLabel) -> Band:
    """An incident with its page, or a benign burst."""
    number = incident_of(label)
    href = reverse("incidents:detail", args=[number]) if number else ""
    incident = label.kind == OutcomeLabel.Kind.INCIDENT
    return Band(
        f"Incident {number}" if number else ("Incident" if incident else "Benign"),
        reading.to_us(label.start_at),
        reading.to_us(label.end_at),
        "bad" if incident else "neutral",
        href,
    )


def incident_of(label: OutcomeLabel) -> int | None:
    """The number of the incident that the label comes from."""
    name, _, number = label.source.partition(":")
    return int(number) if name == "incident" and number.isdigit() else None


def _spans(intervals: Sequence[Interval]) -> list[tuple[int, int]]:
    return [(interval.start_us, interval.end_us) for interval in intervals]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _nothing() -> tuple[datetime, datetime]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch, epoch


def outcomes(shown: Overlay) -> list[dict[str, Any]]:
    """Each incident of the replay with its page and both delays, newest first."""
    if shown.compared is None:
        return []
    numbers = {
        (reading.to_us(label.start_at), reading.to_us(label.end_at)): incident_of(label)
        for label in shown.labels
        if label.kind == OutcomeLabel.Kind.INCIDENT
    }
    return [
        {
            "number": numbers.get((outcome.interval.start_us, outcome.interval.end_us)),
            "start": reading.from_us(outcome.interval.start_us),
            "minutes_s": (outcome.interval.end_us - outcome.interval.start_us) / 1e6,
            "outcome": outcome,
        }
        for outcome in reversed(shown.compared.incidents)
    ]

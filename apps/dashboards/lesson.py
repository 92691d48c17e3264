"""One lesson's whole way, from the incident to the measured effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Max, Min, Sum

from apps.actions.models import ActionItem
from apps.alerts.models import Alarm
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.evaluation import comparison
from apps.features.models import FeatureUse, Release
from apps.features.names import ACTIVE_SERVICE
from apps.impact.models import Verdict
from apps.insights import composition, gating, wording
from apps.insights.models import Activation, Revision
from apps.postmortems.models import Recommendation
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series

from . import overlay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.accounts.models import User
    from apps.incidents.models import Incident
    from apps.insights.models import Approval, GateResult
    from apps.postmortems.models import Observation, Postmortem

ENDS = ("resolved", "mitigated")  # the later end first
ALARMS_SHOWN = 3
LANES = ("Alarms without this lesson", "Alarms with it")
SHOWN = 20  # actions, verdicts and readers of one lesson
SERIES_COUNTED = 12  # of a wide scope; the verdict's page has all of them


@dataclass(frozen=True)
class Pulled:
    """Who reads a release that carries the lesson."""

    consumer: str
    reads: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, eq=False)
class OnSeries:
    """What the lesson does on one series: `before` as detectors would watch without it, `after` with it."""

    series: Series
    compared: comparison.Comparison

    @property
    def false_alarms(self) -> tuple[int, int]:
        """On the held-out part."""
        before, after = self.compared.test
        return before.false_alarms, after.false_alarms


@dataclass(frozen=True, eq=False)
class Lesson:
    """Every station that the lesson has reached; a station that is not reached is None or empty."""

    revision: Revision
    signals: list[str]
    postmortem: Postmortem | None
    incident: Incident | None
    alarms: list[Alarm]
    recommendation: Recommendation | None
    observations: list[Observation]
    gate: GateResult | None
    approvals: list[Approval]
    release: Release | None
    pulled: list[Pulled]
    actions: list[ActionItem]
    verdicts: list[Verdict]
    on_series: list[OnSeries]
    confidence: float

    @property
    def verdict(self) -> Verdict | None:
        """The newest measurement."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def held_out(self) -> tuple[int, int]:
        """False alarms on the held-out parts of the series shown, without and with the lesson."""
        return (
            sum(one.false_alarms[0] for one in self.on_series),
            sum(one.false_alarms[1] for one in self.on_series),
        )


def trace(revision: Revision, user: User) -> Lesson:
    """Follow the newest or served revision of an insight through every room; a fixed number of queries."""
    served = _served(revision)
    postmortem = served.source_postmortem
    incident = postmortem.incident if postmortem else None
    recommendation = _recommendation(served)
    activation = Activation.objects.filter(revision=served).first()
    release = Release.objects.filter(pk=activation.release).first() if activation else None
    return Lesson(
        revision=served,
        signals=[wording.signal(signal.kind, signal.value) for signal in served.signals.all()],
        postmortem=postmortem,
        incident=incident,
        alarms=_alarms(incident, user),
        recommendation=recommendation,
        observations=list(recommendation.cites.all()) if recommendation else [],
        gate=composition.deciding_result(served),
        approvals=list(served.approvals.select_related("approver").order_by("pk")),
        release=release,
        pulled=_pulled(release),
        actions=list(
            ActionItem.objects.visible_to(user)
            .filter(insight_id=served.insight_id)
            .select_related("owner")
            .order_by("pk")[:SHOWN]
        ),
        verdicts=list(
            Verdict.objects.visible_to(user)
            .filter(insight=served.insight_id)
            .select_related("action")
            .order_by("-pk")[:SHOWN]
        ),
        # Whoever sees the held-out part before two people have decided would decide, or revise, by it.
        on_series=_on_series(served) if activation else [],
        confidence=composition.effective_confidence(served),
    )


def _served(revision: Revision) -> Revision:
    """The revision that acts, or the newest while none does."""
    active = revision.insight.active_revision or revision.number
    return (
        Revision.objects.select_related(
            "insight__author",
            "author",
            "source_postmortem__incident__severity",
            "source_postmortem__incident__service",
            "source_postmortem__author",
        )
        .prefetch_related("signals", "gate_results", "overrides", "scores")
        .get(insight=revision.insight_id, number=active)
    )


def _alarms(incident: Incident | None, user: User) -> list[Alarm]:
    """What detectors reported on the incident's series while it lasted, the earliest first."""
    if incident is None:
        return []
    times = incident.times_by_kind()
    end = next((times[kind].at for kind in ENDS if kind in times and times[kind].at is not None), None)
    if end is None:
        return []
    names = list(incident.series.values_list("pk", flat=True))
    found = Alarm.objects.visible_to(user).filter(series__in=names, at__range=(incident.occurred_at, end))
    return list(found.select_related("reported_by").order_by("at", "pk")[:ALARMS_SHOWN])


def _recommendation(revision: Revision) -> Recommendation | None:
    """The recommendation whose lines the revision cites."""
    return (
        Recommendation.objects.filter(
            postmortem=revision.source_postmortem_id,
            first_line__lte=revision.last_line,
            last_line__gte=revision.first_line,
        )
        .prefetch_related("cites")
        .first()
    )


def _pulled(release: Release | None) -> list[Pulled]:
    """Consumers that have read the active features at this release or a later one, the latest first."""
    if release is None:
        return []
    rows = (
        FeatureUse.objects.filter(release__gte=release.number, feature_service=ACTIVE_SERVICE)
        .values("consumer")
        .annotate(all_reads=Sum("reads"), first=Min("first_at"), last=Max("last_at"))
        .order_by("-last")[:SHOWN]
    )
    return [Pulled(row["consumer"], row["all_reads"], row["first"], row["last"]) for row in rows]


def _on_series(revision: Revision) -> list[OnSeries]:
    """What others serve, and that with the lesson, on its series; the one with the largest change first.

    The same two arms as in its verdict. At most `SERIES_COUNTED` series and `MAX_REPLAYED` samples in all.
    """
    change = gating.columns(revision)
    names = reading.resolve(revision.scope)
    others = gating.served_vectors(dict.fromkeys(names), without=revision.insight_id)
    found: list[OnSeries] = []
    left = overlay.MAX_REPLAYED
    for series in Series.objects.filter(pk__in=names, samples__gt=0).order_by("pk")[:SERIES_COUNTED]:
        left -= series.samples
        if left < 0:
            break
        before = others.get(series.pk, {})
        case = gating.ready(reading.read(series.pk), reading.labels(series.pk))[1]
        arms = apply(DEFAULT_SETTING, before), apply(DEFAULT_SETTING, {**before, **change})
        found.append(OnSeries(series, comparison.weigh(series.pk, case, *arms)))
    found.sort(key=lambda one: one.false_alarms[1] - one.false_alarms[0])
    return found


def drawn(lesson: Lesson) -> overlay.Overlay | None:
    """The first series of the lesson with both arms, for the picture."""
    if not lesson.on_series:
        return None
    first = lesson.on_series[0]
    window = overlay.window_of(first.series, "all", "", "")
    labels: Sequence[OutcomeLabel] = list(
        OutcomeLabel.objects.trusted().filter(series=first.series).order_by("start_at", "pk")
    )
    return overlay.drawn(first.series, window, first.compared, labels, LANES) if window else None

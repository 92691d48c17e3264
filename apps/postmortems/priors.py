"""What reviews tell of failures: how a service is likely to fail, and what ends a failure.

Counted are the newest reviews of counted incidents (own, real, not held out), one an incident, as in `facts`.
Codes `unknown` count as no label. Computed whenever a review is filed or an incident changes, over all
reviews, and put as new rows where something differs: a later correction is a row, never an edit.

`failure_mode_prior`: a review with k modes counts 1/k for each; the fleet's shares count as `FLEET_WEIGHT`
reviews of the service (`analysis.modes`). Chances have three digits: more would be a new row for nothing.

`remediation_prior`: of the reviews of a mode on a tier (and on `any` tier), attempted is each remediation
that the review names as what ended the harm, or that a try at the incident tells of. It succeeded if the
review names it, or the try says so, and the incident has a recorded mitigation or resolution and was not
taken up again within a day of it. Times of successes run from the start of the impact to its mitigation,
else its resolution, where both are recorded (`timed` says in how many).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection

from apps.analysis import modes
from apps.analysis.stats import wilson
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.catalog.models import Service, Term
from apps.features import facts
from apps.incidents.codes import EventKind, State, TimeKind
from apps.incidents.models import Incident, IncidentEvent, IncidentTime, RemediationAttempt

from .models import Postmortem, PostmortemLabel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KIND = "postmortems.priors"
MODES_VIEW = "failure_mode_prior"
REMEDIES_VIEW = "remediation_prior"
ANY_TIER = "any"
FLEET_WEIGHT = 4.0
REOPENED_WITHIN = timedelta(hours=24)
SYMPTOMS = ("trigger", "detection", "timing")  # what is known before anybody knows the failure mode
UNKNOWN = "unknown"
DIGITS = 3
_LOCK = 4_226_011  # one computation at a time, so that none puts what an older look had seen

_OVER = frozenset({State.MITIGATED, State.RESOLVED, State.LEARNING, State.CLOSED})
_AGAIN = frozenset({State.TRIAGE, State.INVESTIGATING, State.IDENTIFIED})


@dataclass(frozen=True)
class Reviewed:
    """One counted review: its service, its codes by vocabulary, and how its incident ended."""

    service: str
    codes: Mapping[str, frozenset[str]]
    tries: Mapping[str, bool]  # remediations that tools or people told of, and whether one of those did it
    has_ended: bool
    seconds: float | None


@dataclass
class _Tried:
    attempted: int = 0
    succeeded: int = 0
    seconds: list[float] = field(default_factory=list)


def ask(key: str) -> None:
    """Have the priors computed after the commit."""
    outbox.add(kind=KIND, key=key)


def refresh(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `postmortems.priors`: compute all and put what differs.

    Of many that wait only the newest does the work.
    """
    del payload
    own = Outbox.objects.filter(kind=KIND, key=key).values_list("pk", flat=True).first()
    if own is not None and Outbox.objects.filter(kind=KIND, state="pending", pk__gt=own).exists():
        return
    put_all()


def put_all() -> None:
    """Put the priors of every service, failure mode and tier, as the reviews say now.

    Each row in a transaction of its own, since the lock of facts is everybody's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            _put_all()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _put_all() -> None:
    reviews = counted_reviews()
    slugs = list(Service.objects.order_by("slug").values_list("slug", flat=True))
    rows = {(MODES_VIEW, slug): values for slug, values in mode_priors(reviews, slugs).items()}
    rows |= {(REMEDIES_VIEW, entity): values for entity, values in remediation_priors(reviews).items()}
    for view in (MODES_VIEW, REMEDIES_VIEW):
        for row in facts.newest(view):  # what is told no more: a service or mode whose last review went
            rows.setdefault((view, row.entity), {**dict.fromkeys(row.values), "n_reviews": 0})
    for (view, entity), values in sorted(rows.items()):
        facts.put(view=view, entity=entity, values=values)


def counted_reviews() -> list[Reviewed]:
    """The newest review of each counted incident, in order; a query for each kind of row."""
    newest = {
        row.incident_id: row
        for row in Postmortem.objects.newest()
        .filter(kind=Postmortem.Kind.INCIDENT, incident__in=Incident.objects.counted())
        .select_related("service")
        .defer("narrative")
        .order_by("incident_id", "pk")
    }
    codes: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for postmortem, vocabulary, code in PostmortemLabel.objects.filter(
        postmortem__in=[row.pk for row in newest.values()]
    ).values_list("postmortem_id", "term__vocabulary_id", "term__code"):
        if code != UNKNOWN:
            codes[postmortem][vocabulary].add(code)
    times: dict[int, dict[str, Any]] = defaultdict(dict)
    for incident, kind, at in IncidentTime.objects.filter(incident__in=newest, status="recorded").values_list(
        "incident_id", "kind", "at"
    ):
        times[incident][kind] = at
    tries: dict[int, dict[str, bool]] = defaultdict(dict)
    for incident, code, outcome in RemediationAttempt.objects.filter(incident__in=newest).values_list(
        "incident_id", "remediation__code", "outcome"
    ):
        did_it = outcome == RemediationAttempt.Outcome.SUCCEEDED
        tries[incident][code] = tries[incident].get(code, False) or did_it
    again = _taken_up_again(newest)
    return [
        Reviewed(
            service=row.service.slug,
            codes={vocabulary: frozenset(found) for vocabulary, found in codes[row.pk].items()},
            tries=tries[pk],
            has_ended=_end(times[pk]) is not None and pk not in again,
            seconds=_seconds(times[pk]),
        )
        for pk, row in newest.items()
        if pk is not None
    ]


def mode_priors(reviews: Sequence[Reviewed], services: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The columns of `failure_mode_prior` by service; nothing at all while there is no review."""
    known = [review for review in reviews if review.codes.get("failure_mode")]
    if not known:
        return {}
    current = Term.objects.filter(vocabulary="failure_mode", retired=False).values_list("code", flat=True)
    names = sorted(({*current} - {UNKNOWN}).union(*(review.codes["failure_mode"] for review in known)))
    place = {name: number for number, name in enumerate(names)}
    counts: dict[str, Any] = defaultdict(lambda: np.zeros(len(names)))
    totals: Counter[str] = Counter()
    for review in known:
        found = review.codes["failure_mode"]
        totals[review.service] += 1
        for mode in found:
            counts[review.service][place[mode]] += 1 / len(found)
    fleet = modes.fleet_shares(np.sum(list(counts.values()), axis=0))
    priors = {}
    for service in services:
        chances = modes.shrunk_shares(counts[service], fleet, FLEET_WEIGHT)
        lines: list[dict[str, Any]] = [
            {"mode": name, "n": round(float(n), DIGITS), "chance": round(float(chance), DIGITS)}
            for name, n, chance in zip(names, counts[service], chances, strict=True)
        ]
        lines.sort(key=lambda line: (-line["chance"], line["mode"]))
        priors[service] = {
            "n_reviews": totals[service],
            "prior_weight": FLEET_WEIGHT,
            "top_mode": lines[0]["mode"],
            "top_chance": lines[0]["chance"],
            "modes_json": lines,
        }
    return priors


def remediation_priors(reviews: Sequence[Reviewed]) -> dict[str, dict[str, Any]]:
    """The columns of `remediation_prior` by `failure_mode/service_tier`, the tier `any` included."""
    groups: dict[str, list[Reviewed]] = defaultdict(list)
    for review in reviews:
        for mode in review.codes.get("failure_mode", ()):
            for tier in {ANY_TIER, *review.codes.get("service_tier", ())}:
                groups[f"{mode}/{tier}"].append(review)
    return {entity: _remedies(group) for entity, group in groups.items()}


def _remedies(reviews: Sequence[Reviewed]) -> dict[str, Any]:
    tried: dict[str, _Tried] = defaultdict(_Tried)
    symptoms: dict[str, Counter[str]] = {vocabulary: Counter() for vocabulary in SYMPTOMS}
    for review in reviews:
        named = review.codes.get("remediation", frozenset())
        for code in named | review.tries.keys():
            success = review.has_ended and (code in named or review.tries[code])
            tried[code].attempted += 1
            tried[code].succeeded += success
            tried[code].seconds += [review.seconds] if success and review.seconds is not None else []
        for vocabulary, counter in symptoms.items():
            counter.update(review.codes.get(vocabulary, ()))
    lines = sorted(
        (_line(code, found) for code, found in tried.items()),
        key=lambda line: (-line["succeeded"], -line["attempted"], line["remediation"]),
    )
    top = lines[0] if lines else None
    return {
        "n_reviews": len(reviews),
        "top_remediation": top and top["remediation"],
        "top_attempted": top and top["attempted"],
        "top_succeeded": top and top["succeeded"],
        "top_success_share": top and top["success_share"],
        "top_median_s": top and top["median_s"],
        "remediations_json": lines,
        "symptoms_json": {vocabulary: dict(counter) for vocabulary, counter in symptoms.items()},
    }


def _line(code: str, found: _Tried) -> dict[str, Any]:
    share = wilson(found.succeeded, found.attempted)
    return {
        "remediation": code,
        "attempted": found.attempted,
        "succeeded": found.succeeded,
        "success_share": found.succeeded / found.attempted,
        "low": round(share.low or 0.0, DIGITS),
        "high": round(1.0 if share.high is None else share.high, DIGITS),
        "timed": len(found.seconds),
        "median_s": float(np.median(found.seconds)) if found.seconds else None,
    }


def _end(times: Mapping[str, Any]) -> Any:
    return times.get(TimeKind.MITIGATED) or times.get(TimeKind.RESOLVED)


def _seconds(times: Mapping[str, Any]) -> float | None:
    start, end = times.get(TimeKind.IMPACT_START), _end(times)
    return (end - start).total_seconds() if start and end else None


def _taken_up_again(incidents: Iterable[int | None]) -> set[int]:
    """Incidents that were worked on again within a day of having been called over."""
    over: dict[int, Any] = {}
    again = set()
    for event in IncidentEvent.objects.filter(incident__in=incidents, kind=EventKind.STATE).order_by("pk"):
        state = (event.change("state") or {}).get("after")
        if state in _OVER:
            over.setdefault(event.incident_id, event.at)
        elif state in _AGAIN:
            ended_at = over.pop(event.incident_id, None)
            if ended_at is not None and event.at - ended_at <= REOPENED_WITHIN:
                again.add(event.incident_id)
    return again

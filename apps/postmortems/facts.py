"""What reviews tell of a service: shares for its history, each of `n_reviews`.

Counted are the newest reviews of counted incidents (own, real, not held out), one an incident. A review whose
label is missing or `unknown` counts in `n_reviews` and in no share, so each share is a lower bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.catalog.models import Service
from apps.features import facts
from apps.incidents.models import Incident

from . import priors
from .models import Postmortem
from .words import CHANGES, PEOPLE_NOTICED

if TYPE_CHECKING:
    from collections.abc import Iterable

VIEW = "service_history"


def push(service: Service) -> None:
    """Compute the shares of a service and put them, in the caller's transaction.

    The row of the service is locked first: of two reviews filed at once the second counts both.
    """
    Service.objects.select_for_update(of=("self",), no_key=True).get(pk=service.pk)
    facts.put(view=VIEW, entity=service.slug, values=shares(service))


def incident_changed(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `incidents.changed`: what counts may have changed, so count again.

    An incident that becomes a drill, is held out or declined takes its reviews out of every fact.
    """
    services = Service.objects.filter(postmortems__incident=payload["incident"]).distinct().order_by("pk")
    for service in services:
        with transaction.atomic():  # each on its own: the lock of facts must not wait for the next service
            push(service)
    if services:
        priors.ask(f"incident:{key}")


def shares(service: Service) -> dict[str, Any]:
    """`n_reviews` and the three shares of it, None while there is no review."""
    reviews = _counted(service)
    n = len(reviews)
    if n == 0:
        return {
            "n_reviews": 0,
            "repeat_share": None,
            "human_detected_share": None,
            "change_induced_share": None,
        }
    codes = [_codes(review) for review in reviews]
    return {
        "n_reviews": n,
        "repeat_share": _repeats([of["failure_mode"] for of in codes]) / n,
        "human_detected_share": sum(not of["detection"].isdisjoint(PEOPLE_NOTICED) for of in codes) / n,
        "change_induced_share": sum(not of["trigger"].isdisjoint(CHANGES) for of in codes) / n,
    }


def _counted(service: Service) -> list[Postmortem]:
    """One review an incident, the newest, in the order in which the incidents happened."""
    rows = (
        Postmortem.objects.newest()
        .filter(service=service, kind=Postmortem.Kind.INCIDENT, incident__in=Incident.objects.counted())
        .select_related("incident")
        .prefetch_related("labels__term")
        .order_by("incident__occurred_at", "incident_id", "pk")
    )
    return list({row.incident_id: row for row in rows}.values())


def _codes(review: Postmortem) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"failure_mode": set(), "detection": set(), "trigger": set()}
    for label in review.labels.all():
        found.setdefault(label.term.vocabulary_id, set()).add(label.term.code)
    return found


def _repeats(modes: Iterable[set[str]]) -> int:
    """How many failed in a way in which an earlier one of the same service had failed."""
    known: set[str] = set()
    repeats = 0
    for of in modes:
        repeats += not of.isdisjoint(known)
        known |= of
    return repeats

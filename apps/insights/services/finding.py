"""Take note of what was found of an insight, and serve the confidence that follows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.common.errors import InvalidInputError
from apps.features import releases
from apps.insights import composition, missteps
from apps.insights.models import Activation, Finding, Insight, Revision

MAX_METHOD = 200  # characters
MAX_REFERENCE = 200
ACTOR = "evidence"  # of ledger lines and releases that a finding causes

if TYPE_CHECKING:
    from apps.features.models import Release


@transaction.atomic
def note_finding(
    insight: Insight,
    *,
    source: str,
    reference: str,
    outcome: str,
    effect: float | None,
    low: float | None,
    high: float | None,
    p: float | None,
    n: int,
    method: str,
    split_hash: str,
) -> Finding:
    """Keep one finding about an insight; where that changes the served confidence, append a release with it.

    Safe to repeat: a look that is known by (`source`, `reference`) changes nothing. Takes the release lock
    before any row, and writes to the audit chain last: callers inside a transaction of their own call it
    before they write to the chain. Infinite figures are kept as null.

    Raises:
        InvalidInputError: an unknown source or outcome, no reference or method, or a claim without data.
    """
    _check(source, reference, outcome, n, method)
    releases.lock()
    locked = Insight.objects.select_for_update(of=("self",)).get(pk=insight.pk)
    known = Finding.objects.filter(source=source, reference=reference).first()
    if known is not None:
        return known
    looked_at = _looked_at(locked)
    before = composition.standing_of(looked_at)
    finding = Finding(
        insight=locked,
        revision=looked_at.number,
        source=source,
        reference=reference,
        outcome=outcome,
        effect=_finite(effect),
        low=_finite(low),
        high=_finite(high),
        p=_finite(p),
        n=n,
        method=method,
        split_hash=split_hash,
    )
    after = composition.standing_of(looked_at, also=finding)
    changes = locked.active_revision is not None and before.served != after.served
    finding.release = releases.next_number() if changes else None
    finding.save()
    missteps.found(finding, looked_at)
    if changes:
        _serve(locked, finding, before.served, after.served)
    ledger.record(
        actor=ACTOR,
        action="finding_noted",
        object_type="insight",
        object_id=locked.pk,
        data={
            "source": source,
            "reference": reference,
            "outcome": outcome,
            "n": n,
            "release": finding.release,
        },
    )
    return finding


def _serve(insight: Insight, finding: Finding, before: float, after: float) -> Release:
    return releases.append_release(
        kind="revise",
        author=ACTOR,
        reason=f"Insight {insight.pk}: {finding.get_source_display().lower()} {finding.reference} found "
        f"{finding.get_outcome_display().lower()}; confidence {before:.3f} becomes {after:.3f}.",
        manifest=composition.manifest(),
        changes=composition.compose(composition.covered(insight)),
    )


def _looked_at(insight: Insight) -> Revision:
    """The revision that is served, else the last that was, else the newest (a shadow run)."""
    revisions = Revision.objects.filter(insight=insight).select_related("insight")
    if insight.active_revision is not None:
        return revisions.get(number=insight.active_revision)
    activated = revisions.filter(pk__in=Activation.objects.values("revision")).order_by("-number").first()
    return activated or revisions.get(number=insight.revision)


def _check(source: str, reference: str, outcome: str, n: int, method: str) -> None:
    if source not in Finding.Source.values:
        raise InvalidInputError(
            f"Unknown source {source!r}.",
            field="source",
            remedy=f"One of {', '.join(Finding.Source.values)}.",
        )
    if outcome not in Finding.Outcome.values:
        raise InvalidInputError(
            f"Unknown outcome {outcome!r}.",
            field="outcome",
            remedy=f"One of {', '.join(Finding.Outcome.values)}.",
        )
    for field, value, limit in (("reference", reference, MAX_REFERENCE), ("method", method, MAX_METHOD)):
        if not 0 < len(value.strip()) <= limit:
            raise InvalidInputError(f"Name the {field}, in at most {limit} characters.", field=field)
    if n < 0 or (n == 0 and outcome in (Finding.Outcome.IMPROVED, Finding.Outcome.WORSE)):
        raise InvalidInputError("A finding rests on data.", field="n")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

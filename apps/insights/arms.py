"""The two arms of an experiment as vectors by series: what is served now, and the same with one revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.telemetry import reading

from . import composition
from .drafts import specificity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from .models import Insight, Revision

    Arms: TypeAlias = dict[str, tuple[Mapping[str, object], Mapping[str, object]]]


def of_revision(revision: Revision, *, served: bool) -> Arms:
    """As `of_proposal`; where it is or was served, before is what would be served without its insight."""
    found = of_proposal(revision)
    if not served:
        return found
    others = _vectors(found, without=revision.insight_id)
    return {name: (others[name], after) for name, (_, after) in found.items()}


def of_proposal(revision: Revision) -> Arms:
    """Before: what is served now. After: the same without its insight's older signals, with the revision's.

    Of two signals of one kind the narrower scope speaks, as when it will be served.
    """
    series = reading.resolve(revision.scope)
    served = _vectors(series)
    others = _vectors(series, without=revision.insight_id)
    ranks = composition.ranks(series, without=revision.insight_id)
    return {
        name: (served[name], {**others[name], **_columns(revision, ranks.get(name, {}))}) for name in series
    }


def of_served(insight: Insight) -> Arms:
    """Before: what would be served without the insight. After: what is; on the series it speaks for."""
    series = sorted(composition.covered(insight))
    without, served = _vectors(series, without=insight.pk), _vectors(series)
    return {name: (without[name], served[name]) for name in series}


def _vectors(series: Iterable[str], *, without: int | None = None) -> dict[str, Mapping[str, object]]:
    found = composition.compose(series, without=without)
    return {name: content.values if content else {} for name, content in found.items()}


def _columns(revision: Revision, ranks: Mapping[str, int]) -> dict[str, object]:
    own = specificity(revision.scope)
    return {
        name: value
        for signal in revision.signals.all()
        if ranks.get(signal.kind, -1) <= own
        for name, value in signal.columns.items()
    }

"""Replay on the last days: what a revision changes in alerts and pages, by service. Reads only.

Until a revision is served these are the last days of the training part of each series, as in `evidence`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.analysis import lately
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.common.errors import InvalidInputError

from . import arms, gating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.lately import Lately

    from .models import Revision

DAYS = (7, 14, 28, 90)
USUAL_DAYS = 28


@dataclass(frozen=True)
class LastDays:
    """What would have paged by service, the one that changes most first; `reason` where nothing is known.

    `served`: the days are the last of all telemetry, else of the training part. `silent`: series of the
    scope without a sample in these days.
    """

    days: int
    served: bool
    services: list[tuple[str, Lately]] = field(default_factory=list)
    total: Lately = field(default_factory=lately.Lately)
    silent: int = 0
    reason: str = ""


def days_of(text: str) -> int:
    """The number of days that somebody asked for; the usual one for an empty text.

    Raises:
        InvalidInputError: none of `DAYS`.
    """
    choices = {str(days): days for days in DAYS} | {"": USUAL_DAYS}
    if text not in choices:
        raise InvalidInputError(
            f"{text[:20]!a} is no span to replay.",
            field="days",
            remedy="Ask for 7, 14, 28 or 90 days.",
        )
    return choices[text]


def last_days(revision: Revision, *, served: bool, days: int) -> LastDays:
    """Both arms on the last `days` of every series of the scope; may take seconds.

    Before and after are those of `evidence.evidence`. Where the scope has more samples than one request may
    replay, or the signals contradict what is in force, the reason says so and there are no figures.
    """
    if not gating.columns(revision):
        return LastDays(days, served, reason="It is prose: there is no signal to replay.")
    samples = gating.sample_count(revision.scope)
    if samples > gating.MAX_SAMPLES:
        reason = f"The scope has {samples:,} samples; at most {gating.MAX_SAMPLES:,} are replayed at once."
        return LastDays(days, served, reason=reason)
    try:
        by_series = _replayed(revision, served=served, days=days)
    except ValueError as clash:
        return LastDays(days, served, reason=f"It contradicts what is in force: {clash}.")
    seen = {name: one for name, one in by_series.items() if one.series}
    if not seen:
        reason = "None of its series has enough samples in this part."
        return LastDays(days, served, silent=len(by_series), reason=reason)
    return LastDays(
        days, served, _by_service(seen), lately.total(seen.values()), silent=len(by_series) - len(seen)
    )


def _replayed(revision: Revision, *, served: bool, days: int) -> Mapping[str, Lately]:
    vectors = arms.of_revision(revision, served=served)
    result = {}
    for name, (telemetry, labels) in gating.history(revision.scope).items():
        before, after = (apply(DEFAULT_SETTING, vector) for vector in vectors[name])
        case = gating.ready(telemetry, labels)[1]
        result[name] = lately.replay(case, before, after, days=days, whole=served)
    return result


def _by_service(found: Mapping[str, Lately]) -> list[tuple[str, Lately]]:
    sums: dict[str, Lately] = defaultdict(lately.Lately)
    for name, one in found.items():
        sums[name.partition("/")[0]] += one
    return sorted(sums.items(), key=lambda row: (-row[1].gained - row[1].lost, row[0]))

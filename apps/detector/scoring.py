"""From a profile and a series to alarms."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.analysis import detector
from apps.analysis.profiles import DEFAULT_SETTING, apply

from .files import iso

if TYPE_CHECKING:
    from apps.analysis.types import Setting, Telemetry

    from .folder import Profile

log = logging.getLogger("aftercast.detector")
IN_FORCE = "active"


@dataclass(frozen=True, slots=True)
class Finding:
    """One series judged: the setting that was used, the release it came from, and the alarms to report."""

    series: str
    setting: Setting
    release: int | None
    samples: int
    alarms: list[dict[str, Any]]


def setting_of(profile: Profile) -> tuple[Setting, int | None]:
    """The setting of a series and the release it comes from.

    Whatever is not in force (withdrawn, withheld, expired, never released) leaves the default, and so does a
    vector that this detector does not understand: it must go on watching.
    """
    if profile.status != IN_FORCE:
        return DEFAULT_SETTING, profile.release
    try:
        return apply(DEFAULT_SETTING, profile.vector), profile.release
    except ValueError as exc:
        log.warning("profile_not_understood series=%s release=%s: %s", profile.series, profile.release, exc)
        return DEFAULT_SETTING, None


def judge(profile: Profile, telemetry: Telemetry, *, since_us: int | None = None) -> Finding:
    """Alarms of a series, at or after `since_us` only; what came before still teaches what to expect."""
    setting, release = setting_of(profile)
    prepared = detector.prepare(telemetry)
    scores = detector.scores(prepared, setting)
    hits = np.flatnonzero(detector.alarms(prepared, setting))
    alarms = [
        {
            "series": profile.series,
            "at": iso(int(telemetry.times[row])),
            "score": float(scores[row]),
            "release": release,
        }
        for row in hits
        if since_us is None or telemetry.times[row] >= since_us
    ]
    return Finding(profile.series, setting, release, len(telemetry), alarms)

"""The shop's detector: the reference detector, reading the served features in-process as a consumer.

A model of a real installation runs outside and reads by Feast or HTTP; the demo has nobody outside, so the
worker plays it once after the first releases are readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apps.accounts.models import User
from apps.alerts.services import Report, report_alarms
from apps.analysis import detector, profiles
from apps.features import reading, store
from apps.features.models import Release
from apps.features.names import ACTIVE_SERVICE
from apps.features.usage import uses
from apps.telemetry import reading as telemetry
from apps.telemetry.models import Series

from .cast import DETECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KIND = "demo.detect"
CONSUMER = f"{DETECTOR}/demo"
RECENT_US = 86_400_000_000  # what the detector looks at once it has read the features: the last day


class NotYetError(Exception):
    """The newest release is not readable yet; the outbox tries again."""


def report_past(names: Sequence[str], by: User) -> None:
    """What the detector would have reported over the four weeks before it knew of any release."""
    for name in names:
        _report(name, {}, by, release=None, since_us=0)


def detect(*, key: str, payload: dict[str, Any]) -> None:  # the outbox calls every handler like this
    """Outbox handler: read the served features of every series, and alarm by them on the last day.

    Raises:
        NotYetError: the newest release is not readable yet.
    """
    if Release.objects.filter(served_at=None).exists():
        raise NotYetError("a release waits for its publication")
    by = User.objects.get(username=DETECTOR)
    names = list(Series.objects.filter(samples__gt=0).order_by("pk").values_list("pk", flat=True))
    now = reading.standing()
    selection = reading.select(now, feature_service=ACTIVE_SERVICE)
    columns = reading.read(
        store.open_store(), selection, names, now=now, min_confidence=None, consumer=CONSUMER
    )
    values = {column.name: column.values for column in columns}
    for position, name in enumerate(names):
        row = {column: found[position] for column, found in values.items() if found[position] is not None}
        _report(name, row, by, release=row.get("release"), since_us=RECENT_US)
    uses.flush()


def _report(name: str, row: Mapping[str, object], by: User, *, release: Any, since_us: int) -> None:
    """Alarm samples of one series; of a long episode the first of each hour, as detectors report."""
    samples = telemetry.read(name)
    if not len(samples):
        return
    setting = profiles.apply(profiles.DEFAULT_SETTING, row)
    prepared = detector.prepare(samples)
    scores = detector.scores(prepared, setting)
    found = np.flatnonzero(scores >= min(setting.theta, detector.SCORE_MAX))
    if since_us:
        found = found[samples.times[found] >= samples.times[-1] - since_us]
    hours = samples.times[found] // 3_600_000_000
    first = found[np.flatnonzero(np.diff(hours, prepend=-1))] if found.size else found
    reports = [
        Report(name, telemetry.from_us(int(samples.times[row_])), float(scores[row_]), release)
        for row_ in first
    ]
    if reports:
        report_alarms(reports=reports, by=by)

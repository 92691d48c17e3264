"""The telemetry of the demo shop, loaded through the same services as any other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.utils import timezone

from . import services
from .generate import CADENCE_US, Generated, generate
from .models import Series
from .reading import to_us
from .sources import Label, Report, SeriesFile

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

SOURCE = "demo"


def load_demo_telemetry(
    *, end: datetime | None = None, by: User | None = None, with_incidents: bool = True
) -> int:
    """Load four weeks of every series of the shop up to `end` (now), with labels; returns how many were new.

    Without incidents the harmless bursts alone are labelled: whoever declares incidents labels them by that.

    A series that has samples already stays as it is, so a second start of the demo changes nothing.
    """
    shop = generate(end_us=to_us(end or timezone.now()))
    wanted = [generated.series_id for generated in shop]
    there = set(Series.objects.filter(pk__in=wanted, samples__gt=0).values_list("pk", flat=True))
    new = [generated for generated in shop if generated.series_id not in there]
    for generated in new:
        services.import_series(reading=_reading(generated), by=by, source=SOURCE)
        Series.objects.filter(pk=generated.series_id).update(unit=generated.unit)
        labels = _labels(generated, with_incidents=with_incidents)
        services.import_labels(labels=labels, source=SOURCE, by=by)
    return len(new)


def _reading(generated: Generated) -> SeriesFile:
    digest = hashlib.sha256(generated.times.tobytes() + generated.values.tobytes()).hexdigest()
    samples = len(generated.times)
    report = Report(
        file=f"{SOURCE}:{generated.series_id}",
        sha256=digest,
        rows=samples,
        samples=samples,
        cadence_s=CADENCE_US / 1_000_000,
    )
    return SeriesFile(generated.series_id, generated.times, generated.values, report)


def _labels(generated: Generated, *, with_incidents: bool) -> list[Label]:
    incidents = generated.incidents if with_incidents else []
    kinds = (("incident", incidents), ("benign", generated.benign))
    return [Label(generated.series_id, interval, kind) for kind, intervals in kinds for interval in intervals]

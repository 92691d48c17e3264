"""Making a series known. A plain function, so that services of higher rooms may call it."""

from __future__ import annotations

from apps.catalog.services import ensure_service

from .models import Series
from .sources.names import metric_family, split_series_id


def ensure_series(series_id: str, *, source: str = "registered") -> Series:
    """The series of this id, made on first sight; its service is made with it.

    Raises:
        SeriesNameError: not a series id.
    """
    service, metric = split_series_id(series_id)
    known: Series | None = Series.objects.filter(pk=series_id).first()
    if known is not None:
        return known
    made: tuple[Series, bool] = Series.objects.get_or_create(
        pk=series_id,
        defaults={
            "service": ensure_service(service),
            "metric": metric,
            "metric_family": metric_family(metric),
            "source": source,
        },
    )
    return made[0]

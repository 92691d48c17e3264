from __future__ import annotations

from django.urls import path, register_converter

from . import quarantines, views


class SeriesIdConverter:
    """`service/metric`: two parts, so that `…/samples` behind them is not a third."""

    regex = "[^/]+/[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SeriesIdConverter, "series_id")

urlpatterns = [
    path("series", views.SeriesListView.as_view(), name="series-list"),
    path("series/import", views.SeriesImportView.as_view(), name="series-import"),
    path("series/<series_id:series_id>", views.SeriesView.as_view(), name="series"),
    path("series/<series_id:series_id>/samples", views.SamplesView.as_view(), name="series-samples"),
    path("incident-labels", views.IncidentLabelsView.as_view(), name="incident-labels"),
    path("labels/quarantine", quarantines.QuarantinesView.as_view(), name="label-quarantines"),
    path(
        "labels/quarantine/<int:pk>/release",
        quarantines.QuarantineReleaseView.as_view(),
        name="label-quarantine-release",
    ),
]

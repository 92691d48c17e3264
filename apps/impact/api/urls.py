from __future__ import annotations

from django.urls import path

from . import report, views, watch

urlpatterns = [
    path("impact", report.ImpactView.as_view(), name="impact"),
    path("learning-metrics", report.LearningMetricsView.as_view(), name="learning-metrics"),
    path("actions/<int:pk>/verdicts", views.VerdictsView.as_view(), name="action-verdicts"),
    path("insights/<int:pk>/watch", watch.WatchView.as_view(), name="insight-watch"),
]

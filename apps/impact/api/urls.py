from __future__ import annotations

from django.urls import path

from . import report, views

urlpatterns = [
    path("impact", report.ImpactView.as_view(), name="impact"),
    path("learning-metrics", report.LearningMetricsView.as_view(), name="learning-metrics"),
    path("actions/<int:pk>/verdicts", views.VerdictsView.as_view(), name="action-verdicts"),
]

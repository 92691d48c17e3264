from __future__ import annotations

from django.urls import path

from . import report_views, views, watch_views

app_name = "impact"
urlpatterns = [
    path("impact", report_views.report, name="report"),
    path("impact/power", report_views.power, name="power"),
    path("impact/learning", report_views.learning_page, name="learning"),
    path("actions/<int:pk>/verdict", views.action_panel, name="action-panel"),
    path("actions/<int:pk>/measure-again", views.measure_again, name="measure-again"),
    path("insights/<int:pk>/verdicts", views.insight_panel, name="insight-panel"),
    path("insights/<int:pk>/watch", watch_views.watch_panel, name="watch-panel"),
    path("verdicts/<int:pk>", views.show_verdict, name="verdict"),
    path("verdicts/<int:pk>.json", views.download_verdict, name="verdict-json"),
]

from __future__ import annotations

from django.urls import path

from .pages import contributions, home, lesson, search, series, services

app_name = "dashboards"
urlpatterns = [
    path("", home.home, name="home"),
    path("contributions", contributions.mine, name="contributions"),
    path("contributions/<str:username>", contributions.of_person, name="contributions-of"),
    path("search", search.search, name="search"),
    path("lessons/<int:pk>", lesson.show_lesson, name="lesson"),
    path("series", series.list_series, name="series-list"),
    path("series/<series_id:series_id>", series.show_series, name="series"),
    path("services", services.list_services, name="services"),
    path("services/<str:slug>", services.show_service, name="service"),
]

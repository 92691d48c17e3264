from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [path("alarms", views.AlarmsView.as_view(), name="alarms")]

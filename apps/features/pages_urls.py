"""Addresses of this room's pages."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "features"
urlpatterns = [
    path("releases", views.list_releases, name="releases"),
    path("releases/<int:number>", views.show_release, name="release"),
    path("releases/<int:number>/compare/<int:other>", views.compare_releases, name="compare"),
    path("releases/<int:number>/pin", views.pin_release, name="pin"),
    path("releases/<int:number>/unpin", views.unpin_release, name="unpin"),
    path("consumers", views.list_consumers, name="consumers"),
]

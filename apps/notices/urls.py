from __future__ import annotations

from django.urls import path

from . import views

app_name = "notices"
urlpatterns = [
    path("notices", views.list_notices, name="list"),
    path("notices/read", views.mark_all_read, name="read-all"),
    path("notices/<int:pk>/open", views.open_notice, name="open"),
    path("notices/<int:pk>/read", views.mark_read, name="read"),
    path("me/mail", views.preferences, name="preferences"),
]

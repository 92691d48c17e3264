from __future__ import annotations

from django.urls import path

from . import people, views

urlpatterns = [
    path("me", views.MeView.as_view(), name="me"),
    path("tokens", views.TokensView.as_view(), name="tokens"),
    path("tokens/<int:token_id>", views.TokenView.as_view(), name="token"),
    path("people", people.PeopleView.as_view(), name="people"),
    path("teams", people.TeamsView.as_view(), name="teams"),
]

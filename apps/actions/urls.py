from __future__ import annotations

from django.urls import path

from . import views

app_name = "actions"
urlpatterns = [
    path("actions", views.list_actions, name="list"),
    path("actions/new", views.new_action, name="new"),
    path("actions/<int:pk>", views.show_action, name="detail"),
    path("actions/<int:pk>/edit", views.edit_action, name="edit"),
    path("actions/<int:pk>/start", views.start, name="start"),
    path("actions/<int:pk>/done", views.done, name="done"),
    path("actions/<int:pk>/drop", views.drop, name="drop"),
    path("actions/<int:pk>/reassign", views.reassign, name="reassign"),
    path("actions/<int:pk>/reopen", views.reopen, name="reopen"),
]

from __future__ import annotations

from django.urls import path

from .views import items

app_name = "actions"
urlpatterns = [
    path("actions", items.list_actions, name="list"),
    path("actions/new", items.new_action, name="new"),
    path("actions/new/criterion", items.criterion, name="criterion"),
    path("actions/<int:pk>", items.show_action, name="detail"),
    path("actions/<int:pk>/edit", items.edit_action, name="edit"),
    path("actions/<int:pk>/start", items.start, name="start"),
    path("actions/<int:pk>/done", items.done, name="done"),
    path("actions/<int:pk>/drop", items.drop, name="drop"),
    path("actions/<int:pk>/reassign", items.reassign, name="reassign"),
    path("actions/<int:pk>/reopen", items.reopen, name="reopen"),
]

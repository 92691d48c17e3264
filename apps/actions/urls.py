from __future__ import annotations

from django.urls import path

from .views import completion, hooks, items, trackers

app_name = "actions"
urlpatterns = [
    path("actions", items.list_actions, name="list"),
    path("actions/completion", completion.show, name="completion"),
    path("actions/completion/targets", completion.set_target, name="targets"),
    path("actions/export.csv", completion.export, name="export"),
    path("actions/hand-over", completion.hand_over, name="hand-over"),
    path("actions/hand-over/<str:batch>/undo", completion.undo, name="hand-over-undo"),
    path("actions/new", items.new_action, name="new"),
    path("actions/new/criterion", items.criterion, name="criterion"),
    path("actions/<int:pk>", items.show_action, name="detail"),
    path("actions/<int:pk>/edit", items.edit_action, name="edit"),
    path("actions/<int:pk>/start", items.start, name="start"),
    path("actions/<int:pk>/done", items.done, name="done"),
    path("actions/<int:pk>/drop", items.drop, name="drop"),
    path("actions/<int:pk>/reassign", items.reassign, name="reassign"),
    path("actions/<int:pk>/reopen", items.reopen, name="reopen"),
    path("actions/<int:pk>/issue", items.link_issue, name="issue-link"),
    path("actions/<int:pk>/issue/unlink", items.unlink_issue, name="issue-unlink"),
    path("actions/<int:pk>/issue/again", items.look_again, name="issue-again"),
    path("trackers", trackers.list_trackers, name="trackers"),
    path("trackers/new", trackers.new_tracker, name="tracker-new"),
    path("trackers/<int:pk>", trackers.show_tracker, name="tracker"),
    path("trackers/<int:pk>/test", trackers.test_tracker, name="tracker-test"),
    path("trackers/<int:pk>/people", trackers.tracker_people, name="tracker-people"),
    path("trackers/<int:pk>/remove", trackers.remove_tracker, name="tracker-remove"),
    path("hooks/trackers/<str:key>", hooks.tracker_hook, name="tracker-hook"),
]

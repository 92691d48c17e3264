from __future__ import annotations

from django.urls import path

from . import completion, trackers, views, working

urlpatterns = [
    path("actions", views.ActionsView.as_view(), name="action-list"),
    path("actions/completion", completion.CompletionView.as_view(), name="action-completion"),
    path("actions/completion/targets", completion.TargetView.as_view(), name="action-targets"),
    path("actions/hand-over", completion.HandOverView.as_view(), name="action-hand-over"),
    path("actions/hand-over/<str:batch>/undo", completion.UndoView.as_view(), name="action-hand-over-undo"),
    path("actions/<int:pk>", views.ActionView.as_view(), name="action-detail"),
    path("actions/<int:pk>/done", views.DoneView.as_view(), name="action-done"),
    path("actions/<int:pk>/start", working.StartView.as_view(), name="action-start"),
    path("actions/<int:pk>/drop", working.DropView.as_view(), name="action-drop"),
    path("actions/<int:pk>/reassign", working.ReassignView.as_view(), name="action-reassign"),
    path("actions/<int:pk>/reopen", working.ReopenView.as_view(), name="action-reopen"),
    path("actions/<int:pk>/issue", trackers.IssueView.as_view(), name="action-issue"),
    path("trackers", trackers.TrackersView.as_view(), name="tracker-list"),
    path("trackers/<int:pk>", trackers.TrackerView.as_view(), name="tracker-detail"),
    path("trackers/<int:pk>/test", trackers.TestView.as_view(), name="tracker-test"),
    path("trackers/<int:pk>/people", trackers.PeopleView.as_view(), name="tracker-people"),
]

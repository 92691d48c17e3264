"""Routes of review."""

from __future__ import annotations

from django.urls import path

from . import last_days, missteps, review, review_actions, review_queue, worth

urlpatterns = [
    path("queue", review_queue.show_queue, name="queue"),
    path("insights", review.list_insights, name="list"),
    path("insights/<int:pk>", review.show_insight, name="detail"),
    path("insights/<int:pk>/evidence", review.show_evidence, name="evidence"),
    path("insights/<int:pk>/last-days", last_days.show_last_days, name="last-days"),
    path("insights/<int:pk>/approve", review_actions.approve, name="approve"),
    path("insights/<int:pk>/score", review_actions.score, name="score"),
    path("insights/<int:pk>/request-changes", review_actions.request_changes, name="request-changes"),
    path("insights/<int:pk>/reject", review_actions.reject, name="reject"),
    path("insights/<int:pk>/reopen", review_actions.reopen, name="reopen"),
    path("insights/<int:pk>/withdraw", review_actions.withdraw, name="withdraw"),
    path("insights/<int:pk>/lift-cap", review_actions.lift_cap, name="lift-cap"),
    path("missteps", missteps.list_missteps, name="missteps"),
    path("insights/<int:pk>/gate", review_actions.rerun_gate, name="gate"),
    path("postmortems/<int:pk>/insights", review.show_of_postmortem, name="postmortem-panel"),
    path("releases/<int:number>/compare/<int:other>/worth", worth.worth, name="worth"),
    path("releases/<int:number>/revert", review_actions.revert, name="revert"),
]

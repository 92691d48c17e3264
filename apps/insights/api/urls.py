from __future__ import annotations

from django.urls import path

from . import ablations, decisions, evidence, shadow, standing, views

urlpatterns = [
    path("insights", views.InsightList.as_view(), name="insight-list"),
    path("insights/<int:pk>", views.InsightDetail.as_view(), name="insight-detail"),
    path("insights/<int:pk>/approve", views.InsightApprove.as_view(), name="insight-approve"),
    path("insights/<int:pk>/dry-run", views.InsightDryRun.as_view(), name="insight-dry-run"),
    path("insights/<int:pk>/evidence", evidence.InsightEvidence.as_view(), name="insight-evidence"),
    path("insights/<int:pk>/gate", views.InsightGate.as_view(), name="insight-gate"),
    path("insights/<int:pk>/lift-cap", standing.InsightLiftCap.as_view(), name="insight-lift-cap"),
    path("missteps", standing.MisstepList.as_view(), name="misstep-list"),
    path("insights/<int:pk>/reject", decisions.InsightReject.as_view(), name="insight-reject"),
    path("insights/<int:pk>/reopen", decisions.InsightReopen.as_view(), name="insight-reopen"),
    path(
        "insights/<int:pk>/request-changes",
        decisions.InsightRequestChanges.as_view(),
        name="insight-request-changes",
    ),
    path("insights/<int:pk>/revise", views.InsightRevise.as_view(), name="insight-revise"),
    path("insights/<int:pk>/scores", views.InsightScores.as_view(), name="insight-scores"),
    path("insights/<int:pk>/withdraw", views.InsightWithdraw.as_view(), name="insight-withdraw"),
    path("insights/<int:pk>/shadow-runs", shadow.ShadowRuns.as_view(), name="shadow-runs"),
    path("insights/<int:pk>/shadow-runs/stop", shadow.ShadowStop.as_view(), name="shadow-stop"),
    path("shadow-runs/<int:pk>/readings", shadow.ShadowReadings.as_view(), name="shadow-readings"),
    path("queue", decisions.QueueView.as_view(), name="queue"),
    path("releases/<int:number>/ablations", ablations.AblationsView.as_view(), name="release-ablations"),
    path(
        "releases/<int:number>/ablations/<int:pk>", ablations.AblationView.as_view(), name="release-ablation"
    ),
    path("releases/<int:number>/revert", views.ReleaseRevert.as_view(), name="release-revert"),
]

from __future__ import annotations

from django.urls import path

from . import feature_views, release_views

urlpatterns = [
    path("features/online", feature_views.OnlineView.as_view(), name="features-online"),
    path("features/historical", feature_views.HistoricalView.as_view(), name="features-historical"),
    path("features/client.zip", feature_views.ClientFolderView.as_view(), name="features-client-folder"),
    path("features/lineage", feature_views.LineageView.as_view(), name="features-lineage"),
    path("releases", release_views.ReleasesView.as_view(), name="releases"),
    path("releases/<int:number>", release_views.ReleaseView.as_view(), name="release"),
    path(
        "releases/<int:number>/diff/<int:other>", release_views.ReleaseDiffView.as_view(), name="release-diff"
    ),
    path("releases/<int:number>/pin", release_views.PinView.as_view(), name="release-pin"),
    path("releases/<int:number>/unpin", release_views.UnpinView.as_view(), name="release-unpin"),
]

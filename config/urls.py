from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.common.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("", include("apps.features.urls")),
    path("api/v1/", include("apps.features.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("", include("apps.accounts.urls")),
    path("", include("apps.accounts.pages_urls")),
    path("", include("apps.notices.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.telemetry.urls")),
    path("", include("apps.incidents.urls")),
    path("", include("apps.features.pages_urls")),
    path("", include("apps.actions.urls")),
    path("", include("apps.postmortems.urls")),
    path("", include("apps.insights.urls")),
    path("", include("apps.impact.urls")),
    path("api/v1/", include("apps.accounts.api.urls")),
    path("api/v1/", include("apps.notices.api.urls")),
    path("api/v1/", include("apps.catalog.api.urls")),
    path("api/v1/", include("apps.telemetry.api.urls")),
    path("api/v1/", include("apps.alerts.api.urls")),
    path("api/v1/", include("apps.incidents.api.urls")),
    path("api/v1/", include("apps.actions.api.urls")),
    path("api/v1/", include("apps.postmortems.api.urls")),
    path("api/v1/", include("apps.insights.api.urls")),
    path("api/v1/", include("apps.impact.api.urls")),
    path("", include("apps.dashboards.urls")),  # last: speaks of series ids, as telemetry registers them
]

handler400 = "apps.common.problems.bad_request"
handler403 = "apps.common.problems.forbidden"
handler404 = "apps.common.problems.not_found"
handler500 = "apps.common.problems.server_error"

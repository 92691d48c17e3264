from __future__ import annotations

from .pages import editor_urls, review_urls, shadow_urls

app_name = "insights"
urlpatterns = [*editor_urls.urlpatterns, *review_urls.urlpatterns, *shadow_urls.urlpatterns]

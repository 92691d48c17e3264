from __future__ import annotations

from django.urls import re_path

from .api.feast_door import get_online_features

# A trailing slash in the client's `path` doubles the slash; a redirect would turn its POST into a GET.
urlpatterns = [re_path(r"^feast/+get-online-features$", get_online_features, name="feast-online")]

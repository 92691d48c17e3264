from __future__ import annotations

import pytest
from django.test import RequestFactory

from apps.demo import frame
from apps.demo.models import DemoInstallation

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def test_the_banner_follows_the_row_and_is_asked_for_rarely(django_assert_num_queries) -> None:
    request = RequestFactory().get("/")
    frame.forget()
    assert frame.banner(request) == {"demo": False}
    DemoInstallation.objects.create(pk=1)
    with django_assert_num_queries(0):
        assert frame.banner(request) == {"demo": False}  # seen a moment ago
    frame.forget()
    assert frame.banner(request) == {"demo": True}
    frame.forget()

"""The pages of quarantine in real Chromium: accessible, nothing sticks out, light and dark."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from apps.accounts.models import Role
from apps.telemetry import quarantining
from apps.telemetry.models import Quarantine
from tests.e2e.looking import chromium, examine
from tests.people import make_person
from tests.reading import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = Path(os.environ["AFTERCAST_UI_SHOTS"]) if "AFTERCAST_UI_SHOTS" in os.environ else None


def test_they_look_well(live_server, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    kim = make_person("kim", Role.OPERATOR)
    for name in ("mal", "robin"):
        made = Quarantine.objects.create(
            person=make_person(name, Role.RESPONDER),
            since=timezone.now(),
            reason="20 of 25 statements are contradicted by the others, 41 times the rate among the rest "
            "(1 of 75); exact test p = 1.2e-15, 4 authors tested.",
            checked=25,
            flips=20,
            rest_checked=75,
            rest_flips=1,
            p=1.2e-15,
            tested=4,
            labels=31,
        )
    quarantining.release(quarantine_id=made.pk, by=kim, reason="Looked at all of them: robin was right.")
    cookie = signed_in(kim).cookies[settings.SESSION_COOKIE_NAME].value
    first = Quarantine.objects.order_by("pk")[0]
    with chromium() as browser:
        context = browser.new_context(base_url=live_server.url)
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": cookie,
                    "domain": urlsplit(live_server.url).hostname or "",
                    "path": "/",
                }
            ]
        )
        page = context.new_page()
        for name, path in (("list", ""), ("release", f"/{first.pk}/release")):
            page.goto(f"/labels/quarantine{path}")
            assert "uarantine" in page.inner_text("main")
            assert examine(page, SHOTS, name) == []

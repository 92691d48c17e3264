"""Pages that look across rooms, on the demo's story."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.actions import services as actions
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.catalog.services import ensure_service
from apps.dashboards import agenda, finding, lesson, overlay, reads
from apps.demo import loading
from apps.evaluation import comparison
from apps.features import facts
from apps.insights import gating
from apps.insights.models import Insight
from apps.telemetry.models import Series
from tests.people import make_person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture(scope="module")
def story(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo, told once for this module and taken back at its end."""
    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        loading.load()
        yield
        transaction.set_rollback(True)
        atomic.__exit__(None, None, None)


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client


def text(client: Client, path: str, status: int = 200) -> str:
    reply = client.get(path)
    assert reply.status_code == status, path
    return re.sub(r"\s+", " ", reply.content.decode())


@pytest.mark.usefixtures("story")
class TestPages:
    def test_home_says_what_to_do_next_to_each_role(self) -> None:
        reviewer = text(signed_in("sam"), "/")
        assert "On cart requests only a fall matters" in reviewer
        responder = text(signed_in("robin"), "/")
        assert "Write the postmortem" in responder
        assert "On cart requests only a fall matters" not in responder.split("Follow one lesson")[0]
        viewer = text(signed_in("lee"), "/")
        assert "Nothing waits for you" in viewer

    def test_late_actions_come_first(self) -> None:
        robin = User.objects.get(username="robin")
        today = timezone.now().date()
        steps = agenda.steps(robin, today + timedelta(days=30))
        assert [step.tone for step in steps[:2]] == ["bad", "bad"]
        assert steps[0].why == "25 days overdue"
        assert steps[0].verb == "Finish"

    def test_the_loop_counts_what_its_links_lead_to(self) -> None:
        stations = {station.label: station for station in agenda.loop(User.objects.get(username="lee"))}
        assert stations["Insights"].count == Insight.objects.count()
        assert stations["Incidents"].count == 45
        assert stations["Postmortems"].count == 8

    def test_a_lesson_shows_the_figures_of_the_comparison(self) -> None:
        revision = reads.newest_revisions(User.objects.get(username="lee")).get(insight_id=first_insight())
        found = lesson.trace(revision, User.objects.get(username="lee"))
        compared = [
            comparison.compare(name, {}, gating.columns(revision)).test for name in revision.scope["series"]
        ]
        assert found.held_out == (
            sum(before.false_alarms for before, _ in compared),
            sum(after.false_alarms for _, after in compared),
        )
        assert found.incident is not None
        assert found.recommendation is not None
        assert [observation.number for observation in found.observations] == [1, 2]
        page = text(signed_in("lee"), f"/lessons/{first_insight()}")
        assert "Checkout slow again, taken for the settlement batch at first" in page
        assert "detector-shop" in page

    def test_a_person_sees_what_came_of_their_lessons(self) -> None:
        page = text(signed_in("robin"), "/contributions")
        assert "A burst stays below twice the usual level" in page
        assert 'href="/releases/1"' in page
        other = text(signed_in("lee"), "/contributions/robin")
        assert "Robin Vale" in other
        assert "No lesson of yours yet" in text(signed_in("lee"), "/contributions")
        text(signed_in("lee"), "/contributions/nobody", status=404)
        text(signed_in("lee"), "/contributions/detector-shop", status=404)

    def test_a_series_shows_both_arms_and_its_incidents(self) -> None:
        page = text(signed_in("lee"), "/series/checkout/latency_p99?span=7d")
        assert "Alarms without insights" in page
        assert "Alarms with what is served" in page
        assert page.count('href="/incidents/') >= 4

    @pytest.mark.parametrize(
        "asked", ["?from=x&to=y", "?from=2030-01-01T00:00:00Z", "?span=never", "?from=%00"]
    )
    def test_a_window_that_makes_no_sense_shows_everything(self, asked: str) -> None:
        assert "checkout/latency_p99" in text(signed_in("lee"), f"/series/checkout/latency_p99{asked}")

    def test_a_window_is_cut_to_what_there_is(self) -> None:
        series = Series.objects.get(pk="checkout/latency_p99")
        assert series.first_at is not None
        window = overlay.window_of(series, "", "1999-01-01", str(series.first_at + timedelta(hours=2)))
        assert window is not None
        assert (window.start, window.end) == (series.first_at, series.first_at + timedelta(hours=2))

    def test_what_is_not_there_is_not_found(self) -> None:
        client = signed_in("lee")
        for path in ("/series/no/such", "/services/nobody", "/lessons/999999"):
            text(client, path, status=404)

    def test_a_service_shows_what_models_get(self) -> None:
        while Outbox.objects.filter(kind="features.facts", state="pending").exists():
            outbox.drain()
        page = text(signed_in("lee"), "/services/checkout")
        assert "Chance of an incident in 7 days" in page
        assert "latency_p99" in page

    def test_a_service_shows_how_it_may_fail_and_what_ended_that(self) -> None:
        prior = {
            "n_reviews": 3,
            "prior_weight": 4.0,
            "modes_json": [
                {"mode": "dns", "n": 2.0, "chance": 0.412},
                {"mode": "hardware", "n": 1.0, "chance": 0.2},
            ],
        }
        tried = {"attempted": 3, "succeeded": 2, "median_s": 1800.0, "remediation": "rollback"}
        facts.put(view="failure_mode_prior", entity="quiet", values=prior)
        facts.put(
            view="remediation_prior",
            entity="dns/any",
            values={"n_reviews": 3, "remediations_json": [tried]},
        )
        ensure_service("quiet")
        page = text(signed_in("lee"), "/services/quiet")
        assert "Name resolution" in page
        assert "41.2" in page
        assert "What ended “Name resolution” before" in page
        assert "ended 2 of 3 for good, median 30 min" in page
        assert "From 3 reviews of this service" in page
        ensure_service("unheard")
        assert "No review says yet how services fail" in text(signed_in("lee"), "/services/unheard")

    def test_services_of_published_incidents_are_listed_only_when_asked_for(self) -> None:
        client = signed_in("lee")
        assert "object-storage" not in text(client, "/services")
        assert "object-storage" in text(client, "/services?all=1")

    def test_search_finds_titles_of_every_kind(self) -> None:
        lee = User.objects.get(username="lee")
        assert {group.name for group in finding.find("checkout", lee)} == {
            "Incidents", "Postmortems", "Services", "Series",
        }  # fmt: skip
        assert finding.find("burst", lee)[0].hits
        page = text(signed_in("lee"), "/search?q=%25")
        assert "Nothing has these words" in page
        assert "Nothing has these words" in text(signed_in("lee"), "/search?q=a%00b%00zz")


def first_insight() -> int:
    return Insight.objects.order_by("pk").values_list("pk", flat=True)[0]


def test_a_late_action_of_somebody_else_is_not_mine() -> None:
    ann, bob = make_person("ann", "responder"), make_person("bob", "responder")
    actions.open_action(title="Mine", owner=ann, due_on=timezone.now().date(), created_by=bob)
    assert "Mine" in [step.title for step in agenda.steps(ann, timezone.now().date())]
    assert "Mine" not in [step.title for step in agenda.steps(bob, timezone.now().date())]

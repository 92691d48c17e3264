"""Pages about releases, asked for as a browser would, without one."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.analysis.profiles import VECTOR
from apps.features import changes, fact_schema, wording
from apps.features.models import ActivePointer, FeatureUse, Pin, Release
from apps.features.releases import append_release, changes_to
from apps.features.schema import CONTENT_COLUMNS, SUMMARY_COLUMNS
from tests.features.support import CHECKOUT, LOGIN, make_release, sql
from tests.people import make_person

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer() -> Client:
    return signed_in(make_person("vera", "viewer"))


@pytest.fixture
def operator() -> Client:
    return signed_in(make_person("omar", "operator"))


def text(answer: Any) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(script|style|title).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def main(answer: Any) -> str:
    body: str = answer.content.decode()
    return body.partition("<main")[2].partition("</main>")[0]


def served(changes_of: dict[str, Any], **more: Any) -> Release:
    """A release marked as served, without Feast."""
    release = make_release(changes_of, **more)
    sql(
        "UPDATE features_release SET served_at = known_at + interval '3 seconds' WHERE number = %s",
        release.number,
    )
    pointer, made = ActivePointer.objects.get_or_create(
        pk=1, defaults={"release": release, "changes": release.number}
    )
    if not made:
        ActivePointer.objects.filter(pk=pointer.pk).update(release=release, changes=pointer.changes + 1)
    release.refresh_from_db()
    return release


def use(consumer: str, service: str, release: int, reads: int = 3, minutes_ago: int = 0) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    FeatureUse.objects.create(
        consumer=consumer, feature_service=service, release=release, reads=reads, first_at=at, last_at=at
    )


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as counted:
        assert client.get(path).status_code == 200
    return len(counted)


# --- words ----------------------------------------------------------------------------------------
def test_every_column_has_words():
    assert {name for name, _ in VECTOR} >= set(wording.COLUMNS)
    assert set(wording.COLUMNS) == {*CONTENT_COLUMNS, *SUMMARY_COLUMNS}
    for view in fact_schema.VIEWS.values():
        assert set(wording.FACTS) == set(view.kinds)
    assert set(wording.KINDS) == set(Release.Kind.values)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("theta_log2", 1.0, "24"),
        ("theta_log2", None, "12 (default)"),
        ("theta_log2", -1.5, "4.243"),
        ("direction", "up", "rises only"),
        ("direction", None, "default"),
        ("min_rel", 0.25, "25 %"),
        ("hard_hi", 1234567.0, "1234567"),
        ("hard_hi", None, "–"),  # noqa: RUF001
        ("persist_k", 3, "3"),
        ("baseline", "daily", "its daily shape"),
        ("expires_at", "2026-11-21T12:00:00.000000Z", "2026-11-21 12:00 UTC"),
        ("suppress_json", '[{"rrule": "FREQ=DAILY", "duration": 600}]', "by FREQ=DAILY, for 10 min"),
        ("suppress_json", "not json", "not json"),
    ],
)
def test_values_are_told_in_words(column, value, words):
    assert wording.value(column, value) == words


# --- the log --------------------------------------------------------------------------------------
def test_an_empty_log_says_how_releases_come_about(viewer):
    answer = viewer.get("/releases")
    assert answer.status_code == 200
    assert "Nothing has been released yet" in text(answer)
    assert "/queue" in main(answer)


def test_the_log_says_what_each_release_is(viewer):
    served({CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}})
    served({CHECKOUT: {"theta_log2": 2.0}})
    make_release({CHECKOUT: None}, kind="withdraw")
    Pin.objects.create(release_id=1, pinned_by="omar")
    use("model/token", "detection", 1, reads=5)
    use("other/token", "detection__r1", 1, reads=2)
    seen = text(viewer.get("/releases"))
    assert "3 · Withdrawal" in seen
    assert "Not served yet" in seen
    assert "Not everything is served yet" in seen
    assert "2 · Approval Active" in seen
    assert "after 3 s" in seen
    assert "1 · Approval Pinned" in seen
    assert "2 consumers, 7 reads" in seen
    assert "2 series" in seen
    assert "alarm threshold" in seen
    assert Release.objects.get(number=1).digest[:10] in seen


def test_the_log_goes_on_by_pages(viewer):
    for i in range(5):
        make_release({CHECKOUT: {"theta_log2": float(i) / 4}})
    first = viewer.get("/releases?limit=2")
    assert "5 · Approval" in text(first)
    rest = re.search(r'href="(\?[^"]*cursor=[^"]*)"', main(first))
    assert rest is not None
    seen = text(viewer.get(f"/releases{unescape(rest[1])}"))
    assert "3 · Approval" in seen
    assert "5 · Approval" not in seen
    assert viewer.get("/releases?cursor=wrong").status_code == 404


def test_the_log_costs_the_same_however_long_it_is(viewer):
    for i in range(2):
        served({CHECKOUT: {"theta_log2": float(i)}, LOGIN: {"min_rel": float(i)}})
        use(f"m{i}/t", "detection", i + 1)
    viewer.get("/releases")
    few = queries(viewer, "/releases")
    for i in range(10):
        served({CHECKOUT: {"theta_log2": i / 8}, f"s{i}/metric": {"direction": "up"}})
        use(f"n{i}/t", "detection", i + 3)
    assert queries(viewer, "/releases") == few


# --- one release ----------------------------------------------------------------------------------
def test_a_release_says_what_it_changed_in_words(viewer):
    served({CHECKOUT: {"theta_log2": 0.0, "direction": "up"}, LOGIN: {"min_rel": 0.5}})
    served(
        {CHECKOUT: {"theta_log2": 1.0, "direction": "up"}, LOGIN: None},
        manifest=[{"insight": 3, "revision": 1}],
    )
    answer = viewer.get("/releases/2")
    seen = text(answer)
    assert "Release 2" in seen
    assert re.search(r"checkout/latency_p99 changed alarm threshold .*? 12 24", seen)
    assert re.search(r"login/errors withdrawn smallest change, relative 50 % default", seen)
    assert "direction" not in seen
    assert "in force at revision 1" in seen
    assert 'href="/insights/3"' in main(answer)
    assert 'href="/releases/1/compare/2"' in main(answer)
    assert Release.objects.get(number=2).digest in seen


def test_a_release_whose_sources_alone_changed_says_so(viewer):
    served({CHECKOUT: {"theta_log2": 1.0}})
    from tests.features.support import content  # noqa: PLC0415

    served({CHECKOUT: content({"theta_log2": 1.0}, document="postmortem:7", lines=[1, 2])})
    assert "same values, other sources" in text(viewer.get("/releases/2"))


def test_a_release_that_is_not_there_is_not_found(viewer):
    for path in ("/releases/9", "/releases/1/compare/2", "/releases/0"):
        assert viewer.get(path).status_code == 404


def test_a_release_costs_the_same_however_much_it_changed(viewer):
    served({f"s{i}/metric": {"theta_log2": 1.0} for i in range(2)}, manifest=[{"insight": 1, "revision": 1}])
    use("m/t", "detection", 1)
    viewer.get("/releases/1")
    few = queries(viewer, "/releases/1")
    served(
        {f"t{i}/metric": {"theta_log2": 1.0} for i in range(12)},
        manifest=[{"insight": i, "revision": 1} for i in range(1, 13)],
    )
    for i in range(12):
        use(f"m{i}/t", "detection", 2)
    assert queries(viewer, "/releases/2") == few + 1  # its parent


def test_many_series_go_on_by_pages(viewer):
    served({f"s{i:03}/metric": {"theta_log2": 1.0} for i in range(130)})
    first = viewer.get("/releases/1")
    assert "130 series" in text(first)
    assert "s099/metric" in text(first)
    assert "s100/metric" not in text(first)
    assert "after=s099%2Fmetric" in main(first)
    rest = text(viewer.get("/releases/1?after=s099/metric"))
    assert "s100/metric" in rest
    assert "s129/metric" in rest


# --- pins -----------------------------------------------------------------------------------------
def test_an_operator_pins_and_unpins(operator):
    served({CHECKOUT: {"theta_log2": 1.0}})
    answer = operator.post("/releases/1/pin", follow=True)
    assert answer.redirect_chain == [("/releases/1", 302)]
    assert "Release 1 stays readable as detection__r1." in text(answer)
    pin = Pin.objects.get()
    assert (pin.state, pin.pinned_by) == ("pinned", "omar")
    assert "Unpin" in text(answer)
    answer = operator.post("/releases/1/unpin", follow=True)
    assert "detection__r1 cannot be read any more." in text(answer)
    assert Pin.objects.get().state == "retiring"


def test_unpinning_what_is_not_pinned_says_so_and_stays_on_the_page(operator):
    served({CHECKOUT: {"theta_log2": 1.0}})
    answer = operator.post(
        "/releases/1/unpin", headers={"Referer": "http://testserver/releases/1"}, follow=True
    )
    assert answer.redirect_chain == [("/releases/1", 302)]
    assert "Release 1 is not pinned." in text(answer)


def test_pinning_what_is_not_there_is_not_found(operator):
    assert operator.post("/releases/9/pin").status_code == 404
    assert not Pin.objects.exists()


def test_a_viewer_neither_pins_nor_reverts(viewer):
    served({CHECKOUT: {"theta_log2": 1.0}})
    served({CHECKOUT: {"theta_log2": 2.0}})
    page = main(viewer.get("/releases/1"))
    assert "/pin" not in page
    assert "Revert" not in page
    assert viewer.post("/releases/1/pin").status_code == 403
    assert viewer.get("/releases/1/pin").status_code == 405


# --- reverting ------------------------------------------------------------------------------------
def test_a_revert_is_shown_before_it_is_made(operator):
    served({CHECKOUT: {"theta_log2": 0.0}}, manifest=[{"insight": 3, "revision": 1}])
    served(
        {CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}},
        manifest=[{"insight": 3, "revision": 2}, {"insight": 4, "revision": 1}],
    )
    answer = operator.get("/releases/1")
    seen = text(answer).partition("Revert to this release")[2]
    assert "It would change 2 series and 2 insights of release 2" in seen
    assert re.search(r"checkout/latency_p99 changed alarm threshold .*? 24 12", seen)
    assert re.search(r"login/errors withdrawn alarm direction rises only default", seen)
    assert "revision 2 → 1" in seen
    assert "no longer in force" in seen
    form = main(answer).partition('action="/releases/1/revert"')[2]
    assert 'name="reason"' in form
    assert "required" in form


def test_the_newest_content_cannot_be_reverted_to(operator):
    served({CHECKOUT: {"theta_log2": 0.0}})
    answer = operator.get("/releases/1")
    assert "Nothing to revert" in text(answer)
    assert "/revert" not in main(answer)


def test_what_a_revert_shows_is_what_it_does():
    served({CHECKOUT: {"theta_log2": 0.0, "min_rel": 0.5}, "old/metric": {"persist_k": 2}})
    served({CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}, "old/metric": None})
    served({CHECKOUT: {"theta_log2": 1.0, "hard_hi": 9.5}, "third/metric": {"baseline": "daily"}})
    shown = changes.of_revert(1)
    target = Release.objects.get(number=1)
    with transaction.atomic():
        made = append_release(
            kind="revert", author="omar", reason="test", manifest=target.manifest, changes=changes_to(1)
        )
    assert changes.of_release(made.number) == shown
    assert {found.series: found.what for found in shown} == {
        CHECKOUT: "changed",
        LOGIN: "withdrawn",
        "old/metric": "new",
        "third/metric": "withdrawn",
    }
    assert changes.between(1, made.number) == []


# --- comparing ------------------------------------------------------------------------------------
def test_two_releases_stand_side_by_side(viewer):
    served({CHECKOUT: {"theta_log2": 0.0, "direction": "up"}, LOGIN: {"min_rel": 0.5}})
    served({CHECKOUT: {"theta_log2": 1.0, "direction": "up"}}, manifest=[{"insight": 3, "revision": 1}])
    served({CHECKOUT: {"theta_log2": 2.0, "direction": "up"}}, manifest=[{"insight": 3, "revision": 2}])
    answer = viewer.get("/releases/1/compare/3")
    seen = text(answer)
    assert re.search(r"alarm threshold 12 48", seen)
    assert "1 changed" in seen
    assert LOGIN not in seen
    assert "alarm direction" not in seen
    everything = text(viewer.get("/releases/1/compare/3?show=all"))
    assert "1 changed of 2" in everything
    assert LOGIN in everything
    assert re.search(r"alarm direction rises only rises only", everything)
    assert re.search(r"alarm threshold 48 12", text(viewer.get("/releases/3/compare/1")))


def test_equal_releases_say_so(viewer):
    served({CHECKOUT: {"theta_log2": 0.0}})
    seen = text(viewer.get("/releases/1/compare/1"))
    assert "No series differs" in seen
    assert "The same insights at the same revisions." in seen


def test_two_others_are_picked_by_a_form(viewer):
    for theta in (0.0, 1.0, 2.0):
        served({CHECKOUT: {"theta_log2": theta}})
    answer = viewer.get("/releases/1/compare/2?first=2&second=3")
    assert answer.status_code == 302
    assert answer["Location"] == "/releases/2/compare/3"


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("9", "There is no release 9."),
        ("", "This field is required."),
        ("0", "greater than or equal to 1"),
        ("99999999999999999999", "less than or equal to"),
        ("two", "Enter a whole number."),
        ("\x00", "Enter a whole number."),
    ],
)
def test_a_wrong_pick_is_told_at_its_field_and_kept(viewer, first, message):
    served({CHECKOUT: {"theta_log2": 0.0}})
    answer = viewer.get("/releases/1/compare/1", {"first": first, "second": "1"})
    assert answer.status_code == 422
    assert message in text(answer)
    field = re.search(r'<input[^>]*name="first"[^>]*>', main(answer))
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    if "\x00" not in first and first:
        assert f'value="{first}"' in field[0]


def test_a_comparison_costs_the_same_however_much_differs(viewer):
    served({"a/metric": {"theta_log2": 0.0}})
    served(
        {"a/metric": {"theta_log2": 1.0}, "b/metric": {"theta_log2": 1.0}},
        manifest=[{"insight": 1, "revision": 1}],
    )
    viewer.get("/releases/1/compare/2")
    few = queries(viewer, "/releases/1/compare/2")
    served(
        {f"s{i}/metric": {"theta_log2": 1.0} for i in range(12)},
        manifest=[{"insight": i, "revision": 1} for i in range(1, 13)],
    )
    assert queries(viewer, "/releases/1/compare/3") == few


# --- consumers ------------------------------------------------------------------------------------
def test_consumers_are_shown_at_what_they_read_last(viewer):
    for theta in (0.0, 1.0, 2.0):
        served({CHECKOUT: {"theta_log2": theta}})
    use("late/token", "detection", 1, reads=1000, minutes_ago=60)
    use("late/token", "detection", 2, reads=234, minutes_ago=30)
    use("fresh/token", "detection", 3)
    use("fixed/token", "detection__r1", 1)
    use("risk/token", "service_history", 0)
    seen = text(viewer.get("/consumers"))
    assert re.search(r"late/token detection 2 1 behind 30 min ago", seen)
    assert "1,234" in seen or "1 234" in seen
    assert re.search(r"fresh/token detection 3 Up to date", seen)
    assert re.search(r"fixed/token detection__r1 1 Pinned on purpose 2 behind", seen)
    assert re.search(r"risk/token service_history has none", seen)
    one = text(viewer.get("/consumers?consumer=late/token"))
    assert re.search(r"detection 2 1 behind .* detection 1 2 behind", one)
    assert "fresh/token" not in one
    of_first = text(viewer.get("/consumers?release=1"))
    assert "Readers of release 1" in of_first
    assert "late/token" in of_first
    assert "fixed/token" in of_first
    assert "fresh/token" not in of_first


@pytest.mark.parametrize("query", ["consumer=nobody", "release=77", "consumer=%00", "release=99999999999999"])
def test_a_search_without_results_says_so(viewer, query):
    assert viewer.get(f"/consumers?{query}").status_code == 200


def test_without_any_reader_the_page_says_how_to_become_one(viewer):
    assert "Nobody reads features yet" in text(viewer.get("/consumers"))
    use("m/t", "detection", 1)
    assert "No reading like this has been counted." in text(viewer.get("/consumers?consumer=x"))


def test_consumers_cost_the_same_however_many_there_are(viewer):
    served({CHECKOUT: {"theta_log2": 0.0}})
    for i in range(2):
        use(f"m{i}/t", "detection", 1)
    viewer.get("/consumers")
    few = queries(viewer, "/consumers")
    for i in range(12):
        use(f"n{i}/t", "detection", 1)
    assert queries(viewer, "/consumers") == few


def test_strangers_are_sent_to_sign_in():
    for path in ("/releases", "/releases/1", "/releases/1/compare/2", "/consumers"):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert "/sign-in" in answer["Location"]

"""Pages about releases, asked for as a browser would, without one."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import transaction
from django.test import Client

from apps.features import changes
from apps.features.models import Pin, Release
from apps.features.releases import append_release, changes_to
from tests.features.release_pages import main, served, use
from tests.features.support import CHECKOUT, LOGIN, make_release
from tests.reading import queries, text_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]


# --- the log --------------------------------------------------------------------------------------
def test_an_empty_log_says_how_releases_come_about(viewer):
    answer = viewer.get("/releases")
    assert answer.status_code == 200
    assert "Nothing has been released yet" in text_of(answer)
    assert "/queue" in main(answer)


def test_the_log_says_what_each_release_is(viewer):
    served({CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}})
    served({CHECKOUT: {"theta_log2": 2.0}})
    make_release({CHECKOUT: None}, kind="withdraw")
    Pin.objects.create(release_id=1, pinned_by="omar")
    use("model/token", "detection", 1, reads=5)
    use("other/token", "detection__r1", 1, reads=2)
    seen = text_of(viewer.get("/releases"))
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
    assert "5 · Approval" in text_of(first)
    rest = re.search(r'href="(\?[^"]*cursor=[^"]*)"', main(first))
    assert rest is not None
    seen = text_of(viewer.get(f"/releases{unescape(rest[1])}"))
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
    seen = text_of(answer)
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
    assert "same values, other sources" in text_of(viewer.get("/releases/2"))


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
    assert "130 series" in text_of(first)
    assert "s099/metric" in text_of(first)
    assert "s100/metric" not in text_of(first)
    assert "after=s099%2Fmetric" in main(first)
    rest = text_of(viewer.get("/releases/1?after=s099/metric"))
    assert "s100/metric" in rest
    assert "s129/metric" in rest


# --- pins -----------------------------------------------------------------------------------------
def test_an_operator_pins_and_unpins(operator):
    served({CHECKOUT: {"theta_log2": 1.0}})
    answer = operator.post("/releases/1/pin", follow=True)
    assert answer.redirect_chain == [("/releases/1", 302)]
    assert "Release 1 stays readable as detection__r1." in text_of(answer)
    pin = Pin.objects.get()
    assert (pin.state, pin.pinned_by) == ("pinned", "omar")
    assert "Unpin" in text_of(answer)
    answer = operator.post("/releases/1/unpin", follow=True)
    assert "detection__r1 cannot be read any more." in text_of(answer)
    assert Pin.objects.get().state == "retiring"


def test_unpinning_what_is_not_pinned_says_so_and_stays_on_the_page(operator):
    served({CHECKOUT: {"theta_log2": 1.0}})
    answer = operator.post(
        "/releases/1/unpin", headers={"Referer": "http://testserver/releases/1"}, follow=True
    )
    assert answer.redirect_chain == [("/releases/1", 302)]
    assert "Release 1 is not pinned." in text_of(answer)


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
    seen = text_of(answer).partition("Revert to this release")[2]
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
    assert "Nothing to revert" in text_of(answer)
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


def test_strangers_are_sent_to_sign_in():
    for path in ("/releases", "/releases/1", "/releases/1/compare/2", "/consumers"):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert "/sign-in" in answer["Location"]

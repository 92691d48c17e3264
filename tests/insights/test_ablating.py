"""Release against release on stored telemetry: arms, contributions, what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from apps.common.errors import InvalidInputError, NotFoundError, require
from apps.evaluation.errors import HoldoutOverlapError, SplitChangedError
from apps.evaluation.models import Result
from apps.evaluation.windows import Window
from apps.features import releases
from apps.features.models import Release
from apps.insights import ablating, composition, services
from apps.insights import release_steps as steps
from apps.insights.ablating import Question
from apps.insights.errors import NothingHeldOutError
from apps.telemetry.models import OutcomeLabel, Sample
from tests.impact import making
from tests.insights.making import approve, draft

if TYPE_CHECKING:
    from apps.insights.models import Insight

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
TOLD = {"release", "against", "method", "split_hash", "code", "data_hash", "seed", "n", "excluded"}
TOLD_OF_EACH = {"insight", "revision", "title", "shapley", "low", "high", "leave_one_out"} | {
    "by_service",
    "by_family",
}
SERIES = ("checkout/latency_p99", "payments/error_rate", "payments/queue_depth")


def newest() -> int:
    return require(Release.objects.order_by("-number").first(), "a release").number


def two_lessons() -> tuple[Insight, Insight]:
    """Three series; one insight speaks for two of them, one for the third and again for one of the two."""
    making.shop(*SERIES)
    first = making.lesson(
        {
            "title": "Short bursts hurt nobody",
            "scope": {"series": list(SERIES[:2])},
            "signals": [{"kind": "min_effect", "value": {"rel": 1.2}}],
        }
    )
    second = making.lesson(
        {
            "title": "Bursts of payments are short",
            "scope": {"service": "payments"},
            "signals": [{"kind": "persistence", "value": {"k": 5, "n": 6}}],
        }
    )
    return first, second


def figures(release: int, against: int = 0, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = ablating.run(Question(release, against, **more)).figures
    return found


def sums_up(found: dict[str, Any]) -> None:
    difference = found["difference"]["utility"]["effect"]
    assert abs(found["sum_of_contributions"] - difference) < 1e-9
    assert abs(sum(one["shapley"] for one in found["contributions"]) - difference) < 1e-9
    for one in found["contributions"]:
        for parts in ("by_service", "by_family"):
            assert abs(sum(one[parts].values()) - one["shapley"]) < 1e-9
    for metric in ("detected", "false_alarms"):
        total = sum(one["by_metric"][metric] for one in found["contributions"])
        assert abs(total - found["difference"][metric]["effect"]) < 1e-9


def test_a_release_against_the_default():
    first, second = two_lessons()
    found = figures(newest())
    sums_up(found)
    assert {one["insight"]: one["change"] for one in found["contributions"]} == {
        first.pk: "added",
        second.pk: "added",
    }
    before, after = found["arms"]["against"], found["arms"]["release"]
    assert before["incidents"] == after["incidents"] > 0
    assert after["false_alarms"] < before["false_alarms"]
    assert found["difference"]["false_alarms"]["effect"] == after["false_alarms"] - before["false_alarms"]
    assert {found["difference"][name]["verdict"] for name in found["difference"]} == {"too_few_data"}
    assert "2 services differ; at least 12" in found["difference"]["utility"]["reason"]
    assert set(found["contributions"][1]["by_service"]) <= {"payments"}


def test_the_arms_are_what_impact_replays_for_a_single_insight():
    """One insight alone: with and without it is the release against the default."""
    making.shop(*SERIES[:2])
    insight = making.lesson(
        {
            "scope": {"series": list(SERIES[:2])},
            "signals": [{"kind": "min_effect", "value": {"rel": 1.2}}],
        }
    )
    measured = making.replayed(insight)
    found = figures(newest())
    before, after = measured.false_alarms
    assert (found["arms"]["against"]["false_alarms"], found["arms"]["release"]["false_alarms"]) == (
        before,
        after,
    )
    assert found["n"]["incidents"] == len(measured.incidents)
    recall = found["difference"]["recall"]
    assert (recall["gained"], recall["lost"]) == (measured.gained, measured.lost)
    alone = found["contributions"][0]
    assert alone["shapley"] == pytest.approx(alone["leave_one_out"], abs=1e-9)


def test_release_against_release_is_the_difference_of_both_against_the_default():
    first, second = two_lessons()
    early, late = newest() - 1, newest()
    found = figures(late, early)
    sums_up(found)
    changes = {one["insight"]: one for one in found["contributions"]}
    assert (changes[first.pk]["change"], changes[second.pk]["change"]) == ("unchanged", "added")
    assert changes[first.pk]["shapley"] == 0
    back = figures(early, late)
    sums_up(back)
    assert back["difference"]["utility"]["effect"] == -found["difference"]["utility"]["effect"]
    assert [one["change"] for one in back["contributions"]] == ["unchanged", "removed"]


def test_leaving_one_out_is_what_would_be_served_without_it():
    first, _ = two_lessons()
    release = newest()
    found = figures(release)
    without = composition.compose(SERIES, without=first.pk)
    before, after = steps.manifests(release, 0)
    layers = steps.layers(steps.revisions(before, after), before, after)
    part = {name: steps.composed(layers[name], frozenset(after) - {first.pk}) for name in SERIES}
    for name in SERIES:
        content = without[name]
        served = content.values if content else {}
        assert part[name] == {key: served[key] for key in part[name]}
    assert found["contributions"][0]["leave_one_out"] is not None


def test_a_revised_insight_is_one_step():
    making.shop(SERIES[2])
    insight = making.lesson(making.QUEUE)
    author = insight.author
    changed = draft(
        author, **making.QUEUE | {"signals": [{"kind": "persistence", "value": {"k": 3, "n": 6}}]}
    )
    services.revise_insight(insight_id=insight.pk, draft=changed, author=author)
    approve(insight)
    found = figures(newest(), newest() - 1)
    sums_up(found)
    assert [(one["change"], one["revision"]) for one in found["contributions"]] == [("revised", 2)]


def test_both_ends_are_what_was_served():
    """Values that came by an import, and not from any insight, are a step of their own."""
    making.shop(*SERIES[:1])
    content = releases.ProfileContent(
        {"min_rel": 1.2}, {"min_rel": {"insight": 1, "revision": 1, "confidence": 0.5}}
    )
    releases.append_release(
        kind="import", author="import", reason="", manifest=[], changes={SERIES[0]: content}
    )
    found = figures(newest())
    sums_up(found)
    assert [(one["insight"], one["change"]) for one in found["contributions"]] == [(None, "other")]
    assert found["arms"]["release"]["false_alarms"] < found["arms"]["against"]["false_alarms"]


def test_the_same_twice_gives_the_same_and_two_results():
    two_lessons()
    assert figures(newest()) == figures(newest())
    kept = Result.objects.all()
    assert len({(one.split_id, one.code, one.data_hash, one.seed) for one in kept}) == 1
    assert len(kept) == 2


def test_drills_and_incidents_of_origin_are_left_out(monkeypatch):
    two_lessons()
    found = figures(newest())
    label = require(
        OutcomeLabel.objects.filter(series=SERIES[2]).order_by("-start_at").first(), "an incident"
    )
    monkeypatch.setattr(steps, "own_source", lambda _: frozenset({label.source}))
    without = figures(newest())
    assert without["n"]["incidents"] == found["n"]["incidents"] - 1
    assert without["excluded"]["own_incidents"] == 1
    OutcomeLabel.objects.filter(pk=label.pk).update(is_drill=True)
    drilled = figures(newest())
    assert drilled["excluded"]["drills"] == 1


def test_a_split_that_was_named_has_to_be_there_again():
    two_lessons()
    named = figures(newest(), split="spring")
    assert figures(newest(), split="spring") == named
    assert figures(newest(), split=named["split_hash"]) == named
    last = require(Sample.objects.filter(series=SERIES[0]).order_by("-at").first(), "a sample")
    Sample.objects.filter(series=SERIES[0], at=last.at).delete()
    with pytest.raises(SplitChangedError, match=SERIES[0]):
        figures(newest(), split="spring")
    assert figures(newest())["split_hash"] != named["split_hash"]


def test_a_window_that_overlaps_the_discovery_is_refused():
    two_lessons()
    end_us = max(steps.seen(steps.revisions({}, steps.manifest(newest()))).values())
    with pytest.raises(HoldoutOverlapError) as caught:
        figures(newest(), window=Window(end_us, None))
    assert (caught.value.status, caught.value.field) == (400, "from")
    later = figures(newest(), window=Window(end_us + 86_400_000_000, None))
    sums_up(later)
    assert later["n"]["days"] < figures(newest())["n"]["days"]
    assert not Result.objects.filter(figures__n__days=0).exists()


def test_what_cannot_be_compared():
    with pytest.raises(NotFoundError):
        figures(7)
    with pytest.raises(InvalidInputError):
        figures(0)
    making.lesson(making.QUEUE)
    with pytest.raises(NothingHeldOutError):
        figures(newest())
    assert not Result.objects.exists()


def test_the_command_prints_one_strict_object(capsys):
    two_lessons()
    call_command("ablate", "--release", str(newest()), "--json")
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    sums_up(found)
    assert set(found) >= TOLD
    assert set(found["contributions"][0]) >= TOLD_OF_EACH
    kept = Result.objects.get()
    names = ("split_hash", "code", "data_hash")
    assert (kept.split_id, kept.code, kept.data_hash) == tuple(found[name] for name in names)
    call_command("ablate", "--release", str(newest()))
    assert "contributions sum to" in capsys.readouterr().out


def test_the_command_says_what_is_wrong():
    with pytest.raises(CommandError, match="There is no release 7"):
        call_command("ablate", "--release", "7", "--json")

"""The suggester without a server: ranking, reasons, abstaining; on reviews with signal and without."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.analysis import modes
from apps.root_cause import cli, suggesting
from apps.root_cause.errors import SuggesterError

pytestmark = pytest.mark.unit

APPS = Path(__file__).resolve().parents[2] / "apps"
MODES = ("code_defect", "config_error", "dns", "hardware")
TRIGGERS = ("binary_push", "config_push", "network_event", "hardware_event")


def prior_of(counts: dict[str, float], fleet: dict[str, float], n: int) -> dict[str, Any]:
    names = sorted(fleet)
    shares = modes.fleet_shares(np.array([fleet[name] for name in names]))
    chances = modes.shrunk_shares(np.array([counts.get(name, 0.0) for name in names]), shares, 4)
    lines: list[dict[str, Any]] = [
        {"mode": name, "n": counts.get(name, 0), "chance": round(float(c), 3)}
        for name, c in zip(names, chances, strict=True)
    ]
    lines.sort(key=lambda line: -line["chance"])
    return {"n_reviews": n, "modes_json": json.dumps(lines)}


def knowledge_of(reviews: list[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Rows of `remediation_prior` for any tier, from reviews of (mode, trigger)."""
    found: dict[str, dict[str, Any]] = {}
    for mode in MODES:
        triggers = [trigger for m, trigger in reviews if m == mode]
        seen = {trigger: triggers.count(trigger) for trigger in set(triggers)}
        found[mode] = {
            "n_reviews": len(triggers),
            "symptoms_json": json.dumps({"trigger": seen}),
            "remediations_json": json.dumps(
                [{"remediation": "rollback", "attempted": 3, "succeeded": 2, "median_s": 1800.0}]
            ),
        }
    return found


def suggested(prior: dict[str, Any], knowledge: dict[str, Any], *symptoms: str, **more: Any) -> Any:
    return suggesting.suggest(
        "checkout",
        prior=prior,
        knowledge=knowledge,
        here=more.pop("here", {}),
        history=more.pop("history", {}),
        alarm=more.pop("alarm", {}),
        symptoms=suggesting.parsed(symptoms),
        **more,
    )


REVIEWS = (
    [("config_error", "config_push")] * 9
    + [("code_defect", "binary_push")] * 9
    + [("dns", "network_event")] * 2
)
FLEET = {mode: float(sum(m == mode for m, _ in REVIEWS)) for mode in MODES}


def test_a_symptom_turns_the_ranking_and_is_given_as_the_reason():
    prior = prior_of({"code_defect": 2}, FLEET, 2)
    before = suggested(prior, knowledge_of(REVIEWS))
    assert before.candidates[0].mode == "code_defect"
    after = suggested(
        prior,
        knowledge_of(REVIEWS),
        "trigger:config_push",
        history={"repeat_share": 0.5, "incidents_30d": 3},
        alarm={"series": "checkout/errors", "precision_past": 0.25, "release": 7},
    )
    top = after.candidates[0]
    assert (top.mode, after.abstained, after.threshold) == ("config_error", False, 0.5)
    assert top.chance > top.before
    assert "trigger config_push in 9 of 9 reviews of it: 2.0 times as likely as over all modes" in top.reasons
    assert "0 of 2 reviews of this service named it" in top.reasons
    assert top.remediations[0]["succeeded"] == 2
    assert after.notes == [
        "25% of the past alarms of checkout/errors were right (release 7)",
        "3 incidents of this service in 30 days",
    ]
    assert sum(one.chance for one in after.candidates) == pytest.approx(1, abs=0.001)


def test_it_abstains_below_the_threshold_and_where_nothing_is_known():
    prior = prior_of({}, FLEET, 0)
    unsure = suggested(prior, knowledge_of(REVIEWS))
    assert unsure.abstained
    assert "below 50%" in unsure.why
    assert unsure.candidates
    assert not suggested(prior, knowledge_of(REVIEWS), threshold=0.3).abstained
    nothing = suggested({"modes_json": None, "n_reviews": None}, {}, "trigger:config_push")
    assert (nothing.abstained, nothing.candidates) == (True, [])
    assert "Nothing is known" in nothing.why


def test_a_symptom_that_no_review_had_tells_nothing_and_is_named():
    prior = prior_of({"dns": 3}, FLEET, 3)
    plain, told = (
        suggested(prior, knowledge_of(REVIEWS)),
        suggested(prior, knowledge_of(REVIEWS), "timing:night"),
    )
    assert [one.chance for one in plain.candidates] == [one.chance for one in told.candidates]
    assert told.unheard == ["timing:night"]


def test_remediations_of_the_services_tier_come_first():
    here = {"config_error": {"n_reviews": 1, "remediations_json": json.dumps([{"remediation": "failover"}])}}
    found = suggested(prior_of({"config_error": 9}, FLEET, 9), knowledge_of(REVIEWS), here=here)
    assert found.candidates[0].remediations == [{"remediation": "failover"}]
    assert found.candidates[1].remediations[0]["remediation"] == "rollback"


def test_the_answer_in_words_says_what_was_abstained_from_and_what_tells_nothing():
    prior = prior_of({"code_defect": 2}, FLEET, 2)
    sure = cli.told(suggested(prior, knowledge_of(REVIEWS), "trigger:config_push", "timing:night"))
    first, second, *rest = sure.splitlines()
    assert first.startswith("checkout: config_error has a chance of ")
    assert "config_error (before the symptoms " in second
    assert "          rollback: 2 of 3 ended, median 30 min" in rest
    assert rest[-1] == "  timing:night: in no review, so it tells nothing"
    unsure = cli.told(suggested(prior, knowledge_of(REVIEWS), threshold=0.99))
    assert unsure.startswith("checkout: no suggestion. The likeliest mode, code_defect, has a chance of ")


@pytest.mark.parametrize("wrong", ["config_push", "weather:rain", "trigger:"])
def test_a_symptom_has_a_kind_and_a_code(wrong):
    with pytest.raises(SuggesterError, match="Write kind:code"):
        suggesting.parsed([wrong])


def measured(rng: np.random.Generator, *, signal: bool) -> tuple[float, float, float, float]:
    """Shares: first guesses right by the prior and with symptoms, answers given, and those right."""

    def review() -> tuple[str, str]:
        mode = int(rng.integers(0, 4))
        follows = signal and rng.random() < 0.8
        return MODES[mode], TRIGGERS[mode if follows else int(rng.integers(0, 4))]

    past = [review() for _ in range(120)]
    fleet = {mode: float(sum(m == mode for m, _ in past)) for mode in MODES}
    prior, knowledge = prior_of({}, fleet, 0), knowledge_of(past)
    later = [review() for _ in range(300)]
    alone = suggested(prior, knowledge).candidates[0].mode
    answers = [(mode, suggested(prior, knowledge, f"trigger:{trigger}")) for mode, trigger in later]
    given = [(mode, answer) for mode, answer in answers if not answer.abstained]
    right = [mode == answer.candidates[0].mode for mode, answer in given]
    return (
        sum(mode == alone for mode, _ in later) / 300,
        sum(mode == answer.candidates[0].mode for mode, answer in answers) / 300,
        len(given) / 300,
        float(np.mean(right)) if right else 1.0,
    )


def test_symptoms_with_signal_find_the_mode_and_without_it_it_abstains():
    rng = np.random.default_rng(7)
    alone, with_symptoms, given, right = measured(rng, signal=True)
    print(f"first guess right: prior {alone:.2f}, symptoms {with_symptoms:.2f}; {right:.2f} of {given:.2f}")
    assert with_symptoms > alone + 0.4
    assert given > 0.9
    assert right > 0.75
    *_, given, _ = measured(rng, signal=False)
    assert given == 0


def test_the_two_rooms_copied_out_stand_alone(tmp_path):
    for room in ("analysis", "root_cause"):
        shutil.copytree(APPS / room, tmp_path / "apps" / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(APPS / "__init__.py", tmp_path / "apps")
    program = (
        "import sys; from apps.root_cause import cli; "
        "print(cli.__file__, sorted({'django', 'feast', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"{tmp_path}/apps/root_cause/cli.py []\n"


def test_the_command_line_says_what_is_missing(tmp_path, monkeypatch, capsys):
    common = ["--folder", str(tmp_path), "--service", "checkout"]
    monkeypatch.delenv("AFTERCAST_TOKEN", raising=False)
    assert cli.main(common) == 1
    assert "AFTERCAST_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.setenv("AFTERCAST_TOKEN", "secret")
    assert cli.main([*common, "--symptom", "x"]) == 1
    assert "is no symptom" in capsys.readouterr().err
    assert cli.main(common) == 1
    assert "holds no feature_store.yaml" in capsys.readouterr().err
    for wrong in (["--fetch"], ["--threshold", "2"]):
        with pytest.raises(SystemExit):
            cli.arguments([*common, *wrong])

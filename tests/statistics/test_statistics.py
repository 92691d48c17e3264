"""The harness itself: it covers every method, says what it found, and can fail."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from apps.analysis import durations, paired, sequences, stats
from tests.statistics.__main__ import CHECKS, main
from tests.statistics.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit
FEW = 200
QUICK = [name for name in CHECKS if name not in {"swapped", "published"}]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a broken test was worth is kept for nobody else."""
    paired._share_of_one_sign.cache_clear()
    yield
    paired._share_of_one_sign.cache_clear()


@pytest.mark.parametrize("name", QUICK)
def test_no_method_is_further_off_than_few_runs_explain(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ranges are those of the command; what 200 runs add is three standard errors of a share."""
    _, found = told(capsys, "--runs", str(FEW), "--only", name)
    for row in found["rows"]:
        if row["allowed"] is None:
            continue
        low, high = row["allowed"]
        slack = 3 * math.sqrt(max(low * (1 - low), high * (1 - high), 0.01) / row["runs"])
        assert low - slack <= row["value"] <= high + slack, row


def test_the_published_numbers_come_out(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = told(capsys, "--runs", "1", "--only", "published")
    assert [row["value"] for row in found["rows"] if row["allowed"]] == [1.0] * 4


def test_the_same_seed_gives_the_same_figures_alone_or_beside_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, alone = told(capsys, "--runs", "20", "--only", "welch")
    _, beside = told(capsys, "--runs", "20", "--only", "remediation", "welch")
    _, other = told(capsys, "--runs", "20", "--seed", "2", "--only", "welch")
    assert alone["rows"] == beside["rows"][-len(alone["rows"]) :]
    assert alone["rows"] != other["rows"]


def test_half_of_a_p_value_is_noticed_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = durations.permuted
    monkeypatch.setattr(durations, "permuted", lambda first, second: right(first, second) / 2)
    assert main(["--runs", "1000", "--only", "permutation"]) == 1
    printed = capsys.readouterr().out
    assert "<-- OUTSIDE" in printed
    assert "Outside: permutation of Welch's t, 64 and 64 incidents, sd(ln) 1.3: null rejection" in printed


def test_an_interval_that_is_too_narrow_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stats, "CONFIDENCE", 0.8)
    monkeypatch.setattr(stats.t_interval, "__defaults__", (0.8,))
    code, found = told(capsys, "--runs", "1000", "--only", "log-ratio")
    assert code == 1
    assert {row["quantity"] for row in found["outside"]} >= {"coverage"}


def test_a_bound_that_does_not_pay_for_its_looks_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def once(self: sequences.NormalMixture, time: Any) -> Any:
        return 1.96 * time**0.5

    monkeypatch.setattr(sequences.NormalMixture, "radius", once)
    code, found = told(capsys, "--runs", "300", "--only", "peeking")
    assert code == 1
    assert "null rejection, interval" in {row["quantity"] for row in found["outside"]}


def test_a_test_that_never_finds_anything_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paired, "discordant_p", lambda first, second: 1.0)
    code, found = told(capsys, "--runs", "100", "--only", "delays")
    assert code == 1
    assert [row["quantity"] for row in found["outside"]] == ["power"]


def test_a_row_without_a_range_is_shown_and_not_judged() -> None:
    assert Row("m", "s", "q", 0.9, 10, None).inside is None
    assert Row("m", "s", "q", 0.07, 10, (0.03, 0.07)).inside is True
    assert Row("m", "s", "q", 0.071, 10, (0.03, 0.07)).inside is False


def test_runs_below_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--runs", "0"])
    assert "must be at least 1" in capsys.readouterr().err

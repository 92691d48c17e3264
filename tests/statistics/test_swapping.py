"""Swapped labels of the arms turn every verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.statistics import swapping

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.unit
def test_swapping_the_arms_of_generated_series_turns_every_verdict() -> None:
    assert [(row.scenario, row.value) for row in swapping.on_generated() if row.value != 1.0] == []


@pytest.mark.data
def test_swapping_the_arms_of_the_benchmark_turns_every_verdict(data_dir: Path) -> None:
    rows = swapping.on_real(data_dir / "nab" / "nab-real.tar.gz")
    assert [(row.scenario, row.value) for row in rows if row.value != 1.0] == []
    assert any("improved / worse" in row.scenario for row in rows)

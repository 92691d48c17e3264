"""The real benchmark: all 47 series, counted."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Sample, Series
from apps.telemetry.sources import read_archive, read_nab_windows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.data

ISSUES = {
    "realAWSCloudwatch/ec2_disk_write_bytes_1ef3de": {"identical_duplicates": (11, 2120), "gaps": (1, 2131)},
    "realAWSCloudwatch/ec2_network_in_5abac7": {
        "conflicting_duplicates": (10, 2119),
        "identical_duplicates": (1, 2122),
        "gaps": (1, 2130),
    },
    "realKnownCause/machine_temperature_system_failure": {
        "out_of_order": (11, 10151),
        "conflicting_duplicates": (12, 10139),
    },
    "realAdExchange/exchange-2_cpc_results": {"conflicting_duplicates": (1, 1305), "gaps": (5, 487)},
    "realKnownCause/nyc_taxi": {},
}


@pytest.fixture
def archive(data_dir: Path) -> Path:
    return data_dir / "nab" / "nab-real.tar.gz"


def test_every_series_of_the_benchmark_is_read_and_its_blemishes_are_counted(archive):
    series = {reading.series_id: reading for reading in read_archive(archive)}
    assert len(series) == 47
    assert sum(reading.report.rows for reading in series.values()) == 321_206
    assert sum(reading.report.samples for reading in series.values()) == 321_157
    for name, issues in ISSUES.items():
        found = {kind: (issue.count, issue.first_row) for kind, issue in series[name].report.issues.items()}
        assert found == issues
    windows = read_nab_windows(archive)
    assert (len(windows), sum(map(len, windows.values()))) == (58, 116)
    assert sum(len(windows[name]) for name in series) == 110


@pytest.mark.django_db
def test_the_benchmark_is_imported_whole_and_only_once(archive):
    out = io.StringIO()
    call_command("import_series", str(archive), "--nab", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert (found["imported"], found["broken"], found["samples"]["added"]) == (47, [], 321_157)
    assert (found["labels"]["added"], sum(found["labels"]["unknown_series"].values())) == (110, 6)
    assert (Series.objects.count(), Sample.objects.count(), OutcomeLabel.objects.count()) == (
        47,
        321_157,
        110,
    )
    for series in read_archive(archive)[::12]:
        stored = reading.read(series.series_id)
        assert stored.times.tolist() == series.times.tolist()
        assert stored.values.tolist() == series.values.tolist()
    again = io.StringIO()
    call_command("import_series", str(archive), "--nab", "--json", stdout=again)
    assert json.loads(again.getvalue())["unchanged"] == 47
    assert Sample.objects.count() == 321_157

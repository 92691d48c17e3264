"""Series and incidents for a replay, from files; nothing touches the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apps.analysis.split import GENERAL_RULES, NAB_RULES, Rules
from apps.analysis.types import Telemetry
from apps.telemetry import sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from apps.analysis.types import Interval


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a replay is made of: telemetry and incidents by series id, and the rules by which labels are read.

    `unknown`: series that have incidents but no samples here; they are left out, and worth a warning.
    `skipped`: CSV files that are no series by their place, each with the reason; worth a warning as well.
    """

    series: Mapping[str, Telemetry]
    incidents: Mapping[str, Sequence[Interval]]
    rules: Rules
    unknown: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def from_archive(path: Path) -> Inputs:
    """The Numenta benchmark: its real series and `combined_windows`, judged at lambda .1 as published.

    Raises:
        BrokenFileError: not such an archive.
    """
    return _inputs(sources.read_archive(path), sources.read_nab_windows(path), NAB_RULES)


def from_folder(folder: Path, incidents: Path) -> Inputs:
    """Other people's series (`folder/service/metric.csv`) and incidents (`series,start,end`), at lambda .2.

    Raises:
        BrokenFileError: a file that cannot be read; it names file, row and column.
    """
    found = sources.incidents_by_series(sources.read_incident_csv(incidents))
    contents = sources.read_folder(folder)
    # The incidents may well lie beside the series; then they were not left aside.
    aside = [skip for skip in contents.skipped if not incidents.samefile(skip.file)]
    given = _inputs(contents.series, found, GENERAL_RULES)
    return replace(given, skipped=tuple(f"{skip.file}: {skip.reason}" for skip in aside))


def _inputs(
    files: Sequence[sources.SeriesFile], incidents: Mapping[str, Sequence[Interval]], rules: Rules
) -> Inputs:
    series = {file.series_id: Telemetry(file.times, file.values) for file in files}
    return Inputs(
        series=series,
        incidents={name: tuple(found) for name, found in incidents.items() if name in series},
        rules=rules,
        unknown=tuple(sorted(name for name, found in incidents.items() if found and name not in series)),
    )

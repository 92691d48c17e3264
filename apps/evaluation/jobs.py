"""A replay in a folder: its series in chunks, and what is known of each chunk so far.

    replays/<id>/manifest.json        rules, and the series and samples of every chunk
    replays/<id>/series/0007.npz      telemetry of a chunk
    replays/<id>/<stage>.json          what the stage is told of those before it
    replays/<id>/<stage>/0007.json    what a stage found in it; written whole or not at all

The folder lies in the data folder, which all workers share. Nothing in it is overwritten with other content:
a result depends on the chunk and on the stages before alone, so whoever computes it writes the same bytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from apps.analysis.split import Rules
from apps.analysis.types import Interval, Telemetry
from apps.common.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .inputs import Inputs

CHUNK_POINTS = 250_000
"""Samples of a chunk: seconds of work, some 40 MB. A chunk ends with a service, so it can be larger."""

LOCK_TRIES, LOCK_PAUSE_S = 5, 0.01

ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Job:
    """One replay's folder."""

    folder: Path

    @classmethod
    def of(cls, name: str) -> Job:
        """The job of that id.

        Raises:
            ValueError: not an id.
        """
        if not ID.fullmatch(name):
            raise ValueError(f"{name[:40]!r} is not the id of a replay")
        return cls(home() / name)

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_bytes())
        return found

    @property
    def rules(self) -> Rules:
        return Rules(**self.manifest["rules"])

    @property
    def chunks(self) -> int:
        return len(self.manifest["chunks"])

    @property
    def points(self) -> int:
        return sum(entry["points"] for chunk in self.manifest["chunks"] for entry in chunk)

    def read(self, number: int) -> Iterator[tuple[str, Telemetry, list[Interval]]]:
        """The series of a chunk by id in order, one in memory at a time, with their incidents."""
        with np.load(self.folder / "series" / f"{number:04}.npz") as arrays:
            for place, entry in enumerate(self.manifest["chunks"][number]):
                telemetry = Telemetry(arrays[f"{place}.times"], arrays[f"{place}.values"])
                yield entry["series"], telemetry, [Interval(*pair) for pair in entry["incidents"]]

    def path(self, stage: str, number: int) -> Path:
        """Where the result of a stage on a chunk is or will be."""
        return self.folder / stage / f"{number:04}.json"

    def result(self, stage: str, number: int) -> Any:
        """What a stage found."""
        return json.loads(self.path(stage, number).read_bytes())

    def facts(self, stage: str) -> Any:
        """What a stage was told before it began."""
        return json.loads((self.folder / f"{stage}.json").read_bytes())

    def tell(self, stage: str, facts: Any) -> None:
        """Tell a stage what it needs of those before it."""
        write(self.folder / f"{stage}.json", facts)

    def lock(self, stage: str, number: int) -> Path:
        """The file that whoever does a chunk holds; the process id of the last who did is in it."""
        return self.path(stage, number).with_suffix(".lock")

    def failure(self, stage: str, number: int) -> Path:
        """Where it says why a chunk could not be done."""
        return self.path(stage, number).with_suffix(".error")

    def missing(self, stage: str) -> list[int]:
        """Chunks without a result of the stage."""
        return [number for number in range(self.chunks) if not self.path(stage, number).exists()]

    @contextlib.contextmanager
    def hold(self, stage: str, number: int) -> Iterator[bool]:
        """Keep everybody else from the chunk; False if somebody has it. The lock dies with its process."""
        path = self.lock(stage, number)
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            yield _locked(file.fileno())


def _locked(file: int) -> bool:
    """Try to lock it, a moment longer than somebody needs who only asks whether it is locked."""
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOCK_PAUSE_S)
    return False


def drop(job: Job) -> None:
    """Remove a job with all that it found."""
    shutil.rmtree(job.folder, ignore_errors=True)


def home() -> Path:
    """Where the folders of replays are."""
    folder: Path = settings.DATA_FOLDER / "replays"
    return folder


def write(path: Path, value: Any) -> None:
    """Canonical JSON, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(canonical_json(value))
    temporary.replace(path)


def make(
    series: Iterable[tuple[str, Telemetry, Sequence[Interval]]],
    rules: Rules,
    *,
    chunk_points: int = CHUNK_POINTS,
) -> Job:
    """A new job of series with their incidents, which come by id in order; one chunk is in memory at a time.

    Raises:
        ValueError: the ids do not increase.
    """
    job = Job(home() / secrets.token_hex(8))
    (job.folder / "series").mkdir(parents=True)
    chunks: list[list[dict[str, Any]]] = []
    for part in _parts(series, chunk_points):
        arrays: dict[str, Any] = {}
        for place, (_, telemetry, _) in enumerate(part):
            arrays |= {f"{place}.times": telemetry.times, f"{place}.values": telemetry.values}
        with (job.folder / "series" / f"{len(chunks):04}.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            os.fsync(file.fileno())
        chunks.append(
            [
                {
                    "series": name,
                    "points": len(telemetry),
                    "incidents": [[found.start_us, found.end_us] for found in incidents],
                }
                for name, telemetry, incidents in part
            ]
        )
    write(job.folder / "manifest.json", {"rules": asdict(rules), "chunks": chunks})
    return job


def from_inputs(given: Inputs, *, chunk_points: int = CHUNK_POINTS) -> Job:
    """A job of what `inputs` read."""
    series = (
        (name, telemetry, given.incidents.get(name, ())) for name, telemetry in sorted(given.series.items())
    )
    return make(series, given.rules, chunk_points=chunk_points)


def _parts(
    series: Iterable[tuple[str, Telemetry, Sequence[Interval]]], chunk_points: int
) -> Iterator[list[tuple[str, Telemetry, Sequence[Interval]]]]:
    """Neighbours of about `chunk_points` samples; series of one service stay together, they share signals."""
    part: list[tuple[str, Telemetry, Sequence[Interval]]] = []
    points, last = 0, ""
    for name, telemetry, incidents in series:
        if name <= last:
            raise ValueError(f"series come by id in order; {name} came after {last}")
        if part and points >= chunk_points and _service(name) != _service(last):
            yield part
            part, points = [], 0
        part.append((name, telemetry, incidents))
        points, last = points + len(telemetry), name
    if part:
        yield part


def _service(series_id: str) -> str:
    return series_id.partition("/")[0]

"""How fast a replay is beside reading the same points with numpy, and what a second worker brings.

`uv run poe bench-replay`. Ten million generated points (`--points N` for fewer) in the chunks of a replay.
All in one process, one after the other: a replay of a tenth and of all of them, series by series, with its
peak memory; then plain reading, one z-score, the default arm alone. Then real Celery workers on the queue in
PostgreSQL, one and two in turn. Every figure of speed is points a second; compare those of one run alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

import django

django.setup()

import numpy as np
from django.conf import settings

from apps.analysis import detector
from apps.analysis.profiles import DEFAULT_SETTING
from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import DAY_US, MINUTE_US, Interval, Telemetry
from apps.embedded import database
from apps.evaluation import fan_out, jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apps.evaluation.jobs import Job

POINTS = 10_000_000
SERIES_POINTS = 20_000  # ten weeks of 5-minute data
SERVICE_SERIES = 5
WORKER_POINTS = 2_000_000
WORKER_CHUNK = 100_000
TURNS = 2
REPEATS = 3
START_US = 1_704_067_200_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-workers", action="store_true", help="leave Celery and PostgreSQL out")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    settings.OUTBOX_HINTS = False
    say = (lambda _: None) if options.json else print
    found = one_process(options.points, options.seed, say)
    if not options.no_workers:
        with database.running(), database.scratch():
            found["workers"] = workers(min(options.points, WORKER_POINTS), options.seed, say)
    found["load_average_after"] = load()
    say(f"load average at the end {found['load_average_after']}: what others run costs speed")
    if options.json:
        json.dump(found, sys.stdout)


def one_process(points: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Memory first, since a peak never falls; then speed. All on one thread."""
    say(f"load average {load()}, {os.cpu_count()} processors")
    peaks = {"before": peak_mb()}
    small = jobs.make(generated(points // 10, seed), GENERAL_RULES)
    try:
        replayed(small)
    finally:
        jobs.drop(small)
    peaks["tenth"] = peak_mb()
    job = jobs.make(generated(points, seed), GENERAL_RULES)
    try:
        clock, figures = replayed(job)
        peaks["all"] = peak_mb()
        rates = speeds(job, clock)
    finally:
        jobs.drop(job)
    found = {
        "points": job.points,
        "series": sum(len(chunk) for chunk in job.manifest["chunks"]),
        "seed": seed,
        "load_average": load(),
        "points_per_second": rates,
        "times_slower_than_reading": {name: rates["read"] / rate for name, rate in rates.items()},
        "times_slower_than_z_score": {name: rates["z_score"] / rate for name, rate in rates.items()},
        "peak_mb": peaks,
        "peak_ratio": peaks["all"] / peaks["tenth"],
        "arms": figures["arms"],
    }
    tell(found, say)
    return found


def tell(found: dict[str, Any], say: Callable[[str], None]) -> None:
    """The same in words."""
    say(f"n = {found['points']:,} points, {found['series']} series, seed {found['seed']}")
    say(f"{'phase':<28}{'points/s':>14}{'x reading':>12}{'x z-score':>12}")
    for name, rate in found["points_per_second"].items():
        reading, z_score = (found[f"times_slower_than_{what}"][name] for what in ("reading", "z_score"))
        say(f"{LABELS[name]:<28}{rate:>14,.0f}{reading:>12.1f}{z_score:>12.1f}")
    peaks = found["peak_mb"]
    say(
        f"peak memory {peaks['before']:.0f} MB before, {peaks['tenth']:.0f} MB with a tenth of the points, "
        f"{peaks['all']:.0f} MB with all: ratio {found['peak_ratio']:.2f}"
    )


LABELS = {
    "read": "read with numpy",
    "z_score": "one vectorised z-score",
    "default_arm": "default arm (with reading)",
    "count": "all arms: grid",
    "learn": "all arms: learn",
    "weigh": "all arms: weigh in the fleet",
    "judge": "all arms: judge",
    "all_arms": "all arms, whole",
}


@dataclass
class Clock:
    """Seconds by kind of stage; the progress callback of a replay."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def step(self, stage: str, _done: int, _total: int) -> None:
        now, kind = time.perf_counter(), stage.partition("-")[0]
        self.seconds[kind] = self.seconds.get(kind, 0.0) + now - self.last
        self.last = now


def replayed(job: Job, crew: fan_out.Crew | None = None) -> tuple[Clock, dict[str, Any]]:
    """The whole replay of a copy that nothing is known of yet, timed; its figures."""
    copy, clock, crew = anew(job), Clock(), crew or fan_out.Here()
    try:
        lessons = fan_out.learn(copy, crew, clock.step)
        return clock, fan_out.judge(copy, crew, lessons, lessons.vectors, clock.step)
    finally:
        jobs.drop(copy)


def anew(job: Job) -> Job:
    """The same series under another id, without the results of any stage."""
    copy = jobs.Job(jobs.home() / secrets.token_hex(8))
    shutil.copytree(job.folder / "series", copy.folder / "series", copy_function=os.link)
    os.link(job.folder / "manifest.json", copy.folder / "manifest.json")
    return copy


def speeds(job: Job, clock: Clock) -> dict[str, float]:
    """Points a second: plain reading, one z-score, the default arm, and the stages of all arms."""
    reading = statistics.median(timed(lambda: read(job)) for _ in range(REPEATS))
    values = read(job)
    z_score = statistics.median(timed(lambda: far_out(values)) for _ in range(REPEATS))
    seconds = {
        "read": reading,
        "z_score": z_score,
        "default_arm": timed(lambda: default_arm(job)),
        **clock.seconds,
        "all_arms": sum(clock.seconds.values()),
    }
    return {name: job.points / spent for name, spent in seconds.items()}


def read(job: Job) -> np.ndarray[Any, Any]:
    """Times and values of every chunk, as stored; the values as one array."""
    values: list[Any] = []
    for number in range(job.chunks):
        with np.load(job.folder / "series" / f"{number:04}.npz") as arrays:
            everything = [arrays[name] for name in arrays.files]
            values += everything[1::2]  # after the times of the same series
    return np.concatenate(values)


def far_out(values: np.ndarray[Any, Any]) -> int:
    """The least that a detector could do: one mean and one deviation for everything."""
    return int((np.abs((values - values.mean()) / values.std()) > DEFAULT_SETTING.theta).sum())


def default_arm(job: Job) -> int:
    """Alarms of the default setting on every series."""
    return sum(
        detector.alarm_rows(detector.prepare(telemetry), DEFAULT_SETTING).size
        for number in range(job.chunks)
        for _, telemetry, _ in job.read(number)
    )


def workers(points: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of one replay with one worker and with two, in turn; workers are up before the clock starts."""
    job = jobs.make(generated(points, seed), GENERAL_RULES, chunk_points=min(WORKER_CHUNK, points // 8))
    seconds: dict[int, list[float]] = {1: [], 2: []}
    try:
        expected = replayed(job)[1]
        for _ in range(TURNS):
            for count, spent in seconds.items():
                with fan_out.Workers(count) as crew:
                    warm(job, crew)
                    started = time.perf_counter()
                    figures = replayed(job, crew)[1]
                    spent.append(time.perf_counter() - started)
                if figures != expected:
                    raise SystemExit(f"{count} workers came to other figures than none")
    finally:
        jobs.drop(job)
    one, two = (statistics.median(spent) for spent in seconds.values())
    say(
        f"Celery, {points:,} points, {job.chunks} chunks: one worker {one:.1f} s, two {two:.1f} s "
        f"(medians of {TURNS}, in turn): speed-up {one / two:.2f}; the figures are equal to the last byte"
    )
    return {
        "points": points,
        "chunks": job.chunks,
        "seconds": {str(count): spent for count, spent in seconds.items()},
        "points_per_second": {"1": points / one, "2": points / two},
        "speed_up": one / two,
    }


def warm(job: Job, crew: fan_out.Workers) -> None:
    """Have every worker do something, so that its start is not measured."""
    seen: set[str] = set()
    while len(seen) < crew.count:
        copy = anew(job)
        crew.do(copy, "count", None)
        seen |= {copy.lock("count", number).read_text() for number in range(job.chunks)}
        jobs.drop(copy)


def generated(points: int, seed: int) -> Iterator[tuple[str, Telemetry, list[Interval]]]:
    """Series with a daily and a weekly shape, incidents that last, and short bursts that are none."""
    number = 0
    while points > 0:
        rows = min(SERIES_POINTS, points)
        name = f"service-{number // SERVICE_SERIES:05}/metric-{number % SERVICE_SERIES}"
        yield name, *one_series(rows, np.random.default_rng([seed, number]))
        points -= rows
        number += 1


def one_series(rows: int, random: np.random.Generator) -> tuple[Telemetry, list[Interval]]:
    """5-minute data; an incident in five days or so, and twice as many bursts."""
    times = START_US + np.arange(rows, dtype=np.int64) * 5 * MINUTE_US
    day = 2 * np.pi * times / DAY_US
    level, swing = random.uniform(50, 500), random.uniform(0, 0.4)
    values = level * (1 + swing * np.sin(day) + swing / 3 * np.sin(day / 7))
    noise = 0.02 * level
    values += noise * random.standard_normal(rows)
    side, size = random.choice([-1, 1]), random.uniform(6, 30)
    labels = []
    for first in random.integers(0, max(rows - 60, 1), rows // 1440):
        last = min(int(first) + int(random.integers(3, 40)), rows - 1)
        values[first : last + 1] += side * size * noise * random.uniform(0.7, 1.3)
        labels.append(Interval(int(times[first]), int(times[last])))
    for first in random.integers(0, max(rows - 10, 1), rows // 720):
        values[first : first + int(random.integers(1, 6))] += random.choice([-1, 1]) * 15 * noise
    return Telemetry(times, values), sorted(labels)


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def peak_mb() -> float:
    """Largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load() -> list[float]:
    """Load averages of 1, 5 and 15 minutes."""
    return [round(one, 2) for one in os.getloadavg()]


if __name__ == "__main__":
    main()

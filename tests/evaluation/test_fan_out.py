from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest

from apps.analysis.split import GENERAL_RULES
from apps.evaluation import chunks, fan_out, inputs, jobs, replay
from apps.evaluation.work import work
from tests.analysis.makers import at, noisy_series
from tests.analysis.makers import series as series_of

# Size and length in samples of what is an incident and what is not: no one setting serves two of them.
KINDS = (((-30, 12), (60, 2)), ((60, 2), (-30, 12)), ((26, 3), (14, 3)))


def fleet(series=6, days=12):
    """Series of three services, of different kinds, some with gaps."""
    found, labels = {}, {}
    for number in range(series):
        name = f"service-{number % 3}/metric_{number}"
        found[name], labels[name] = one(number, *KINDS[number % 3], rows=days * 288)
    return inputs.Inputs(found, labels, GENERAL_RULES)


def one(seed, incident, benign, *, rows):
    """5-minute data with an incident or a false alarm in every half day from the third day on."""
    rng = np.random.default_rng(seed)
    values = 100 + rng.standard_normal(rows)
    labels = []
    for turn, start in enumerate(range(3 * 288, rows - 144, 144)):
        size, length = benign if turn % 3 else incident
        first = start + int(rng.integers(0, 100))
        values[first : first + length] += size * rng.uniform(0.8, 1.2)
        if turn % 3 == 0:
            labels.append((first, first + length - 1))
    if seed % 2:
        values[:: 7 + seed] = np.nan
    telemetry = series_of(values)
    return telemetry, [at(telemetry, *rows) for rows in labels]


@pytest.fixture(autouse=True)
def _data_folder(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path


def run(job, crew, progress=None):
    lessons = fan_out.learn(job, crew, progress)
    return lessons, fan_out.judge(job, crew, lessons, lessons.vectors, progress)


def as_bytes(lessons, figures):
    return json.dumps(
        [figures, lessons.vectors, repr(lessons.thresholds), repr(lessons.default)], sort_keys=True
    )


@pytest.fixture(scope="module")
def whole():
    """The replay that has everything in memory."""
    study = replay.prepare(fleet())
    lessons = replay.learn(study)
    return lessons, replay.report(study, lessons, lessons.vectors)


@pytest.mark.unit
@pytest.mark.parametrize("chunk_points", [1, 10_000, 10**9])
def test_in_chunks_of_any_size_the_figures_are_those_of_the_whole(whole, chunk_points):
    job = jobs.from_inputs(fleet(), chunk_points=chunk_points)
    assert job.chunks == {1: 3, 10_000: 2, 10**9: 1}[chunk_points]
    lessons, figures = run(job, fan_out.Here())
    assert figures["arms"]["insights"] != figures["arms"]["default"]
    assert as_bytes(lessons, figures) == as_bytes(*whole)


@pytest.mark.unit
def test_what_is_not_on_the_grid_is_weighed_on_all_chunks_and_learnt_again():
    job = jobs.from_inputs(fleet(), chunk_points=1)
    run(job, fan_out.Here())
    assert {"count", "learn-1", "weigh-1", "learn-2", "judge"} <= {path.name for path in job.folder.iterdir()}
    assert chunks.wanted(job, "learn-1")
    assert chunks.wanted(job, "learn-2") == []


@pytest.mark.unit
def test_a_chunk_that_is_done_or_held_is_left_alone(whole):
    job = jobs.from_inputs(fleet(), chunk_points=1)
    assert work(job, "count", 0) is True
    before = job.path("count", 0).read_bytes()
    assert work(job, "count", 0) is False
    with job.hold("count", 1) as mine:
        assert mine
        assert work(job, "count", 1) is False
    assert work(job, "count", 1) is True
    job.path("count", 0).unlink()
    work(job, "count", 0)
    assert job.path("count", 0).read_bytes() == before


@pytest.mark.unit
def test_an_interrupted_replay_goes_on_where_it_stopped(whole):
    job = jobs.from_inputs(fleet(), chunk_points=1)

    def stop(stage, done, total):
        if stage == "learn-2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, fan_out.Here(), stop)
    told = []
    lessons, figures = run(jobs.Job.of(job.name), fan_out.Here(), lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} == {"learn-2", "judge"}
    assert as_bytes(lessons, figures) == as_bytes(*whole)
    jobs.drop(job)
    assert not job.folder.exists()


@pytest.mark.unit
def test_vectors_that_made_a_round_trip_are_judged_and_not_those_learnt():
    job = jobs.from_inputs(fleet(), chunk_points=1)
    lessons = fan_out.learn(job, fan_out.Here())
    figures = fan_out.judge(job, fan_out.Here(), lessons, {})
    assert figures["arms"]["insights"] == figures["arms"]["default"]


@pytest.mark.unit
def test_series_out_of_order_and_ids_of_no_replay_are_refused():
    telemetry, labels = noisy_series(days=5)
    with pytest.raises(ValueError, match="a/one came after b/two"):
        jobs.make([("b/two", telemetry, labels), ("a/one", telemetry, labels)], GENERAL_RULES)
    for name in ("../../etc", "", "0" * 17):
        with pytest.raises(ValueError, match="not the id of a replay"):
            jobs.Job.of(name)


@pytest.mark.data
def test_the_benchmark_in_chunks_gives_the_same_figures(data_dir):
    given = inputs.from_archive(data_dir / "nab" / "nab-real.tar.gz")
    study = replay.prepare(given)
    lessons = replay.learn(study)
    whole = as_bytes(lessons, replay.report(study, lessons, lessons.vectors))
    assert as_bytes(*run(jobs.from_inputs(given, chunk_points=40_000), fan_out.Here())) == whole


@pytest.mark.fault
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_workers_killed_in_the_middle_of_a_chunk_lose_nothing(whole, monkeypatch):
    monkeypatch.setattr(fan_out, "ASK_AGAIN_S", 2.0)
    job = jobs.from_inputs(fleet(), chunk_points=1)
    killed = {}
    with fan_out.Workers(2) as crew:

        def strike(stage, done, total):
            """Kill every worker, with all that it started, while a chunk of this stage is being done."""
            held = [number for number in job.missing(stage) if fan_out._held(job, stage, number)]
            if held and stage in ("count", "learn-2") and stage not in killed:
                killed[stage] = crew.pids
                for pid in crew.pids:
                    os.killpg(pid, signal.SIGKILL)

        lessons, figures = run(job, crew, strike)
        assert as_bytes(lessons, figures) == as_bytes(*whole)
    assert set(killed) == {"count", "learn-2"}, "nobody was killed, so nothing was shown"
    assert all(killed.values())


@pytest.mark.fault
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_cannot_be_done_is_named():
    job = jobs.from_inputs(fleet(series=2), chunk_points=1)
    (job.folder / "series" / "0001.npz").write_bytes(b"no telemetry")
    with (
        fan_out.Workers(1) as crew,
        pytest.raises(fan_out.ReplayFailedError, match=f"Chunk 1 of stage count of replay {job.name}"),
    ):
        fan_out.learn(job, crew)

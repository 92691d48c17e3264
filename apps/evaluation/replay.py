"""The replay: three arms over the same held-out telemetry.

    study = prepare(inputs)                  # split, fixed and hashed before anything is fitted
    lessons = learn(study)                   # training slices alone; lessons.vectors are feature vectors
    …                                        # the vectors may make a round trip through a feature store
    figures = report(study, lessons, vectors)

`report` judges the insights arm by the vectors it is given and by nothing that `learn` kept back, so what is
measured is what a detector would have been served.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from apps.analysis import accounting, arms, stats
from apps.analysis.cases import Case
from apps.analysis.profiles import apply
from apps.analysis.split import split_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.analysis.accounting import Counts
    from apps.analysis.profiles import Vector
    from apps.analysis.split import Rules
    from apps.analysis.types import Setting

    from .inputs import Inputs

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the phase ("prepare", "learn", "judge"), the series done so far and all series."""

DIGITS = 6
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Study:
    """Every series split and ready, by id in order; `split_hash` covers samples, labels, rules and cuts."""

    cases: dict[str, Case]
    rules: Rules
    split_hash: str


@dataclass(frozen=True)
class Lessons:
    """What the training slices taught.

    `default`: the fleet's setting. `thresholds`: what plain tuning makes of it, by series. `vectors`: the
    columns of the detection profile, by series, null columns left out.
    """

    default: Setting
    thresholds: dict[str, Setting]
    vectors: dict[str, Vector]


def prepare(inputs: Inputs, progress: Progress | None = None) -> Study:
    """Split every series and count the whole grid on its training slice, the costly part."""
    cases: dict[str, Case] = {}
    for done, (name, telemetry) in enumerate(sorted(inputs.series.items()), start=1):
        cases[name] = Case.build(telemetry, inputs.incidents.get(name, ()), inputs.rules)
        _ = cases[name].train_outcomes
        _tell(progress, "prepare", done, len(inputs.series))
    hashed = split_hash(
        {name: case.telemetry for name, case in cases.items()},
        {name: case.split for name, case in cases.items()},
        inputs.rules,
    )
    return Study(cases, inputs.rules, hashed)


def learn(study: Study, progress: Progress | None = None, fleet: arms.Fleet | None = None) -> Lessons:
    """Fit all three arms; only training slices are read. `fleet` where the study is part of a larger one."""
    fleet = fleet or arms.Fleet(tuple(study.cases.values()))
    default = fleet.default()
    services = {
        service: arms.Service([study.cases[name] for name in names], fleet)
        for service, names in by_service(study.cases).items()
    }
    thresholds: dict[str, Setting] = {}
    vectors: dict[str, Vector] = {}
    for done, (name, case) in enumerate(study.cases.items(), start=1):
        thresholds[name] = arms.threshold_only(case, default)
        vectors[name] = arms.learn(case, default, fleet, services[service_of(name)])
        _tell(progress, "learn", done, len(study.cases))
    return Lessons(default, thresholds, vectors)


def by_service(names: Iterable[str]) -> dict[str, list[str]]:
    """Series ids by their service, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        found[service_of(name)].append(name)
    return dict(found)


def service_of(series_id: str) -> str:
    """The service of `service/metric`."""
    return series_id.partition("/")[0]


def report(
    study: Study,
    lessons: Lessons,
    vectors: Mapping[str, Mapping[str, object]],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Figures of the three arms on the held-out slices, as JSON values rounded to six digits.

    `vectors` by series id as read back from wherever they were kept; a series without one keeps the default.

    Raises:
        ValueError: a vector holds a value outside its column's range.
    """
    default: dict[str, Counts] = {}
    threshold: dict[str, Counts] = {}
    insights: dict[str, Counts] = {}
    for done, (name, case) in enumerate(study.cases.items(), start=1):
        default[name] = case.test(lessons.default)
        threshold[name] = case.test(lessons.thresholds[name])
        insights[name] = case.test(apply(lessons.default, vectors.get(name, {})))
        _tell(progress, "judge", done, len(study.cases))
    watched = [name for name, counts in default.items() if counts.monitored_us]
    ratios = [stats.log_ratio(insights[name].false_alarms, default[name].false_alarms) for name in watched]
    return {
        "arms": {
            "default": figures(accounting.total(default.values()), study.rules.lam),
            "threshold_only": figures(accounting.total(threshold.values()), study.rules.lam),
            "insights": figures(accounting.total(insights.values()), study.rules.lam),
        },
        "series_log_ratio": {key: _rounded(value) for key, value in asdict(stats.t_interval(ratios)).items()},
        "sign_flip_p": _rounded(stats.sign_flip_p(ratios)),
        "lambda": study.rules.lam,
        "split_hash": study.split_hash,
    }


def figures(counts: Counts, lam: float) -> dict[str, int | float | None]:
    """One arm. A share of nothing is null: recall without incidents, precision without alarms."""
    alarmed = counts.detected + counts.false_alarms
    either = 2 * counts.detected + counts.false_alarms + counts.incidents - counts.detected
    days = counts.monitored_us / US_PER_DAY
    return {
        "incidents": counts.incidents,
        "detected": counts.detected,
        "recall": _share(counts.detected, counts.incidents),
        "false_alarms": counts.false_alarms,
        "monitored_days": _rounded(days),
        "false_alarms_per_day": _share(counts.false_alarms, days),
        "precision": _share(counts.detected, alarmed),
        "f1": _share(2 * counts.detected, either) if counts.incidents else None,
        "utility": _rounded(counts.utility(lam)),
        "median_delay_s": _rounded(accounting.median_delay_s(counts.delays_s, counts.censored_s)),
    }


def _share(part: float, whole: float) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float | None) -> float | None:
    # Adding zero turns -0.0 into 0.0.
    return None if value is None else round(value, DIGITS) + 0.0


def _tell(progress: Progress | None, phase: str, done: int, total: int) -> None:
    if progress is not None:
        progress(phase, done, total)

"""What a release is worth on held-out telemetry, and what each of its insights contributes.

The difference between two releases is made of steps (`release_steps`): an insight that is added, removed, or
served at another revision. The numerics are `evaluation.ablation`, which knows nothing of insights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db.models import Sum

from apps.analysis import stats
from apps.analysis.multiplicity import benjamini_hochberg
from apps.analysis.split import GENERAL_RULES, data_hash
from apps.common.code import code_id
from apps.common.errors import InvalidInputError
from apps.evaluation import ablation, differences, holding, results, splits
from apps.evaluation.ablation import Part, Study
from apps.evaluation.differences import Arms
from apps.evaluation.models import Result
from apps.evaluation.sightings import together
from apps.evaluation.windows import Window, refuse_overlap
from apps.telemetry.models import Series

from . import release_steps as steps
from .errors import NothingHeldOutError
from .release_steps import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.evaluation.holding import HeldOut

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the series done so far and all of them."""

KIND = "ablation"
METHOD = (
    "replay of both arms on held-out telemetry; Shapley values over all orders (exact up to 10 changes on a "
    "series or incident, else drawn in antithetic pairs); sign-flip test and t intervals over services"
)
MAX_SAMPLES = 10_000_000  # what one run may read


@dataclass(frozen=True)
class Question:
    """Which two releases, in which window, on which split (a name or an id from before; may be empty)."""

    release: int
    against: int = NOTHING
    window: Window = holding.EVERYTHING
    split: str = ""

    @property
    def subject(self) -> str:
        return f"release:{self.release} against:{self.against}"


def run(question: Question, progress: Progress | None = None) -> Result:
    """Replay both releases, and store the figures as a result.

    Raises:
        NotFoundError: no such release.
        NothingHeldOutError: no series has a held-out part.
        HoldoutOverlapError: the window overlaps what signals were learnt from.
        SplitChangedError: the split that was asked for has other members now.
        InvalidInputError: too many samples, or nothing to compare.
    """
    found = _study(question, progress)
    members = [_member(part) for part in found.study.parts.values()]
    split = splits.register(
        splits.describe(KIND, members, GENERAL_RULES, left_out=sorted(found.own)), expected=question.split
    )
    figures = _figures(question, found) | {
        "split_hash": split.pk,
        "code": code_id(),
        "data_hash": splits.data_hash(members),
        "seed": stats.SEED,
    }
    return results.keep(
        kind=KIND,
        subject=question.subject,
        split=split,
        data_hash=figures["data_hash"],
        seed=stats.SEED,
        figures=figures,
    )


def newest(release: int, against: int) -> Result | None:
    """The newest stored comparison of these two, whatever its window."""
    return Result.objects.filter(kind=KIND, subject=Question(release, against).subject).first()


def check(question: Question) -> None:
    """Refuse what no run could answer, before anything is read.

    Raises:
        NotFoundError, InvalidInputError, HoldoutOverlapError: as `run`.
    """
    before, after = steps.manifests(question.release, question.against)
    revisions = steps.revisions(before, after)
    refuse_overlap(question.window, steps.seen(revisions))
    _series_with_samples()


@dataclass(frozen=True)
class _Found:
    study: Study
    changes: dict[int, dict[str, Any]]
    own: frozenset[str]
    empty: list[str]


def _study(question: Question, progress: Progress | None) -> _Found:
    before, after = steps.manifests(question.release, question.against)
    revisions = steps.revisions(before, after)
    seen = steps.seen(revisions)
    refuse_overlap(question.window, seen)
    wanted = _series_with_samples()
    own = frozenset().union(*(steps.own_source(revision) for revision in revisions.values()))
    layers = steps.layers(revisions, before, after)
    overlays = steps.overlays(question.release, question.against, layers, before, after)
    parts, empty = {}, []
    for done, (name, family) in enumerate(wanted.items(), start=1):
        held = holding.held_out(name, seen_us=seen.get(name), own=own, window=question.window)
        if held is None:
            empty.append(name)
        else:
            parts[name] = Part(name, family, held, layers.get(name, ()), overlays.get(name, ()))
        if progress is not None:
            progress(done, len(wanted))
    if not parts:
        raise NothingHeldOutError(
            "No series has samples after what its signals were learnt from, so there is nothing to compare.",
            remedy="Import later telemetry, or compare without a window.",
        )
    return _Found(Study(parts), steps.changes(revisions, before, after, overlays), own, empty)


def _series_with_samples() -> dict[str, str]:
    """Metric family of every series that has samples, by id."""
    rows = Series.objects.filter(samples__gt=0).order_by("pk")
    samples = int(rows.aggregate(total=Sum("samples"))["total"] or 0)
    if samples > MAX_SAMPLES:
        raise InvalidInputError(
            f"There are {samples:,} samples here; at most {MAX_SAMPLES:,} are replayed at once.",
            field="release",
            remedy="Compare on an installation with fewer series.",
        )
    return dict(rows.values_list("pk", "metric_family"))


def _member(part: Part) -> splits.Member:
    case = part.held.case
    times, test = case.telemetry.times, case.split.test
    return splits.Member(
        series=part.series_id,
        cut_us=case.split.cut_us,
        from_us=int(times[test.first]),
        to_us=int(times[test.last - 1]),
        data_hash=data_hash(case.telemetry),
        incidents=test.incidents,
    )


def _figures(question: Question, found: _Found) -> dict[str, Any]:
    study = found.study
    everything = frozenset(found.changes)
    arms = _arms(study, everything)
    pieces = ablation.contributions(study.units(), seed=stats.SEED)
    contributions = [
        change | differences.contribution(pieces.get(player, []), arms)
        for player, change in found.changes.items()
    ]
    for entry, adjusted in zip(
        contributions, benjamini_hochberg([entry["p"] for entry in contributions]), strict=True
    ):
        entry["p_adjusted"] = adjusted
        if entry["verdict"] in {differences.IMPROVED, differences.WORSE} and adjusted >= differences.ALPHA:
            entry["verdict"] = differences.NO_EVIDENCE
    difference = differences.difference(arms)
    return {
        "release": question.release,
        "against": question.against,
        "method": METHOD,
        "metric": "utility",
        "lambda": GENERAL_RULES.lam,
        "n": {
            "series": len(study.parts),
            "services": len(arms.after),
            "incidents": arms.incidents,
            "days": sum(part.held.case.test_scorer.watched_us for part in study.parts.values()) / 86_400e6,
        },
        "excluded": _excluded(found),
        "arms": {
            "against": differences.totals(arms.before, GENERAL_RULES.lam),
            "release": differences.totals(arms.after, GENERAL_RULES.lam),
        },
        "by_service": _by_service(arms),
        "difference": difference,
        "contributions": contributions,
        "sum_of_contributions": math.fsum(entry["shapley"] for entry in contributions),
        "verdict": difference["utility"]["verdict"],
    }


def _arms(study: Study, everything: frozenset[int]) -> Arms:
    moves = [
        (study.delay_s(incident, frozenset()) is not None, study.delay_s(incident, everything) is not None)
        for incident in study.incidents()
    ]
    return Arms(
        before=study.counts(frozenset()),
        after=study.counts(everything),
        gained=sum(new and not old for old, new in moves),
        lost=sum(old and not new for old, new in moves),
        lam=GENERAL_RULES.lam,
    )


def _by_service(arms: Arms) -> dict[str, Any]:
    return {
        name: {
            "incidents": after.incidents,
            "detected": {"against": arms.before[name].detected, "release": after.detected},
            "false_alarms": {"against": arms.before[name].false_alarms, "release": after.false_alarms},
            "utility": after.utility(arms.lam) - arms.before[name].utility(arms.lam),
        }
        for name, after in arms.after.items()
    }


def _excluded(found: _Found) -> dict[str, Any]:
    """What was left out, each incident once, and series without a held-out part."""
    held: list[tuple[str, HeldOut]] = [(name, part.held) for name, part in found.study.parts.items()]
    return {
        "series_without_held_out_part": len(found.empty),
        "drills": _once(
            (name, interval, one.drills[interval]) for name, one in held for interval in one.drills
        ),
        "unscored": _once(
            (name, interval, one.sources[interval]) for name, one in held for interval in one.unscored
        ),
        "own_incidents": _once(
            (name, interval, one.sources[interval]) for name, one in held for interval in one.own
        ),
    }


def _once(seen: Iterable[tuple[str, Any, frozenset[str]]]) -> int:
    return len(together(ablation.Sight(name, interval, who, 0) for name, interval, who in seen))

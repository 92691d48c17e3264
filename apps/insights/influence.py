"""The caps on what one author may move: what a revision would move, what is left, and the charge.

The bounds and the measure are those of `analysis.influence`. Every author is charged in full, whoever
proposed the insight and whoever wrote any of its revisions. What an operator let through is theirs to answer
for: it counts for nobody.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Sum
from django.utils import timezone

from apps.accounts.models import User
from apps.analysis import influence
from apps.analysis.influence import CAP_OTHER, CAP_SERIES, CAP_SHARE, CAP_THETA, SLACK, WINDOW_DAYS
from apps.telemetry import reading
from apps.telemetry.models import Series

from . import composition, gating
from .models import Influence, InfluenceLift, Revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.influence import Movement

    from .models import Insight

BOUND = (
    f"Within {WINDOW_DAYS} days the insights of one author move the threshold of a series by at most "
    f"{CAP_THETA:g} doublings in sum (a factor of {2**CAP_THETA:g}), everything else of it by at most "
    f"{CAP_OTHER:g}, and at most {CAP_SERIES} series, or {CAP_SHARE:.0%} of a fleet that is larger."
)
SHOWN = 3  # series named in a reason


@dataclass(frozen=True)
class Weighed:
    """What serving a revision would move, by series; who is charged; and each bound that it would pass."""

    movements: Mapping[str, Movement]
    authors: list[User]
    over: list[str]
    lift: InfluenceLift | None

    @property
    def most_theta(self) -> float:
        """The largest movement of a threshold, in doublings."""
        return max((one.theta for one in self.movements.values()), default=0.0)

    @property
    def most_other(self) -> float:
        """The largest movement of everything else, in doublings."""
        return max((one.other for one in self.movements.values()), default=0.0)

    @property
    def stopped(self) -> bool:
        """Does it pass a bound that nobody lifted?"""
        return bool(self.over) and self.lift is None


def weigh(insight: Insight, revision: Revision) -> Weighed:
    """What serving this revision now would move, against what its authors moved within the window.

    It is taken as if its signals spoke, whether or not a narrower insight overrules them today. A fixed
    number of queries, whatever the scope.
    """
    series = reading.resolve(revision.scope)
    before = composition.compose(set(series) | composition.covered(insight))
    others = composition.compose(before, without=insight.pk)
    change = gating.columns(revision)
    covered = set(series)
    movements = {}
    for name, content in before.items():
        rest = others[name]
        after = {**(rest.values if rest else {}), **(change if name in covered else {})}
        movements[name] = influence.movement(content.values if content else {}, after)
    written = Revision.objects.filter(insight=insight).values("author")
    authors = sorted(
        User.objects.filter(pk__in=[insight.author_id]) | User.objects.filter(pk__in=written),
        key=lambda author: author.pk,
    )
    over = _over(movements, authors)
    return Weighed(movements, authors, over, InfluenceLift.objects.filter(revision=revision).first())


def charge(revision: Revision, weighed: Weighed) -> None:
    """Write the movements to every author's account, as the revision becomes active."""
    at = timezone.now()
    Influence.objects.bulk_create(
        (
            Influence(
                revision=revision, author=author, series=name, theta=moved.theta, other=moved.other, at=at
            )
            for author in weighed.authors
            for name, moved in sorted(weighed.movements.items())
        ),
        batch_size=None,  # one statement: the trigger looks at all of them together
    )


def _over(movements: Mapping[str, Movement], authors: list[User]) -> list[str]:
    """In words, every bound that somebody would pass."""
    since = timezone.now() - timedelta(days=WINDOW_DAYS)
    recent = Influence.objects.filter(author__in=authors, at__gt=since, revision__lifts__isnull=True)
    spent: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    sums = recent.values("author", "series").annotate(thetas=Sum("theta"), others=Sum("other"))
    for row in sums:
        spent[row["author"]][row["series"]] = (row["thetas"], row["others"])
    most = influence.most_series(Series.objects.count())
    return [reason for author in authors for reason in _passed(author, movements, spent[author.pk], most)]


def _passed(
    author: User, movements: Mapping[str, Movement], spent: Mapping[str, tuple[float, float]], most: int
) -> list[str]:
    reasons = []
    zero = (0.0, 0.0)
    for what, cap, totals in (
        ("the threshold", CAP_THETA, {n: spent.get(n, zero)[0] + m.theta for n, m in movements.items()}),
        ("other settings", CAP_OTHER, {n: spent.get(n, zero)[1] + m.other for n, m in movements.items()}),
    ):
        beyond = {name: total for name, total in totals.items() if total > cap + SLACK}
        if beyond:
            named = ", ".join(sorted(beyond)[:SHOWN]) + (" and more" if len(beyond) > SHOWN else "")
            reasons.append(
                f"{author.name} would have moved {what} of {named} by {max(beyond.values()):.2f} doublings "
                f"within {WINDOW_DAYS} days; the bound is {cap:g}."
            )
    touched = len(spent.keys() | movements.keys())
    if touched > most:
        reasons.append(
            f"{author.name} would have moved {touched} series within {WINDOW_DAYS} days; the bound is {most}."
        )
    return reasons

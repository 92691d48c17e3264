"""Whose labels do the others contradict far more often than they contradict one another?

The unit is a *statement*: one author, one interval. An incident that is labelled on thirty series is one
statement, so one honest error is not thirty. On each series every other author who labels an overlapping
time has one vote: for it, if any of those labels is of the same kind; against it, if all are of the other
kind. A statement with votes is *checked*; with more against than for, it is *contradicted* (a flip). A tie
is no flip.

An author is an outlier where all of this holds (fixed before any labels were seen):

- at least `MIN_CHECKED` statements are checked and `MIN_FLIPS` contradicted; at least `MIN_REST` statements
  of the rest are checked among themselves, without the author's votes;
- the rate is at least `MIN_RATIO` times that of the rest, (flips + 1/2) / (checked + 1), which is never
  zero. Half of the tenfold that must be found: the noise of an observed ratio lies between, and honest
  authors who err two or three times as often as others stay below;
- Fisher's exact test, one-sided, rejects equal rates at `ALPHA` divided by the number of authors tested.

Outliers go one at a time, the least probable first, and the rest is compared again without it: those whom a
poisoner contradicts would look bad themselves. Two authors who only contradict one another cannot be told
apart, and nobody is an outlier then. Accounts that agree with one another to outvote the honest are not
found by this.

Sources: R. A. Fisher, Statistical Methods for Research Workers (1925), section 21.02 (exact test); O. J.
Dunn, Multiple comparisons among means, JASA 56 (1961) 52-64 (the division); B. Rosner, Percentage points
for a generalized ESD many-outlier procedure, Technometrics 25 (1983) 165-172 (removing outliers one at a
time).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import hypergeom

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

ALPHA = 0.05
MIN_RATIO = 5.0
MIN_CHECKED = 10
MIN_FLIPS = 5
MIN_REST = 20


class Said(NamedTuple):
    """One label: both ends belong to it, microseconds since 1970 UTC.

    `vouched`: a person let it through, so it votes and is not judged.
    """

    author: str
    series: str
    start_us: int
    end_us: int
    incident: bool
    vouched: bool = False


@dataclass(frozen=True, slots=True)
class Flips:
    """What the others say of an author's statements, against what the rest say among themselves.

    `p` is one-sided and not adjusted; `tested` is how many authors shared `ALPHA`.
    """

    author: str
    checked: int
    flips: int
    rest_checked: int
    rest_flips: int
    p: float
    tested: int

    @property
    def rate(self) -> float:
        """Share of the checked statements that is contradicted."""
        return self.flips / self.checked

    @property
    def rest_rate(self) -> float:
        """That of the rest, smoothed so that it is never zero."""
        return (self.rest_flips + 0.5) / (self.rest_checked + 1)

    @property
    def ratio(self) -> float:
        """How many times the rate of the rest."""
        return self.rate / self.rest_rate

    @property
    def outlier(self) -> bool:
        """Do the figures call for a quarantine?"""
        return (
            self.checked >= MIN_CHECKED
            and self.flips >= MIN_FLIPS
            and self.rest_checked >= MIN_REST
            and self.ratio >= MIN_RATIO
            and self.p * self.tested <= ALPHA
        )


@dataclass(frozen=True, slots=True)
class _Votes:
    """Votes by statement and voter: shape (m,) each; `says` and `of` give the numbers of authors."""

    authors: list[str]
    statement: npt.NDArray[np.int64]
    of: npt.NDArray[np.int64]
    voter: npt.NDArray[np.int64]
    net: npt.NDArray[np.int64]


def outliers(labels: Iterable[Said]) -> list[Flips]:
    """The authors whose labels should not be used, in the order in which they were found.

    Labels in any order; drills and hold-out are for the caller to leave out. Microseconds, UTC. Empty where
    nobody is an outlier or too little overlaps.
    """
    votes = _votes(list(dict.fromkeys(labels)))
    here = np.ones(len(votes.authors), dtype=np.bool_)
    tested = _testable(votes)
    found: list[Flips] = []
    while True:
        rows = [_compare(votes, here, author, len(tested)) for author in tested if here[author]]
        bad = [row for row in rows if row is not None and row.outlier]
        if not bad:
            return found
        worst = min(bad, key=lambda row: (row.p, -row.ratio, row.author))
        found.append(worst)
        here[votes.authors.index(worst.author)] = False


def _testable(votes: _Votes) -> list[int]:
    """Authors with enough checked statements at all; the others do not share alpha."""
    pairs = np.unique(np.stack([votes.of, votes.statement]), axis=1)
    counts = np.bincount(pairs[0], minlength=len(votes.authors)) if pairs.size else np.zeros(0, dtype=int)
    return [int(author) for author in np.flatnonzero(counts >= MIN_CHECKED)]


def _compare(votes: _Votes, here: npt.NDArray[np.bool_], author: int, tested: int) -> Flips | None:
    present = here[votes.of] & here[votes.voter]
    checked, flips = _count(votes, present & (votes.of == author))
    rest_checked, rest_flips = _count(votes, present & (votes.of != author) & (votes.voter != author))
    if checked == 0:
        return None
    both = checked + rest_checked
    p = float(hypergeom.sf(flips - 1, both, flips + rest_flips, checked))
    return Flips(votes.authors[author], checked, flips, rest_checked, rest_flips, min(p, 1.0), tested)


def _count(votes: _Votes, chosen: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Checked and contradicted statements, by the chosen votes alone."""
    if not chosen.any():
        return 0, 0
    statements, which = np.unique(votes.statement[chosen], return_inverse=True)
    net = np.bincount(which, weights=votes.net[chosen])
    return len(statements), int((net < 0).sum())


def _votes(labels: Sequence[Said]) -> _Votes:
    authors = sorted({label.author for label in labels})
    number = {author: at for at, author in enumerate(authors)}
    statements: dict[tuple[str, int, int], int] = {}
    by_series: dict[str, list[Said]] = defaultdict(list)
    for label in labels:
        statements.setdefault((label.author, label.start_us, label.end_us), len(statements))
        by_series[label.series].append(label)
    rows: list[npt.NDArray[np.int64]] = [np.zeros((4, 0), dtype=np.int64)]
    for said in by_series.values():
        judged = [label for label in said if not label.vouched]
        if judged:
            keys = [statements[(label.author, label.start_us, label.end_us)] for label in judged]
            rows += _on_series(judged, np.array(keys, dtype=np.int64), said, number)
    table = np.concatenate(rows, axis=1)
    return _Votes(authors, table[0], table[1], table[2], table[3])


def _on_series(
    judged: Sequence[Said], keys: npt.NDArray[np.int64], said: Sequence[Said], number: dict[str, int]
) -> list[npt.NDArray[np.int64]]:
    """Votes on one series as rows (statement, author, voter, +1 or -1); n log n, whatever overlaps."""
    starts = np.array([label.start_us for label in judged], dtype=np.int64)
    ends = np.array([label.end_us for label in judged], dtype=np.int64)
    incident = np.array([label.incident for label in judged], dtype=np.bool_)
    of = np.array([number[label.author] for label in judged], dtype=np.int64)
    spans: dict[str, dict[bool, tuple[list[int], list[int]]]] = defaultdict(
        lambda: {True: ([], []), False: ([], [])}
    )
    for label in said:
        into = spans[label.author][label.incident]
        into[0].append(label.start_us)
        into[1].append(label.end_us)
    rows = []
    for author, kinds in spans.items():
        as_incident = _overlaps(*kinds[True], starts, ends)
        as_benign = _overlaps(*kinds[False], starts, ends)
        same = np.where(incident, as_incident, as_benign) > 0
        other = np.where(incident, as_benign, as_incident) > 0
        voted = (same | other) & (of != number[author])
        if voted.any():
            voter = np.full(int(voted.sum()), number[author], dtype=np.int64)
            rows.append(np.stack([keys[voted], of[voted], voter, np.where(same[voted], 1, -1)]))
    return rows


def _overlaps(
    begun: list[int], over: list[int], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many of the intervals touch each [start, end]: begun by its end, less those over before it."""
    first = np.searchsorted(np.sort(np.array(begun, dtype=np.int64)), ends, side="right")
    return np.asarray(first - np.searchsorted(np.sort(np.array(over, dtype=np.int64)), starts, side="left"))

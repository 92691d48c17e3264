"""Champion and challenger: fit on the earlier alerts, compare on the later, promote only what is better."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.analysis import ranking
from apps.analysis.ranking import FEWEST_BLOCKS, FEWEST_POSITIVES

from . import trees
from .errors import RankerError
from .table import FEATURES

if TYPE_CHECKING:
    from datetime import datetime

    from apps.analysis.ranking import Comparison
    from apps.analysis.types import Bools

    from .table import Table

SEED = 20_261_121
FORMAT = 1
FEWEST_OF_A_KIND = 20  # alerts of each kind that a model is fitted on
METHOD = "jackknife over services, t interval, 95 %"
BETTER = "improved"


@dataclass(frozen=True)
class Split:
    """Alerts before `boundary` are learnt from, the later ones held out. `id` is the hash of both sides."""

    boundary: datetime
    is_train: Bools
    id: str


def split(table: Table, *, share: float = 0.6, boundary: datetime | None = None) -> Split:
    """The split in time: at `boundary`, or where `share` of the alerts lie before.

    Raises:
        RankerError: a side is empty.
    """
    at = boundary or table.alerts[min(int(share * len(table)), len(table) - 1)].at
    is_train = np.array([alert.at < at for alert in table.alerts], dtype=np.bool_)
    if not is_train.any() or is_train.all():
        raise RankerError(f"All alerts lie on one side of {at.isoformat()}.")
    rows = [[a.series, a.at.isoformat(), bool(t)] for a, t in zip(table.alerts, is_train, strict=True)]
    text = json.dumps([at.isoformat(), rows])
    return Split(at, is_train, hashlib.sha256(text.encode()).hexdigest())


def challenge(
    table: Table,
    parted: Split,
    *,
    seed: int = SEED,
    champion: tuple[dict[str, Any], trees.Model] | None = None,
) -> tuple[dict[str, Any], trees.Model]:
    """Train a challenger and compare it; its entry for the registry, without number and id, and the model.

    Without a champion the detector's own score stands for it. A champion that has learnt from alerts at or
    after the boundary is refused: it would be compared on what it knows.

    Raises:
        RankerError: too few alerts of a kind to learn from, or such a champion.
    """
    train, held_out = table.part(parted.is_train), table.part(~parted.is_train)
    n_positive = int(train.labels.sum())
    if min(n_positive, len(train) - n_positive) < FEWEST_OF_A_KIND:
        raise RankerError(
            f"{n_positive} of {len(train)} training alerts became incidents; at least {FEWEST_OF_A_KIND} "
            f"of each kind are needed."
        )
    if champion is not None and champion[0]["split"]["boundary"] > parted.boundary.isoformat():
        raise RankerError(
            f"The champion learnt from alerts up to {champion[0]['split']['boundary']}; "
            f"hold out later ones (--split-at)."
        )
    model = trees.fit(train.features, train.labels, FEATURES, seed=seed)
    compared = compared_on(held_out, model, champion[1] if champion else None)
    entry = {
        "format": FORMAT,
        "kind": "alert ranker",
        "seed": seed,
        "features": list(FEATURES),
        "settings": trees.SETTINGS,
        "code": code_id(),
        "libraries": {name: version(name) for name in ("scikit-learn", "numpy")},
        "data": {
            "sha256": table.sha256(),
            "alerts": len(table),
            "incidents": int(table.labels.sum()),
            "first": table.alerts[0].at.isoformat(),
            "last": table.alerts[-1].at.isoformat(),
        },
        "split": {
            "id": parted.id,
            "boundary": parted.boundary.isoformat(),
            "train": len(train),
            "held_out": len(held_out),
        },
        "releases": sorted({int(number) for number in train.releases if number}),
        "champion": champion[0]["id"] if champion else None,
        "comparison": shown(compared),
        "promoted": compared.verdict == BETTER,
    }
    return entry, model


def compared_on(held_out: Table, challenger: trees.Model, champion: trees.Model | None) -> Comparison:
    """Challenger against champion (the detector's score without one) on the same held-out alerts."""
    rival = champion.chances(held_out.features) if champion else held_out.scores
    return ranking.compare(held_out.labels, challenger.chances(held_out.features), rival, held_out.services)


def freshness(fresh: Table, stale: Table, model: trees.Model) -> dict[str, Any]:
    """What current features are worth: one model on the same alerts, with features known when each rang,
    with those known at the split, and the detector's score alone."""
    compared = ranking.compare(
        fresh.labels, model.chances(fresh.features), model.chances(stale.features), fresh.services
    )
    found = shown(compared)
    return {
        "average_precision": {
            "fresh": found.pop("first"),
            "frozen": found.pop("second"),
            "score_alone": _rounded(ranking.average_precision(fresh.labels, fresh.scores)),
            "base_rate": _rounded(float(fresh.labels.mean())),
        },
        "fresh_minus_frozen": found,
    }


def shown(compared: Comparison) -> dict[str, Any]:
    """A comparison as JSON: rounded, with its method and its limits."""
    return {
        **{key: _rounded(value) for key, value in asdict(compared).items()},
        "method": METHOD,
        "fewest": {"blocks": FEWEST_BLOCKS, "incidents": FEWEST_POSITIVES},
    }


def code_id() -> str:
    """The hash of the sources that decide what a training gives."""
    here = Path(__file__).parent
    sources = [*sorted(here.glob("*.py")), Path(ranking.__file__)]
    together = hashlib.sha256()
    for path in sources:
        together.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return together.hexdigest()


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value

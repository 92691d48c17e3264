"""A fitted model as numbers: boosted trees that are written as JSON, and read again without running any code.

scikit-learn fits; what it learnt is taken out node by node, so that the file holds numbers only, is the same
byte for byte after the same training, and needs no scikit-learn to score. A test holds both to one answer.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import RankerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apps.analysis.types import Bools, Floats

SETTINGS: dict[str, Any] = {
    "max_iter": 120,
    "learning_rate": 0.06,
    "max_leaf_nodes": 12,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "early_stopping": False,
}
_FIELDS = ("feature", "threshold", "missing_left", "left", "right", "value")


@dataclass(frozen=True)
class Tree:
    """Nodes (n,): where `feature` is -1 it is a leaf with its `value`; else at most `threshold` goes left."""

    feature: NDArray[np.int64]
    threshold: Floats
    missing_left: Bools
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats

    def apply(self, rows: Floats) -> Floats:
        """The value of the leaf that each of `rows` (n, n_features) falls into."""
        at = np.zeros(rows.shape[0], dtype=np.int64)
        while True:
            feature = self.feature[at]
            inner = feature >= 0
            if not inner.any():
                found: Floats = self.value[at]
                return found
            held = rows[np.arange(rows.shape[0]), np.where(inner, feature, 0)]
            left = np.where(np.isnan(held), self.missing_left[at], held <= self.threshold[at])
            at = np.where(inner, np.where(left, self.left[at], self.right[at]), at)


@dataclass(frozen=True)
class Model:
    """Boosted trees over named features: log-odds are `baseline` and the sum of all trees."""

    features: tuple[str, ...]
    baseline: float
    trees: tuple[Tree, ...]

    def chances(self, rows: Floats) -> Floats:
        """The chance (n,) of an incident for each of `rows` (n, n_features)."""
        odds = np.full(rows.shape[0], self.baseline)
        for tree in self.trees:
            odds += tree.apply(rows)
        chances: Floats = 1.0 / (1.0 + np.exp(-odds))
        return chances

    def dump(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(
            {
                "features": list(self.features),
                "baseline": self.baseline,
                "trees": [{name: getattr(tree, name).tolist() for name in _FIELDS} for tree in self.trees],
            },
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        ).encode()


def fit(rows: Floats, labels: Bools, features: tuple[str, ...], *, seed: int) -> Model:
    """Boosted trees that tell incidents from the rest, fitted in one thread so that they are always the same.

    Raises:
        RankerError: all rows are of one kind.
    """
    # Takes a second, and the web process never needs it.
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    if labels.all() or not labels.any():
        raise RankerError("All training alerts are of one kind; there is nothing to tell apart.")
    classifier = HistGradientBoostingClassifier(random_state=seed, **SETTINGS)
    # scikit-learn cannot bin a feature that is never known. A constant is never split on either.
    usable = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
    with threadpool_limits(limits=1):
        classifier.fit(usable, labels.astype(np.int64))
    return exported(classifier, features)


def exported(classifier: Any, features: tuple[str, ...]) -> Model:
    """What a fitted `HistGradientBoostingClassifier` of two classes learnt, out of its private parts."""
    trees = [_tree(predictor.nodes) for (predictor,) in classifier._predictors]  # noqa: SLF001  # no public way
    return Model(features, float(classifier._baseline_prediction.item()), tuple(trees))  # noqa: SLF001


def load(content: bytes) -> Model:
    """The model that `Model.dump` wrote. Reads numbers; nothing in the file is run.

    Raises:
        RankerError: something else, or trees that point out of themselves.
    """
    try:
        held = json.loads(content)
        features = tuple(str(name) for name in held["features"])
        trees = tuple(
            Tree(
                feature=np.array(tree["feature"], dtype=np.int64),
                threshold=np.array(tree["threshold"], dtype=np.float64),
                missing_left=np.array(tree["missing_left"], dtype=np.bool_),
                left=np.array(tree["left"], dtype=np.int64),
                right=np.array(tree["right"], dtype=np.int64),
                value=np.array(tree["value"], dtype=np.float64),
            )
            for tree in held["trees"]
        )
        baseline = float(held["baseline"])
    except (ValueError, KeyError, TypeError) as exc:
        raise RankerError(f"The model file is not one of this ranker: {exc!r}.") from exc
    if not math.isfinite(baseline) or not all(_is_sound(tree, len(features)) for tree in trees):
        raise RankerError("The model file holds a tree that leads nowhere.")
    return Model(features, baseline, trees)


def _tree(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(np.bool_)
    threshold = np.where(leaf, 0.0, nodes["num_threshold"])
    # The last bin has no upper bound: "at most infinity" is "not missing".
    threshold = np.clip(threshold, -np.finfo(np.float64).max, np.finfo(np.float64).max)
    return Tree(
        feature=np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)),
        threshold=threshold.astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        value=nodes["value"].astype(np.float64),
    )


def _is_sound(tree: Tree, n_features: int) -> bool:
    """Whether every way down ends: children come after their parent and stand inside the tree."""
    size = tree.feature.size
    if size == 0 or any(getattr(tree, name).shape != (size,) for name in _FIELDS):
        return False
    inner = np.flatnonzero(tree.feature >= 0)
    children = np.concatenate([tree.left[inner], tree.right[inner]])
    return bool(
        (tree.feature < n_features).all()
        and (children > np.concatenate([inner, inner])).all()
        and (children < size).all()
        and np.isfinite(tree.value).all()
    )

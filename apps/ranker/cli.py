"""The command line: train a challenger, score alerts, evaluate what fresh features are worth."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import alerts, client, registry, table, training
from .errors import RankerError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("aftercast.ranker")
TOKEN = "AFTERCAST_TOKEN"  # noqa: S105  # the name of the variable, not a token


@dataclass(frozen=True)
class Scored:
    """One alert with its chance of being an incident (None without a champion), and what it was read from."""

    alert: alerts.Alert
    chance: float | None
    release: int | None
    version: int | None
    known_at: str | None
    history_version: int | None
    history_known_at: str | None


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line; leaves the process where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m apps.ranker",
        description=f"Rank alerts by their chance of being an incident. The token is read from {TOKEN}.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", required=True, help="where Aftercast answers")
    common.add_argument("--registry", type=Path, required=True, help="the folder of trained models")
    common.add_argument("--alarms", type=Path, help="CSV with series, at, score; else those on the server")
    common.add_argument("--json", action="store_true", help="print the outcome as one JSON line")
    past = argparse.ArgumentParser(add_help=False)
    past.add_argument(
        "--settle-hours",
        type=float,
        default=table.SETTLE.total_seconds() / 3600,
        help="leave out alerts so young that nobody may have labelled them (default %(default)g)",
    )
    past.add_argument("--as-of", type=_moment, help="train as at this moment (ISO); default now")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", parents=[common, past], help="a challenger; promoted if it is better")
    train.add_argument("--split-at", type=_moment, help="hold out alerts from this moment (ISO) on")
    train.add_argument("--seed", type=int, default=training.SEED)
    score = verbs.add_parser("score", parents=[common], help="rank alerts by features as served now")
    score.add_argument("--folder", type=Path, required=True, help="the unpacked client folder")
    score.add_argument("--fetch", action="store_true", help="bring the client folder up to date first")
    score.add_argument("--since", type=_moment, help="only alerts at or after this moment (ISO)")
    evaluate = verbs.add_parser("evaluate", parents=[common, past], help="fresh features against frozen ones")
    evaluate.add_argument("--entry", type=int, help="number of an entry; default the newest")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; 0 if all went well, 1 with a message if not."""
    options = arguments(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        outcome = _VERBS[options.verb](options, _server(options))
    except RankerError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # a command line speaks
        return 1
    print(json.dumps(outcome, indent=None if options.json else 1))  # noqa: T201
    return 0


def train(options: argparse.Namespace, server: client.Server) -> dict[str, Any]:
    """Train, compare, append to the registry; the entry."""
    as_of = options.as_of or datetime.now(UTC)
    built = table.build(server, _alerts(options, server), as_of=as_of, settle=_settle(options))
    parted = training.split(built, boundary=options.split_at)
    best = registry.champion(options.registry)
    champion = (best, registry.model_of(options.registry, best)) if best else None
    entry, model = training.challenge(built, parted, seed=options.seed, champion=champion)
    entry["as_of"] = as_of.isoformat()
    made = registry.append(options.registry, entry, model, created_at=datetime.now(UTC).isoformat())
    log.info("trained entry=%d verdict=%s", made["number"], made["comparison"]["verdict"])
    return made


def score(options: argparse.Namespace, server: client.Server) -> dict[str, Any]:
    """Rank alerts by the champion; by the detector's score alone while there is none."""
    if options.fetch:
        server.fetch(options.folder)
    best = registry.champion(options.registry)
    wanted = [
        alert for alert in _alerts(options, server) if options.since is None or alert.at >= options.since
    ]
    scored = _scored(options, best, wanted) if wanted else []
    scored.sort(key=lambda one: (-(one.alert.score if one.chance is None else one.chance), one.alert.at))
    return {
        "entry": best["number"] if best else None,
        "ranked_by": "model" if best else "score alone: no model was promoted",
        "alerts": [_plain(one) for one in scored],
    }


def evaluate(options: argparse.Namespace, server: client.Server) -> dict[str, Any]:
    """An entry's model on the alerts after its split: fresh features against those frozen at the split."""
    held = registry.entries(options.registry)
    number = options.entry or len(held)
    if not 1 <= number <= len(held):
        raise RankerError(f"There is no entry {number}; the registry holds {len(held)}.")
    entry = held[number - 1]
    model = registry.model_of(options.registry, entry)
    boundary = alerts.moment(entry["split"]["boundary"])
    later = [alert for alert in _alerts(options, server) if alert.at >= boundary]
    as_of = options.as_of or datetime.now(UTC)
    fresh = table.build(server, later, as_of=as_of, settle=_settle(options))
    found = training.freshness(fresh, table.frozen(server, fresh, boundary), model)
    return {"entry": number, "promoted": entry["promoted"], "alerts": len(fresh), **found}


_VERBS = {"train": train, "score": score, "evaluate": evaluate}


def _scored(
    options: argparse.Namespace, best: dict[str, Any] | None, wanted: Sequence[alerts.Alert]
) -> list[Scored]:
    with client.opened_store(options.folder) as store:
        profiles = client.online(store, table.PROFILES, [{"series": alert.series} for alert in wanted])
        history = client.online(store, table.HISTORY, [{"service": alert.service} for alert in wanted])
    rows = [
        table.vector(alert, profile, past)
        for alert, profile, past in zip(wanted, profiles, history, strict=True)
    ]
    chances: list[float | None] = [None] * len(wanted)
    if best:
        model = registry.model_of(options.registry, best)
        if model.features != table.FEATURES:
            raise RankerError(f"Entry {best['number']} was trained on other features. Train again.")
        chances = model.chances(np.array(rows, dtype=np.float64)).tolist()
    found = [
        Scored(
            alert, chance, profile["release"], profile["version"], profile["known_at_iso"],
            past["version"], past["known_at_iso"],
        )
        for alert, chance, profile, past in zip(wanted, chances, profiles, history, strict=True)
    ]  # fmt: skip
    for one in found:
        log.info(
            "scored series=%s at=%s chance=%s release=%s version=%s known_at=%s history_version=%s "
            "history_known_at=%s",
            one.alert.series, one.alert.at.isoformat(), one.chance, one.release, one.version, one.known_at,
            one.history_version, one.history_known_at,
        )  # fmt: skip
    return found


def _plain(one: Scored) -> dict[str, Any]:
    return {
        "series": one.alert.series,
        "at": one.alert.at.isoformat(),
        "score": one.alert.score,
        "chance": one.chance,
        "release": one.release,
        "version": one.version,
        "known_at": one.known_at,
        "history_version": one.history_version,
        "history_known_at": one.history_known_at,
    }


def _alerts(options: argparse.Namespace, server: client.Server) -> list[alerts.Alert]:
    return alerts.alerts_of(alerts.read(options.alarms) if options.alarms else server.alarms())


def _server(options: argparse.Namespace) -> client.Server:
    token = os.environ.get(TOKEN)
    if not token:
        raise RankerError(
            f"{TOKEN} is not set. Export a token with the scopes features:read and alerts:read."
        )
    return client.Server(options.url, token)


def _settle(options: argparse.Namespace) -> timedelta:
    return timedelta(hours=max(options.settle_hours, 0.0))


def _moment(text: str) -> datetime:
    try:
        return alerts.moment(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{exc}. Write it as 2026-11-21T12:00:00Z.") from exc

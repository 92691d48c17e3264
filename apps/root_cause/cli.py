"""The command line: read what is known of a service by Feast, and suggest how it may have failed."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import client, suggesting
from .errors import SuggesterError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("aftercast.root_cause")
TOKEN = "AFTERCAST_TOKEN"  # noqa: S105  # the name of the variable, not a token
ANY_TIER = "any"


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line; leaves the process where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m apps.root_cause",
        description=f"Suggest how a service failed, and what ended such failures before. "
        f"The token is read from {TOKEN}.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="the unpacked client folder")
    parser.add_argument("--url", help="where Aftercast answers; needed with --fetch")
    parser.add_argument("--service", required=True, help="the slug of the service that fails")
    parser.add_argument(
        "--symptom",
        action="append",
        default=[],
        metavar="KIND:CODE",
        help=f"what was seen first, as reviews would name it; kinds: {', '.join(suggesting.KINDS)}",
    )
    parser.add_argument("--tier", default=ANY_TIER, help="the tier of the service, such as tier_1")
    parser.add_argument("--series", help="the series whose alarm began it, service/metric")
    parser.add_argument(
        "--threshold",
        type=float,
        default=suggesting.THRESHOLD,
        help="below this chance of the likeliest mode nothing is suggested (default %(default)s)",
    )
    parser.add_argument("--fetch", action="store_true", help="bring the client folder up to date first")
    parser.add_argument("--json", action="store_true", help="print the outcome as one JSON line")
    options = parser.parse_args(argv)
    if options.fetch and not options.url:
        parser.error("--fetch needs --url")
    if not 0 <= options.threshold <= 1:
        parser.error("--threshold is a chance from 0 to 1")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; 0 if there is an answer (abstaining is one), 1 with a message if not."""
    options = arguments(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        found = run(options)
    except SuggesterError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # a command line speaks
        return 1
    print(json.dumps(asdict(found)) if options.json else told(found))  # noqa: T201
    return 0


def run(options: argparse.Namespace) -> suggesting.Suggestion:
    """The suggestion for one service.

    Raises:
        SuggesterError: see its message.
    """
    token = os.environ.get(TOKEN)
    if not token:
        raise SuggesterError(f"{TOKEN} is not set. Export a token with the scope features:read.")
    symptoms = suggesting.parsed(options.symptom)
    if options.fetch:
        changed = client.fetch(options.url, token, options.folder)
        log.info("client_folder %s", "fetched" if changed else "up to date")
    with client.opened_store(options.folder) as store:
        service = [{"service": options.service}]
        (prior,) = client.read(store, "failure_mode_prior", service)
        (history,) = client.read(store, "service_history", service)
        alarm = client.read(store, "detection", [{"series": options.series}])[0] if options.series else {}
        names = [line["mode"] for line in suggesting.modes_of(prior)]
        knowledge = _remediation_priors(store, names, ANY_TIER)
        here = knowledge if options.tier == ANY_TIER else _remediation_priors(store, names, options.tier)
    return suggesting.suggest(
        options.service,
        prior=prior,
        knowledge=knowledge,
        here=here,
        history=history,
        alarm=alarm,
        symptoms=symptoms,
        threshold=options.threshold,
    )


def _remediation_priors(store: Any, modes: Sequence[str], tier: str) -> dict[str, dict[str, Any]]:
    if not modes:
        return {}
    entities = [{"failure_mode": mode, "service_tier": tier} for mode in modes]
    return dict(zip(modes, client.read(store, "remediation_prior", entities), strict=True))


def told(found: suggesting.Suggestion) -> str:
    """The suggestion in words."""
    lines = [f"{found.service}: {'no suggestion. ' if found.abstained else ''}{found.why}"]
    for candidate in found.candidates:
        lines.append(
            f"  {candidate.chance:6.1%}  {candidate.mode} (before the symptoms {candidate.before:.1%})"
        )
        lines += [f"          {reason}" for reason in candidate.reasons]
        lines += [
            f"          {each['remediation']}: {each['succeeded']} of {each['attempted']} ended"
            + (f", median {each['median_s'] / 60:.0f} min" if each["median_s"] is not None else "")
            for each in candidate.remediations
        ]
    lines += [f"  {note}" for note in found.notes]
    lines += [f"  {symptom}: in no review, so it tells nothing" for symptom in found.unheard]
    return "\n".join(lines)

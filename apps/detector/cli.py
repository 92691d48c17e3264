"""The command line: read profiles by Feast, score series, report alarms."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, folder, scoring
from .errors import DetectorError
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.analysis.types import Telemetry

log = logging.getLogger("aftercast.detector")
TOKEN = "AFTERCAST_TOKEN"  # noqa: S105  # the name of the variable, not a token


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line; leaves the process where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m apps.detector",
        description=f"Score series with the detection profiles that Aftercast serves, and report alarms. "
        f"The token is read from {TOKEN}.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="the unpacked client folder")
    parser.add_argument("--url", required=True, help="where Aftercast answers, such as http://127.0.0.1:8000")
    parser.add_argument(
        "--series",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH_OR_ID",
        help="CSV files, folders of service/metric.csv, or ids of series on the server; else all of those",
    )
    parser.add_argument("--release", type=int, metavar="N", help="a pinned release instead of the active one")
    parser.add_argument("--since", metavar="ISO", help="report only alarms at or after this time")
    parser.add_argument("--fetch", action="store_true", help="bring the client folder up to date first")
    parser.add_argument("--dry-run", action="store_true", help="report nothing to the server")
    parser.add_argument("--json", action="store_true", help="print the outcome as one JSON line")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run once; 0 if all went well, 1 with a message if not."""
    options = arguments(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        outcome = run(options)
    except DetectorError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # a command line speaks
        return 1
    print(json.dumps(outcome) if options.json else _told(outcome))  # noqa: T201
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """What was read, found and reported.

    Raises:
        DetectorError: see its message.
    """
    token = os.environ.get(TOKEN)
    if not token:
        raise DetectorError(
            f"{TOKEN} is not set. Export a token with the scopes features:read and alerts:write."
        )
    since_us = _since(options.since)
    with ExitStack() as stack:
        server = stack.enter_context(Server(options.url, token))
        if options.fetch:
            changed = folder.fetch(server, options.folder)
            log.info("client_folder %s", "fetched" if changed else "up to date")
        series = _series(server, options.series)
        store = stack.enter_context(folder.opened_store(options.folder))
        profiles = folder.read_profiles(store, list(series), release=options.release)
        findings = []
        for series_id, path in series.items():
            profile = profiles[series_id]
            finding = scoring.judge(profile, _telemetry(server, series_id, path), since_us=since_us)
            findings.append(_summary(profile, finding))
            log.info(
                "scored series=%s status=%s release=%s version=%s known_at=%s samples=%d alarms=%d",
                series_id, profile.status, profile.release, profile.version, profile.known_at,
                finding.samples, len(finding.alarms),
            )  # fmt: skip
        alarms = [alarm for found in findings for alarm in found.pop("_alarms")]
        reported = None if options.dry_run else server.report(alarms)
    return {"series": findings, "alarms": len(alarms), "reported": reported}


def _series(server: Server, wanted: Sequence[str]) -> dict[str, Path | None]:
    """Series ids with the file of each; None where the server holds the samples."""
    if not wanted:
        return dict.fromkeys(server.series())
    found: dict[str, Path | None] = {}
    for each in wanted:
        path = Path(each)
        if path.exists():
            found.update(files.find(path))
        elif each.count("/") == 1 and not each.endswith(".csv"):
            found[each] = None
        else:
            raise DetectorError(f"{each} is neither a file, nor a folder, nor a series id (service/metric).")
    return found


def _telemetry(server: Server, series_id: str, path: Path | None) -> Telemetry:
    if path is not None:
        return files.read(path)
    return files.from_samples({files.microseconds(at): value for at, value in server.samples(series_id)})


def _since(text: str | None) -> int | None:
    try:
        return None if text is None else files.microseconds(text)
    except ValueError as exc:
        raise DetectorError(f"--since: {exc}. Write it as 2026-11-21T12:00:00Z.") from exc


def _summary(profile: folder.Profile, finding: scoring.Finding) -> dict[str, Any]:
    return {
        "series": finding.series,
        "status": profile.status,
        "release": finding.release,
        "version": profile.version,
        "known_at": profile.known_at,
        "setting": asdict(finding.setting),
        "samples": finding.samples,
        "alarms": len(finding.alarms),
        "_alarms": finding.alarms,
    }


def _told(outcome: dict[str, Any]) -> str:
    lines = [
        f"{found['series']}: {found['alarms']} alarms in {found['samples']} samples "
        f"(profile {found['status'] or 'none'}, release {found['release'] or '-'}, "
        f"known at {found['known_at'] or '-'})"
        for found in outcome["series"]
    ]
    reported = outcome["reported"]
    lines.append(
        "nothing reported (dry run)"
        if reported is None
        else f"reported: {reported['added']} new, {reported['same']} known before"
    )
    return "\n".join(lines)

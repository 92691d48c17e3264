"""What `doctor` finds out, without needing anything to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import requests

from . import address, binaries, children, installation
from .errors import EmbeddedError
from .files import check_folder
from .postgres import Server


def look(folder: Path, *, database_url: str) -> dict[str, Any]:
    """Everything about the installation of a data folder, for people and for tools.

    Keys: data_folder, mode ("embedded" or "outside database"), url, pid, logs, postgres, children (name, pid,
    state), health (what /healthz said, or None), problems (problem, remedy).
    """
    embedded = database_url == address.database_url(folder)
    known = installation.running(folder)
    up = children.alive(int(known["pid"])) if "pid" in known else False
    problems: list[dict[str, str]] = []
    health = _health(str(known["url"]), problems) if up and "url" in known else None
    found = {
        "data_folder": str(folder),
        "mode": "embedded" if embedded else "outside database",
        "url": known.get("url") if up else None,
        "pid": known.get("pid") if up else None,
        "logs": str(folder / "logs"),
        "postgres": _postgres(folder) if embedded else {},
        "children": [_child(entry) for entry in known.get("children", [])] if up else [],
        "health": health,
        "problems": problems,
    }
    _judge(found, folder, database_url=database_url, embedded=embedded, up=up, known=known)
    return found


def _judge(
    found: dict[str, Any], folder: Path, *, database_url: str, embedded: bool, up: bool, known: dict[str, Any]
) -> None:
    problems: list[dict[str, str]] = found["problems"]
    if not up:
        text = "The process that ran here was killed." if known else "Nothing runs."
        problems.append({"problem": text, "remedy": "Start it with `manage.py up`."})
    for child in found["children"]:
        if child["state"] != "running":
            log = Path(found["logs"]) / f"{child['name']}.log"
            problems.append({"problem": f"{child['name']} is not running.", "remedy": f"Look into {log}."})
    checks = [lambda: check_folder(folder), binaries.find] if embedded else []
    for check in checks:
        try:
            check()
        except EmbeddedError as error:
            problems.append({"problem": error.problem, "remedy": error.remedy})
    if (up or not embedded) and not _answers(database_url):
        remedy = f"Look into {Server(folder).log}." if embedded else "Start it, or correct DATABASE_URL."
        problems.append({"problem": "The database does not answer.", "remedy": remedy})


def _postgres(folder: Path) -> dict[str, Any]:
    known = Server(folder).known()
    return (
        {name: known.get(name) for name in ("version", "provider", "port", "pid", "cluster", "account")}
        if known
        else {}
    )


def _child(entry: dict[str, Any]) -> dict[str, Any]:
    pid = entry.get("pid")
    running = isinstance(pid, int) and children.alive(pid)
    return {"name": entry["name"], "pid": pid, "state": "running" if running else "dead"}


def _health(url: str, problems: list[dict[str, str]]) -> dict[str, Any] | None:
    try:
        with requests.Session() as session:
            session.trust_env = False
            found: dict[str, Any] = session.get(url + "/healthz", timeout=5).json()
    except (requests.RequestException, ValueError):
        problems.append(
            {"problem": f"{url} does not answer.", "remedy": "Look into logs/web.log of the data folder."}
        )
        return None
    for name, check in found.items():
        if isinstance(check, dict) and not check["ok"]:
            problems.append(
                {"problem": f"{name}: {check['problem']}", "remedy": "It heals by itself, or see the logs."}
            )
    return found


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error:
        return False
    return True

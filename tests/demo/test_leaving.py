"""Leaving the demo, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.blackbox.installation import CHECKOUT, Installation, installed, line_of

pytestmark = [pytest.mark.api, pytest.mark.xdist_group("leaving"), pytest.mark.timeout(300)]


def start(place: Installation) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", "--json", "--port", "0"],
        cwd=CHECKOUT,
        env=place.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_one_command_stops_the_demo_and_leaves_an_empty_installation() -> None:
    with installed() as place:
        made = place.manage("person_create", "ann", "--email", "ann@example.org", "--role", "viewer")
        assert made.returncode == 0, made.stderr
        refused = place.manage("demo", "leave", "--yes")
        assert refused.returncode != 0
        assert "ann" in refused.stderr
        assert place.process.poll() is None  # a refusal stops nothing
        left = place.manage("demo", "leave", "--yes", "--with-all-accounts")
        assert left.returncode == 0, left.stderr
        assert place.process.wait(20) == 0
        again = place.manage("demo", "leave", "--yes")
        assert again.returncode != 0
        assert "no demo" in again.stderr
        fresh = start(place)
        try:
            said = json.loads(line_of(fresh, 120))
        finally:
            fresh.terminate()
            fresh.wait(20)
            if fresh.stdout:
                fresh.stdout.close()
        assert said["tokens"] == {}
        assert "/setup/" in said["first_admin_link"]

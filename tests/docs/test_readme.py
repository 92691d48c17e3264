"""What the documents say is so: variables, commands, rooms, paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text()
ROOMS = sorted(path.parent for path in (CHECKOUT / "apps").glob("*/__init__.py"))


def test_every_variable_that_is_read_stands_in_the_table_and_the_other_way_round():
    code = "".join(path.read_text() for path in (CHECKOUT / "config").rglob("*.py"))
    read = set(re.findall(r'(?:env\.\w+|secret)\(\s*"([A-Z_]+)"', code)) | {"AFTERCAST_DATA_DIR"}
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", README, flags=re.MULTILINE))
    assert read == told


def test_every_command_of_the_readme_exists():
    told = set(re.findall(r"manage\.py ([a-z_]+)", README))
    assert told <= set(get_commands())


def test_every_poe_task_of_the_readme_exists():
    tasks = set(
        re.findall(
            r"^\[tool\.poe\.tasks\.([a-z-]+)\]|^([a-z-]+) = ",
            (CHECKOUT / "pyproject.toml").read_text(),
            re.MULTILINE,
        )
    )
    known = {name for pair in tasks for name in pair}
    assert set(re.findall(r"poe ([a-z-]+)", README)) <= known


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_says_what_it_is_for(room):
    assert len((room / "README.md").read_text().splitlines()) >= 5
    assert f" {room.name} " in README


@pytest.mark.parametrize("record", sorted(CHECKOUT.glob("apps/*/adr/*.md")), ids=lambda record: record.name)
def test_every_decision_has_its_three_parts(record):
    text = record.read_text().lower()
    assert all(
        re.search(part, text) for part in ("because|context", "decided|decision", "costs|consequences")
    )


def test_links_between_documents_lead_somewhere():
    for page in [
        CHECKOUT / "README.md",
        *CHECKOUT.glob("apps/*/README.md"),
        *CHECKOUT.glob("apps/*/adr/*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"

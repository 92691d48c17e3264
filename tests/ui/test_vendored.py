"""What is vendored is what was published, and templates ask for nothing that is not there."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
STATIC = CHECKOUT / "apps" / "ui" / "static" / "ui"
TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))
SHA256 = {
    STATIC / "fonts/inter-latin-wght-5.3.0.woff2": (
        "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62"
    ),
    CHECKOUT / "tests/e2e/axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
}


@pytest.mark.parametrize("path", SHA256, ids=lambda path: path.name)
def test_vendored_files_are_as_published(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path]


def test_licences_and_versions_stand_beside_them() -> None:
    assert "SIL OPEN FONT LICENSE" in (STATIC / "fonts/INTER-LICENSE.txt").read_text().upper()
    assert "MIT" in (STATIC / "img/BOOTSTRAP-ICONS-LICENSE.txt").read_text()
    assert "Bootstrap Icons 1.13.2" in (STATIC / "img/icons.svg").read_text()


def icons() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))


def test_every_icon_that_is_asked_for_is_in_the_sprite() -> None:
    context = (CHECKOUT / "apps/ui/context.py").read_text()
    asked = {name for path in TEMPLATES for name in re.findall(r'{%\s*icon "([^"]+)"', path.read_text())}
    asked |= set(re.findall(r'Place\(\s*"[^"]+",\s*"[^"]+",\s*"([^"]+)"', context))
    assert asked - icons() == set()
    assert {"house", "inbox"} <= asked


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_templates_obey_the_content_policy(path: Path) -> None:
    text = re.sub(r"{#.*?#}", "", path.read_text())
    assert re.findall(r"\sstyle=|\son[a-z]+=|<style|javascript:", text) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text) == []


def test_sheets_ask_for_nothing_that_is_not_there() -> None:
    for sheet in (STATIC / "css").glob("*.css"):
        for address in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            assert (sheet.parent / address).resolve().is_file(), f"{sheet.name}: {address}"

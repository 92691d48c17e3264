"""What a result calls the code that made it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from apps.common import code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.unit


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout of two files, forgotten by the cache afterwards."""
    for room in code.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "one.py").write_text("ONE = 1\n")
    monkeypatch.setattr(code, "CHECKOUT", tmp_path)
    code.code_id.cache_clear()
    yield tmp_path
    code.code_id.cache_clear()


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=test", "-c", "user.email=test@shop.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *settings, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "all")
    return git(folder, "rev-parse", "HEAD")


def test_the_commit_where_all_is_committed(checkout):
    made = commit(checkout)
    assert code.code_id() == made


def test_a_change_that_no_commit_has_shows(checkout):
    made = commit(checkout)
    (checkout / "apps" / "one.py").write_text("ONE = 2\n")
    assert code.code_id() == f"{made}+{code.source_hash(checkout)[:16]}"


def test_a_note_beside_the_code_does_not_count(checkout):
    made = commit(checkout)
    (checkout / "notes.txt").write_text("later")
    assert code.code_id() == made


def test_the_source_itself_without_git(checkout):
    first = code.code_id()
    assert first == f"source:{code.source_hash(checkout)}"
    code.code_id.cache_clear()
    (checkout / "config" / "one.py").write_text("ONE = 2\n")
    assert code.code_id() != first


def test_moving_a_line_to_another_file_is_other_code(checkout):
    before = code.source_hash(checkout)
    (checkout / "apps" / "one.py").rename(checkout / "apps" / "two.py")
    assert code.source_hash(checkout) != before


def test_found_once_a_process(checkout):
    first = code.code_id()
    (checkout / "apps" / "one.py").write_text("ONE = 3\n")
    assert code.code_id() == first

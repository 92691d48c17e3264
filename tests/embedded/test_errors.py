"""What an operator can get wrong with folders, ports and hosts, and what they are told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps.embedded import address, installation
from apps.embedded.errors import FolderError, PortTakenError
from apps.embedded.files import check_folder, make_log_folder
from apps.embedded.ports import AddressError, free_port
from tests.blackbox.installation import CHECKOUT, environment

pytestmark = pytest.mark.unit


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT, env=environment(data, {}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def not_a_folder(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("")
    return path


def test_up_says_that_the_data_folder_is_a_file(not_a_folder: Path) -> None:
    done = manage(not_a_folder, "up", "--json", "--port", "0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"The data folder {not_a_folder} cannot be made" in done.stderr
    assert "Set AFTERCAST_DATA to a writable folder." in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_that_the_data_folder_is_a_file(not_a_folder: Path) -> None:
    done = manage(not_a_folder, "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert {
        "problem": f"The data folder {not_a_folder} cannot be made: {not_a_folder} is not a folder.",
        "remedy": "Set AFTERCAST_DATA to a writable folder.",
    } in json.loads(done.stdout)["problems"]


def test_doctor_makes_no_folder(tmp_path: Path) -> None:
    missing = tmp_path / "deep" / "data"
    done = manage(missing, "doctor", "--json")
    assert [entry["problem"] for entry in json.loads(done.stdout)["problems"]] == ["Nothing runs."]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), NotADirectoryError(20, "x")])
def test_settings_survive_a_folder_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(self: Path) -> str:
        raise error

    monkeypatch.setattr(Path, "read_text", refuse)
    assert address.secret_key(tmp_path).startswith("unset-")
    assert address.database_url(tmp_path) == address.NOWHERE
    assert installation.running(tmp_path) == {}


def test_a_folder_of_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FolderError, match=r"is not writable for this account\. Give it the right owner"):
        check_folder(tmp_path)
    with pytest.raises(FolderError, match=f"cannot be made: {tmp_path} is not writable for this account"):
        check_folder(tmp_path / "a" / "b")


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_up_says_that_there_is_no_such_port(tmp_path: Path, port: str) -> None:
    done = manage(tmp_path / "data", "up", "--port", port)
    assert done.returncode == 1
    assert f"There is no port {port}. Choose one from 1 to 65535, or 0 for any." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["nosuch.invalid", "192.0.2.1", "a..b", "2001:db8::1"])
def test_a_host_that_is_not_this_machine_cannot_be_listened_on(host: str) -> None:
    with pytest.raises(AddressError, match=f"The host {host} cannot be listened on: .*--host"):
        installation.require_port(host, free_port())


def test_a_taken_port_is_told_as_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PortTakenError, match="already"):
        installation.require_port("127.0.0.1", server.getsockname()[1])


def test_logs_that_cannot_be_kept_are_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(
        FolderError, match=r"logs cannot be used for logs: File exists\. Give it the right owner"
    ):
        make_log_folder(tmp_path / "logs")

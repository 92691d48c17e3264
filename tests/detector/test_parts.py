from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from apps.analysis.profiles import DEFAULT_SETTING
from apps.analysis.types import Telemetry
from apps.detector import cli, files, folder, scoring
from apps.detector.errors import DetectorError
from apps.detector.server import Server

pytestmark = pytest.mark.unit

MINUTES_5 = 300_000_000
APPS = Path(__file__).resolve().parents[2] / "apps"


def profile(status: str | None, **columns: object) -> folder.Profile:
    release = None if status is None else 7
    return folder.Profile("shop/orders", status, release, release, None, {"status": status, **columns})


# --- files --------------------------------------------------------------------------------------
def test_a_file_is_read_as_the_server_reads_it(tmp_path):
    path = tmp_path / "shop" / "orders.csv"
    path.parent.mkdir()
    path.write_text(
        "\ufeffValue,Timestamp\r\n3,120\r\n1,1970-01-01\r\n,180\r\nnan,240\r\n2,1970-01-01T01:01:00+01:00\r\n9,120000000\r\n"
    )
    telemetry = files.read(path)
    assert telemetry.times.tolist() == [0, 60_000_000, 120_000_000, 120_000_000_000_000]
    assert telemetry.values.tolist() == [1.0, 2.0, 3.0, 9.0]
    assert files.find(tmp_path) == {"shop/orders": path}
    assert files.find(path) == {"shop/orders": path}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,value\n0,1\n", "row 1: the columns timestamp and value"),
        ("timestamp,value\n0,1\nnoon,1\n", "row 3: "),
        ("timestamp,value\n0,high\n", "row 2: "),
        ("timestamp,value\n0\n", "row 2: "),
    ],
)
def test_a_broken_file_is_named_by_row(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DetectorError, match=says):
        files.read(tmp_path / "x.csv")


def test_an_empty_place_is_refused(tmp_path):
    with pytest.raises(DetectorError, match="There is no series in"):
        files.find(tmp_path)


def test_times_are_exact():
    assert files.microseconds("2026-01-01T00:00:00.000001Z") == 1_767_225_600_000_001
    assert files.microseconds("1767225600000000001") == 1_767_225_600_000_000
    assert files.iso(1_767_225_600_000_001) == "2026-01-01T00:00:00.000001Z"


# --- settings -----------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [None, "withdrawn", "withheld", "expired", "something new"])
def test_what_is_not_in_force_leaves_the_default(status):
    assert scoring.setting_of(profile(status, theta_log2=2.0))[0] == DEFAULT_SETTING


def test_an_active_profile_is_applied():
    setting, release = scoring.setting_of(profile("active", theta_log2=1.0, direction="up", min_rel=None))
    assert (setting.theta, setting.direction, release) == (2 * DEFAULT_SETTING.theta, "up", 7)
    assert setting.min_rel == DEFAULT_SETTING.min_rel


def test_a_profile_that_is_not_understood_leaves_the_default_and_no_release(caplog):
    assert scoring.setting_of(profile("active", direction="sideways")) == (DEFAULT_SETTING, None)
    assert "profile_not_understood series=shop/orders release=7" in caplog.text


def series(spike: float) -> Telemetry:
    values = 100 + np.random.default_rng(1).normal(0, 1, 2016)
    values[1500:1506] += spike
    return Telemetry(times=np.arange(2016, dtype=np.int64) * MINUTES_5, values=values)


def test_alarms_name_series_time_score_and_release():
    finding = scoring.judge(profile("active", hard_hi=150.0, min_abs=500.0), series(80.0))
    assert [alarm["at"] for alarm in finding.alarms] == [files.iso((1500 + n) * MINUTES_5) for n in range(6)]
    assert {alarm["series"] for alarm in finding.alarms} == {"shop/orders"}
    assert {alarm["release"] for alarm in finding.alarms} == {7}
    assert all(alarm["score"] >= DEFAULT_SETTING.theta for alarm in finding.alarms)


def test_only_alarms_since_a_time_are_reported():
    finding = scoring.judge(
        profile("active", hard_hi=150.0, min_abs=500.0), series(80.0), since_us=1504 * MINUTES_5
    )
    assert [alarm["at"] for alarm in finding.alarms] == [files.iso((1500 + n) * MINUTES_5) for n in (4, 5)]


# --- a server that answers by a script ----------------------------------------------------------
class Script:
    """Answers in order: (status, body, headers); keeps what was asked."""

    def __init__(self, *answers: tuple[int, bytes, dict[str, str]]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


@pytest.fixture
def serve():
    running: list[ThreadingHTTPServer] = []

    def start(script: Script, port: int = 0) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.asked.append((self.command, self.path, dict(self.headers), body))
                status, content, headers = script.answers.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer  # noqa: N815  # the names that http.server calls

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        running.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def problem(status: int, code: str) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps({"code": code, "detail": "told"}).encode(), {}


OK: tuple[int, bytes, dict[str, str]] = (201, b'{"added": 1, "same": 0}', {})
ALARM = {"series": "shop/orders", "at": "2026-01-01T00:00:00Z", "score": 9.0, "release": 7}


def test_a_report_survives_a_server_that_stumbles_and_keeps_its_key(serve):
    script = Script(
        (503, b"<html>", {}), problem(409, "idempotency_in_progress"), problem(500, "internal_error"), OK
    )
    waits: list[float] = []
    with Server(serve(script), "secret", wait=waits.append) as server:
        assert server.report([ALARM]) == {"added": 1, "same": 0}
    assert waits == [0.5, 1.0, 2.0]
    assert {headers["Authorization"] for _, _, headers, _ in script.asked} == {"Bearer secret"}
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in script.asked}) == 1
    assert json.loads(script.asked[0][3]) == [ALARM]


def test_a_server_that_is_not_there_yet_is_waited_for(serve):
    script = Script(OK)
    absent = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = absent.server_port
    absent.server_close()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            serve(script, port)

    with Server(f"http://127.0.0.1:{port}", "secret", wait=wait) as server:
        assert server.report([ALARM]) == {"added": 1, "same": 0}
    assert waits == [0.5, 1.0]


def test_a_refusal_is_told_and_not_repeated(serve):
    script = Script(problem(422, "invalid_input"))
    with (
        Server(serve(script), "secret", wait=lambda _: pytest.fail("waited")) as server,
        pytest.raises(DetectorError, match=r"POST .*/api/v1/alarms: 422 invalid_input: told"),
    ):
        server.report([ALARM])


def test_a_server_that_stays_away_is_given_up(serve):
    script = Script(*[(503, b"", {})] * 6)
    with (
        Server(serve(script), "secret", wait=lambda _: None) as server,
        pytest.raises(DetectorError, match="503"),
    ):
        server.report([ALARM])
    assert script.answers == []


# --- the client folder --------------------------------------------------------------------------
def packed(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


def test_the_client_folder_is_fetched_once(tmp_path, serve):
    good = packed(**{"x__feature_store.yaml": "project: x", "x__registry.db": "r"})
    script = Script((200, good, {"ETag": '"1"'}), (304, b"", {}))
    with Server(serve(script), "secret") as server:
        assert folder.fetch(server, tmp_path / "client") is True
        assert folder.fetch(server, tmp_path / "client") is False
    assert (tmp_path / "client" / "registry.db").read_text() == "r"
    assert script.asked[1][2]["If-None-Match"] == '"1"'


@pytest.mark.parametrize("name", ["../evil", "x/../evil", "x/y/z", "/etc/evil", "x/..", "x/a\\b", "evil"])
def test_a_zip_that_leaves_the_folder_is_refused(tmp_path, serve, name):
    script = Script((200, packed(**{name: "x"}), {"ETag": '"1"'}))
    with (
        Server(serve(script), "secret") as server,
        pytest.raises(DetectorError, match="no file of the folder"),
    ):
        folder.fetch(server, tmp_path / "client")
    assert list((tmp_path / "client").iterdir()) == []
    assert not (tmp_path / "evil").exists()


# --- the command line ---------------------------------------------------------------------------
def test_the_command_line_says_what_is_missing(tmp_path, monkeypatch, capsys):
    common = ["--folder", str(tmp_path), "--url", "http://127.0.0.1:9"]
    monkeypatch.delenv("AFTERCAST_TOKEN", raising=False)
    assert cli.main(common) == 1
    assert "AFTERCAST_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.setenv("AFTERCAST_TOKEN", "secret")
    assert cli.main([*common, "--series", "nowhere.csv"]) == 1
    assert "neither a file, nor a folder, nor a series id" in capsys.readouterr().err
    assert cli.main([*common, "--since", "noon"]) == 1
    assert "--since" in capsys.readouterr().err
    assert cli.main([*common, "--series", "shop/orders"]) == 1
    assert "holds no feature_store.yaml" in capsys.readouterr().err


def test_the_two_rooms_copied_out_stand_alone(tmp_path):
    for room in ("analysis", "detector"):
        shutil.copytree(APPS / room, tmp_path / "apps" / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(APPS / "__init__.py", tmp_path / "apps")
    program = (
        "import sys; from apps.detector import cli, scoring; "
        "print(cli.__file__, sorted({'django', 'feast', 'rest_framework'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"{tmp_path}/apps/detector/cli.py []\n"


def test_series_may_be_named_together_or_one_by_one():
    base = ["--folder", "f", "--url", "http://x"]
    assert cli.arguments([*base, "--series", "a/b", "c/d", "--series", "e/f"]).series == ["a/b", "c/d", "e/f"]
    assert cli.arguments(base).series == []

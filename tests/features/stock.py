"""A stock Feast client: the published package in an environment of its own, none of our code."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = ("feast==0.67.0", "fastapi<0.145")


def python() -> Path:
    """Its interpreter; the environment is made once a machine and kept beside other temporary files."""
    mark = hashlib.sha256("\n".join([sys.version, *REQUIREMENTS]).encode()).hexdigest()[:12]
    base = Path(tempfile.gettempdir()) / f"aftercast-stock-client-{os.getuid()}-{mark}"
    base.mkdir(mode=0o700, exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test workers at once
        if not (base / "ready").exists():
            shutil.rmtree(base / "venv", ignore_errors=True)
            uv = shutil.which("uv") or "uv"
            run(uv, "venv", "--quiet", "--python", sys.executable, str(base / "venv"))
            interpreter = str(base / "venv" / "bin" / "python")
            run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", interpreter, *REQUIREMENTS)
            (base / "ready").touch()
    return base / "venv" / "bin" / "python"


def run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


def call(program: str, *, folder: Path, token: str | None) -> str:
    """What `program` prints when a stock client runs it in the client folder."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONOPTIMIZE": "1"}
    if token is not None:
        environment["AFTERCAST_TOKEN"] = token
    done = subprocess.run(
        [str(python()), "-W", "ignore", "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout

"""Starting children that never outlive their parent, and ending them."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import open_log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PR_SET_PDEATHSIG = 1
WATCH_S = 0.5
DATABASE_USERS = ("postgres", "nobody")

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """An account of the operating system to run a child under."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Whom PostgreSQL runs as when we are root, which it refuses to be; None when we are an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in DATABASE_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return Account("65534", 65534, 65534)


def dies_with_parent(how: int) -> Callable[[], None] | None:
    """A hook for a child: the kernel sends it `how` when its parent dies, even by kill -9 (Linux only)."""
    if _libc is None:
        return None
    libc = _libc

    def hook() -> None:
        libc.prctl(PR_SET_PDEATHSIG, how)

    return hook


def follow_parent() -> None:
    """End this process soon after its parent, however that ended: for what our children fork themselves.

    A thread that looks, since the kernel's own notice would come when the forking *thread* ends, and Celery
    forks its pool from one.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    account: Account | None = None,
    on_parents_death: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own, its output appended to `log`."""
    drop: dict[str, Any] = {}
    if account is not None:
        drop = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with open_log(log) as output:  # opened by us: an account that writes to it need not reach it
        return subprocess.Popen(  # noqa: S603  # commands are built here, never from input
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_parent(on_parents_death),  # noqa: PLW1509  # nothing but one system call
            **drop,
        )


def allowed(account: Account | None, folder: Path, right: str) -> bool:
    """May `account` (None: we ourselves) read ("r"), write ("w") or enter ("x") the folder?"""
    drop: dict[str, Any] = {}
    if account is not None:
        drop = {"user": account.uid, "group": account.gid, "extra_groups": []}
    done = subprocess.run(  # noqa: S603
        ["/usr/bin/test", f"-{right}", str(folder)], check=False, cwd="/", env={}, **drop
    )
    return done.returncode == 0


def alive(pid: int) -> bool:
    """Is there such a process, and is it more than a zombie?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        if Path("/proc/self/stat").exists():
            return False
        return _signalled(pid)
    return state not in ("Z", "X")


def _signalled(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

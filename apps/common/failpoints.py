"""Named points at which a crash test kills the process.

A test arms a point by making a file of its name in the folder `AFTERCAST_FAILPOINTS`. The first process
to pass the point takes the file (so each armed file kills exactly once) and dies by SIGKILL, as a machine
would.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.conf import settings


def reach(name: str) -> None:
    """Die here if `name` is armed; nothing at all in an installation without a fail-point folder."""
    folder: str = settings.FAILPOINT_FOLDER
    if not folder:
        return
    try:
        (Path(folder) / name).rename(Path(folder) / f"{name}.hit-{os.getpid()}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

"""Doing a chunk once, however often it is asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import chunks, jobs

if TYPE_CHECKING:
    from .jobs import Job


def work(job: Job, stage: str, number: int) -> bool:
    """Do a stage on a chunk unless it is done, or somebody is at it; whether this call did it.

    An error is written beside the result's place, where whoever waits for the result will find it.
    """
    if not job.folder.exists():
        return False  # a message that came late: the replay is over and its folder gone
    with job.hold(stage, number) as mine:
        if not mine or job.path(stage, number).exists():
            return False
        job.lock(stage, number).write_text(str(os.getpid()))
        try:
            jobs.write(job.path(stage, number), chunks.perform(job, stage, number))
        except Exception as error:
            job.failure(stage, number).write_text(f"{type(error).__name__}: {error}")
            raise
        return True

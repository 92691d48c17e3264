"""What a worker does for this room: one stage of a replay on one chunk of series."""

from __future__ import annotations

from celery import shared_task

from .jobs import Job
from .work import work

QUEUE = "replay"  # of its own: minutes of arithmetic must not stand before what is to be published


@shared_task(name="evaluation.replay_chunk")
def replay_chunk(job: str, stage: str, number: int) -> bool:
    """Do it, unless it is done or being done; whether this call did."""
    return work(Job.of(job), stage, number)

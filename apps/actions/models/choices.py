"""The codes of action items: kinds, states, and what an effect can be measured by and how."""

from __future__ import annotations

from typing import Final

from django.db import models


class Kind(models.TextChoices):
    """What an action is for, after Google's and the SRE literature's lists."""

    DETECT = "detect", "Detect"
    MITIGATE = "mitigate", "Mitigate"
    PREVENT = "prevent", "Prevent"
    PROCESS = "process", "Process"
    INVESTIGATE = "investigate", "Investigate"
    REPAIR = "repair", "Repair"


class State(models.TextChoices):
    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    NOT_DOING = "not_doing", "Not doing"
    CANCELLED = "cancelled", "Cancelled"


class Metric(models.TextChoices):
    """What the action is meant to move: by replay of an insight, or seen in the field."""

    FALSE_ALARMS = "false_alarms_per_day", "False alarms per day"
    RECALL = "recall", "Share of incidents caught"
    TIME_TO_DETECT = "time_to_detect", "Time to detect"
    INCIDENT_COUNT = "incident_count", "Number of incidents"
    TIME_TO_RESOLVE = "time_to_resolve", "Time to resolve"
    SEVERITY = "severity", "Share of severe incidents"
    REMEDIATION = "remediation_success", "Automated remediation that works"


class Direction(models.TextChoices):
    DOWN = "down", "Down"
    UP = "up", "Up"


class Test(models.TextChoices):
    """The statistical method by which a verdict is reached."""

    SIGN_FLIP = "sign_flip", "Sign-flip permutation over service-days"
    EXACT_BINOMIAL = "exact_binomial", "Exact binomial of incidents gained and lost"
    SIGN_TEST = "sign_test", "Sign test of delays, incident by incident"
    PLACEBO_RANK = "placebo_rank", "Difference in differences, placebo rank among untouched services"
    WELCH_LOG = "welch_log", "Welch's t on logarithms, with a permutation p"
    LOG_RANK = "log_rank", "Log-rank, open incidents censored"
    PERMUTATION = "permutation", "Permutation"
    WILSON = "wilson", "Wilson and Newcombe intervals of shares"

    __test__ = False  # no test of ours, whatever its name looks like to pytest


TO_DO: Final = (State.OPEN, State.IN_PROGRESS)
GIVEN_UP: Final = (State.NOT_DOING, State.CANCELLED)
BETTER: Final = {
    Metric.FALSE_ALARMS: Direction.DOWN,
    Metric.RECALL: Direction.UP,
    Metric.TIME_TO_DETECT: Direction.DOWN,
    Metric.INCIDENT_COUNT: Direction.DOWN,
    Metric.TIME_TO_RESOLVE: Direction.DOWN,
    Metric.SEVERITY: Direction.DOWN,
    Metric.REMEDIATION: Direction.UP,
}
"""The direction in which each metric improves."""

REPLAY_METRICS: Final = (Metric.FALSE_ALARMS, Metric.RECALL, Metric.TIME_TO_DETECT)
"""Measured by replaying an insight with and without its signals."""

FIELD_METRICS: Final = (
    Metric.INCIDENT_COUNT,
    Metric.TIME_TO_RESOLVE,
    Metric.SEVERITY,
    Metric.REMEDIATION,
)
"""Measured on what happened before and after, of the services of the population; they need no insight."""

TESTS: Final = {
    Metric.FALSE_ALARMS: (Test.SIGN_FLIP,),
    Metric.RECALL: (Test.EXACT_BINOMIAL,),
    Metric.TIME_TO_DETECT: (Test.SIGN_TEST,),
    Metric.INCIDENT_COUNT: (Test.PLACEBO_RANK,),
    Metric.TIME_TO_RESOLVE: (Test.WELCH_LOG, Test.LOG_RANK, Test.PERMUTATION),
    Metric.SEVERITY: (Test.PERMUTATION,),
    Metric.REMEDIATION: (Test.WILSON,),
}
"""The methods that fit each metric, the default first."""

WINDOW_DAYS: Final = 84
SHORTEST_WINDOW: Final = 28
LONGEST_WINDOW: Final = 365
SETTLE_DAYS: Final = 7
LONGEST_SETTLING: Final = 56

MAX_TITLE: Final = 200
MAX_NOTE: Final = 2000
MAX_USERNAME: Final = 150

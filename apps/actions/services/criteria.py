"""The criterion of an action: what is declared, before it is done, about how it will be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.actions.models import (
    CRITERION,
    FIELD_METRICS,
    LONGEST_SETTLING,
    LONGEST_WINDOW,
    SETTLE_DAYS,
    SHORTEST_WINDOW,
    TESTS,
    WINDOW_DAYS,
    Metric,
)
from apps.catalog.models import Service
from apps.common.errors import InvalidInputError

from . import checks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from apps.accounts.models import User
    from apps.actions.models import ActionItem

MAX_SERVICES = 200


def checked(given: Mapping[str, Any], *, service: Service | None, user: User) -> dict[str, Any]:
    """The fields of a criterion, with defaults for what is left out: the action's service, the first test of
    the metric, 84 days of which 7 are left out.

    Raises:
        InvalidInputError: at the field that is wrong; see `checks.aim` for the metric and its effect.
    """
    aim = checks.aim(
        insight_id=given.get("insight_id"),
        metric=given.get("metric") or "",
        direction=given.get("direction") or "",
        smallest_effect=given.get("smallest_effect"),
        user=user,
    )
    metric = aim["metric"]
    return {
        **aim,
        "population": _population(metric, given.get("population"), service),
        "window_days": _days("window_days", given, WINDOW_DAYS, SHORTEST_WINDOW, LONGEST_WINDOW),
        "settle_days": _days("settle_days", given, SETTLE_DAYS, 0, LONGEST_SETTLING),
        "test": _test(metric, given.get("test") or ""),
    }


def registered(action: ActionItem | None, wanted: Mapping[str, Any]) -> datetime | None:
    """When this criterion was registered: now where it is new or changed, none where nothing is measured."""
    if not wanted["metric"]:
        return None
    if action is not None and action.metric and not changed(action, wanted):
        return action.criterion_registered_at
    return timezone.now()


def changed(action: ActionItem, wanted: Mapping[str, Any]) -> list[str]:
    """The fields in which the wanted criterion differs from the action's."""
    return [name for name in CRITERION if wanted[name] != getattr(action, name)]


def stands(action: ActionItem, wanted: Mapping[str, Any]) -> None:
    """Refuse another criterion for what was measured already: it would be chosen with the answer in sight.

    Raises:
        InvalidInputError: at the first field that differs.
    """
    differing = changed(action, wanted)
    name = getattr(settings, "ACTION_VERDICTS", "")
    if differing and name and import_string(name)([action.pk]):
        raise InvalidInputError(
            "This action has a verdict: what it was measured by stays.",
            field=differing[0],
            remedy="Open a further action with the other aim.",
        )


def _population(metric: str, given: Any, service: Service | None) -> dict[str, list[str]]:
    """{"services": slugs in order}; the action's own service where none is given, none for a replay."""
    if not metric:
        return {}
    slugs = _slugs(given)
    if slugs:
        return {"services": slugs}
    if metric not in FIELD_METRICS:
        return {}
    if service is None:
        raise InvalidInputError(
            f"{Metric(metric).label} is measured on services: say on which.",
            field="population",
            remedy="Choose services, or the service of the action.",
        )
    return {"services": [service.slug]}


def _slugs(given: Any) -> list[str]:
    if given is None or given == {}:
        return []
    named = given.get("services") if isinstance(given, dict) and set(given) == {"services"} else None
    if not isinstance(named, list) or not all(isinstance(slug, str) for slug in named):
        raise InvalidInputError('Write it as {"services": ["checkout"]}.', field="population")
    if len(named) > MAX_SERVICES:
        raise InvalidInputError(f"At most {MAX_SERVICES} services.", field="population")
    wanted = {slug for slug in named if "\x00" not in slug}
    known = set(Service.objects.filter(slug__in=wanted).values_list("slug", flat=True))
    if strange := sorted(set(named) - known):
        raise InvalidInputError(f"There is no service {strange[0][:80]!a}.", field="population")
    return sorted(known)


def _days(field: str, given: Mapping[str, Any], usual: int, least: int, most: int) -> int:
    value = given.get(field)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInputError(f"A whole number of days from {least} to {most}.", field=field)
    return value


def _test(metric: str, given: str) -> str:
    fitting = TESTS[Metric(metric)] if metric else ()
    if not given:
        return str(fitting[0]) if fitting else ""
    if given in fitting:
        return str(given)
    if not metric:
        raise InvalidInputError("Say which metric this test is of.", field="metric")
    raise InvalidInputError(
        f"{Metric(metric).label} is judged by one of: {', '.join(fitting)}.", field="test"
    )

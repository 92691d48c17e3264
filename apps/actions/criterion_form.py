"""The part of a form that declares how an action is judged: a metric, and the fields that matter to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django import forms

from apps.catalog.models import Service

from .models import (
    BETTER,
    FIELD_METRICS,
    LONGEST_SETTLING,
    LONGEST_WINDOW,
    SETTLE_DAYS,
    SHORTEST_WINDOW,
    TESTS,
    WINDOW_DAYS,
    Direction,
    Metric,
    Test,
)
from .wording import criterion_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

    from .models import ActionItem

PERCENT = 100
IN_SECONDS = "Seconds of delay saved."
IN_POINTS = "In percentage points: 10 means from 40 % to 50 %."
IN_PER_CENT = "Per cent saved: 30 means three in ten fewer."
UNITS = {
    Metric.TIME_TO_DETECT: IN_SECONDS,
    Metric.RECALL: IN_POINTS,
    Metric.SEVERITY: IN_POINTS,
    Metric.REMEDIATION: IN_POINTS,
}
EXAMPLES = {
    Metric.TIME_TO_DETECT: 120,
    Metric.RECALL: 10,
    Metric.SEVERITY: 10,
    Metric.REMEDIATION: 10,
}
USUAL_EXAMPLE = 30


class CriterionForm(forms.Form):
    """What is measured, in which direction it should move, by how much, where, when and by which test."""

    metric = forms.ChoiceField(
        label="Measured by",
        required=False,
        choices=[
            ("", "Not measured"),
            ("By replay of an insight", [(m.value, m.label) for m in Metric if m not in FIELD_METRICS]),
            ("In the field", [(m.value, m.label) for m in FIELD_METRICS]),
        ],
    )
    direction = forms.ChoiceField(
        label="Should go", required=False, choices=[("", "Choose"), *Direction.choices]
    )
    smallest_effect = forms.FloatField(
        label="Smallest effect worth having",
        required=False,
        help_text=IN_PER_CENT,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0"}),
    )
    population = forms.MultipleChoiceField(
        label="On the services",
        required=False,
        help_text="None chosen means the action's own service.",
        widget=forms.SelectMultiple(attrs={"size": "5"}),
    )
    window_days = forms.IntegerField(
        label="Days compared",
        required=False,
        min_value=SHORTEST_WINDOW,
        max_value=LONGEST_WINDOW,
        help_text=f"Before and after, {SHORTEST_WINDOW} to {LONGEST_WINDOW}.",
    )
    settle_days = forms.IntegerField(
        label="Days to settle",
        required=False,
        min_value=0,
        max_value=LONGEST_SETTLING,
        help_text=f"Left out once it is done, 0 to {LONGEST_SETTLING}.",
    )
    test = forms.ChoiceField(
        label="Judged by", required=False, choices=[("", "The usual one"), *Test.choices]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = Service.objects.order_by("slug").values_list("slug", flat=True)
        self._field("population").choices = [(slug, slug) for slug in slugs]
        self._shape()

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def _shape(self) -> None:
        """Offer the tests of the metric, and say in which unit its effect is typed."""
        metric = self.chosen
        if metric is not None:
            self._field("test").choices = [(test.value, test.label) for test in TESTS[metric]]
            self.fields["smallest_effect"].help_text = UNITS.get(metric, IN_PER_CENT)

    @property
    def chosen(self) -> Metric | None:
        """The metric that is chosen at the moment, if it is one."""
        given = self["metric"].value()
        return Metric(given) if given in Metric.values else None

    @property
    def in_field(self) -> bool:
        """Whether services and days matter: what a replay measures has the insight's scope."""
        return self.chosen in FIELD_METRICS

    def clean_smallest_effect(self) -> float | None:
        """Shares are typed as per cent."""
        value: float | None = self.cleaned_data.get("smallest_effect")
        shares = self.cleaned_data.get("metric") != Metric.TIME_TO_DETECT
        return value / PERCENT if value is not None and shares else value

    def clean_population(self) -> dict[str, list[str]] | None:
        """As the service takes it; None for its default."""
        slugs = self.cleaned_data.get("population")
        return {"services": list(slugs)} if slugs else None

    @property
    def words(self) -> str:
        """The criterion read back, as far as it is filled in."""
        if self.chosen is None:
            return ""
        return criterion_in_words(self._told())

    def _told(self) -> dict[str, Any]:
        if self.is_bound:
            self.is_valid()
            given = self.cleaned_data
        else:
            given = self._shown()
        metric = self.chosen or Metric.FALSE_ALARMS
        return {
            "metric": metric,
            "direction": given.get("direction") or BETTER[metric],
            "smallest_effect": given.get("smallest_effect"),
            "population": given.get("population") or {"services": []},
            "window_days": _or(given.get("window_days"), WINDOW_DAYS),
            "settle_days": _or(given.get("settle_days"), SETTLE_DAYS),
            "test": given.get("test") or TESTS[metric][0],
        }

    def _shown(self) -> dict[str, Any]:
        """What an unbound form shows, as numbers where it is numbers."""
        effect = _number(self.initial.get("smallest_effect"))
        shares = self.chosen != Metric.TIME_TO_DETECT
        return {
            "direction": self.initial.get("direction"),
            "smallest_effect": effect / PERCENT if effect is not None and shares else effect,
            "population": {"services": self.initial.get("population") or []},
            "window_days": _whole(self.initial.get("window_days")),
            "settle_days": _whole(self.initial.get("settle_days")),
            "test": self.initial.get("test"),
        }


def values_of_criterion(action: ActionItem) -> dict[str, Any]:
    """What the form shows of an action's criterion at first."""
    effect = action.smallest_effect
    shares = action.metric != Metric.TIME_TO_DETECT
    return {
        "metric": action.metric,
        "direction": action.direction,
        "smallest_effect": round(effect * PERCENT, 6) if effect is not None and shares else effect,
        "population": action.population.get("services", []),
        "window_days": action.window_days,
        "settle_days": action.settle_days,
        "test": action.test,
    }


def defaults_for(metric: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a criterion once a metric was chosen: what was typed, else what is usual."""
    if metric not in Metric.values:
        return {}
    known = Metric(metric)
    test = given.get("test") or ""
    return {
        "metric": metric,
        "direction": BETTER[known],
        "smallest_effect": given.get("smallest_effect", EXAMPLES.get(known, USUAL_EXAMPLE)),
        "population": given.get("population") or ([given["service"]] if given.get("service") else []),
        "window_days": given.get("window_days", WINDOW_DAYS),
        "settle_days": given.get("settle_days", SETTLE_DAYS),
        "test": test if test in TESTS[known] else TESTS[known][0],
    }


def typed(given: QueryDict) -> dict[str, Any]:
    """What an address says of a criterion, as plain text; the services as a list."""
    found: dict[str, Any] = {name: text for name, text in given.items() if "\x00" not in text}
    found["population"] = [slug for slug in given.getlist("population") if "\x00" not in slug]
    return found


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def _whole(value: Any) -> int | None:
    found = _number(value)
    return int(found) if found is not None and found == int(found) else None


def _number(value: Any) -> float | None:
    """What a browser holds in a number field, or nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None

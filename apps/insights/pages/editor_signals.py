"""Typed controls of each kind of signal: from what was typed to the signal's value, and back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from django import forms

from apps.analysis import profiles
from apps.analysis.profiles import DEFAULT_SETTING
from apps.insights import wording
from apps.insights.drafts import SignalDraft

if TYPE_CHECKING:
    from collections.abc import Mapping

WEEKDAYS = (
    *(("MO", "Monday"), ("TU", "Tuesday"), ("WE", "Wednesday"), ("TH", "Thursday")),
    *(("FR", "Friday"), ("SA", "Saturday"), ("SU", "Sunday")),
)
KIND_FIELDS: dict[str, tuple[str, ...]] = {
    "theta_scale": ("theta_log2",),
    "direction": ("direction",),
    "min_effect": ("min_rel", "min_abs"),
    "persistence": ("persist_k", "persist_n"),
    "baseline": ("baseline",),
    "hard_limit": ("hard_lo", "hard_hi"),
    "suppress": ("suppress_days", "suppress_time", "suppress_minutes", "suppress_reason", "suppress_rule"),
    "calendar_exception": ("calendar_dates", "calendar_rule", "calendar_expect", "calendar_scale"),
}
KIND_WORDS: dict[str, str] = {
    "theta_scale": "Alarm later or earlier: scale the threshold",
    "direction": "Alarm in one direction only",
    "min_effect": "Alarm only at a distance that matters",
    "persistence": "Wait until it lasts",
    "baseline": "Compare with another expectation",
    "hard_limit": "Always alarm beyond a limit",
    "suppress": "Say nothing in a recurring window",
    "calendar_exception": "Expect something else on certain days",
}
PARTS: dict[str, dict[str, str]] = {
    "min_effect": {"rel": "min_rel", "abs": "min_abs"},
    "persistence": {"k": "persist_k", "n": "persist_n"},
    "hard_limit": {"lo": "hard_lo", "hi": "hard_hi"},
    "suppress": {"rrule": "suppress_rule", "duration": "suppress_minutes", "reason": "suppress_reason"},
    "calendar_exception": {
        "dates": "calendar_dates", "rrule": "calendar_rule",
        "expectation": "calendar_expect", "scale": "calendar_scale",
    },
}  # fmt: skip
"""Where a refusal of `profiles.compile_signal` is shown: it starts with the key. Else at the first field."""

RULE_OF_FORM = re.compile(r"FREQ=(?:DAILY|WEEKLY;BYDAY=([A-Z,]+));BYHOUR=(\d+);BYMINUTE=(\d+)")
SECONDS = 60
USUAL = DEFAULT_SETTING.theta
OTHER_DAY, SCALE = "other_day_type", "scale"


class SignalsForm(forms.Form):
    """A tick and its controls for every kind; `signals` holds what was ticked, compiled, once validated."""

    theta_log2 = forms.FloatField(
        label="Threshold, in doublings",
        required=False,
        widget=forms.NumberInput(
            attrs={
                "step": "0.25", "min": profiles.THETA_LOG2_MIN, "max": profiles.THETA_LOG2_MAX,
                "data-slider": "", "data-theta": f"{USUAL:g}",
            }
        ),
        help_text=f"1 means alarm at {2 * USUAL:g} instead of {USUAL:g}; -1 at {USUAL / 2:g}. "
        f"From {profiles.THETA_LOG2_MIN:g} to {profiles.THETA_LOG2_MAX:g}.",
    )  # fmt: skip
    direction = forms.ChoiceField(
        choices=list(wording.DIRECTIONS.items()), required=False, widget=forms.RadioSelect
    )
    min_rel = forms.FloatField(
        label="Percent of the expected level", required=False, help_text="50 means half more or half less."
    )
    min_abs = forms.FloatField(label="In units of the series", required=False)
    persist_k = forms.IntegerField(label="At least this many samples", required=False)
    persist_n = forms.IntegerField(label="of the last", required=False)
    baseline = forms.ChoiceField(
        choices=list(wording.BASELINES.items()), required=False, widget=forms.RadioSelect
    )
    hard_lo = forms.FloatField(label="Alarm below", required=False)
    hard_hi = forms.FloatField(label="Alarm above", required=False)
    suppress_days = forms.MultipleChoiceField(
        label="On", choices=WEEKDAYS, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: every day.",
    )  # fmt: skip
    suppress_time = forms.TimeField(
        label="From (UTC)", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    suppress_minutes = forms.IntegerField(
        label="For, in minutes", required=False, help_text="Up to 1,440; at most half of any week."
    )
    suppress_reason = forms.CharField(
        label="What happens then", required=False, help_text="For example: nightly settlement batch."
    )
    suppress_rule = forms.CharField(
        label="Or a rule of your own",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="RFC 5545, for example FREQ=MONTHLY;BYDAY=1MO;BYHOUR=6. It stands for day and time above.",
    )
    calendar_dates = forms.CharField(
        label="Days (UTC)", required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For example 2026-12-24 2026-12-25, at most 366.",
    )  # fmt: skip
    calendar_rule = forms.CharField(
        label="Or a rule",
        required=False,
        help_text="RFC 5545, for example FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,25.",
    )
    calendar_expect = forms.ChoiceField(
        label="Expect",
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (OTHER_DAY, "What a weekend shows on a working day, and the other way round"),
            (SCALE, "The usual of the hour, times a factor"),
        ],
    )
    calendar_scale = forms.FloatField(
        label="Factor", required=False, help_text="2 means twice the usual. Between 0.1 and 10."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signals: tuple[SignalDraft, ...] = ()
        for kind, words in KIND_WORDS.items():
            self.fields[f"use_{kind}"] = forms.BooleanField(label=words, required=False)

    @property
    def has_signals(self) -> bool:
        """Whether any kind is ticked, valid or not."""
        return any(self.cleaned_data.get(f"use_{kind}") for kind in KIND_FIELDS)

    def clean(self) -> dict[str, Any]:
        super().clean()
        found = []
        for kind, names in KIND_FIELDS.items():
            if not self.cleaned_data.get(f"use_{kind}") or any(name in self.errors for name in names):
                continue
            value = _BUILD[kind](self.cleaned_data)
            if kind == "suppress" and "rrule" not in value:
                self.add_error("suppress_time", "Say when it begins, or write a rule of your own.")
                continue
            try:
                found.append(SignalDraft(kind, value, profiles.compile_signal(kind, value)))
            except (ValueError, TypeError) as error:
                self.add_error(_field_of(kind, str(error)), _in_words(str(error)))
        self.signals = tuple(found)
        return self.cleaned_data


def initial(kind: str, value: Any) -> dict[str, Any]:
    """What the controls of a kind show for a value; the tick as well."""
    return {f"use_{kind}": True, **_SHOW[kind](value)}


def _field_of(kind: str, refusal: str) -> str:
    first = re.split(r"[^a-z_]", refusal, maxsplit=1)[0]
    return PARTS.get(kind, {}).get(first, KIND_FIELDS[kind][0])


def _in_words(refusal: str) -> str:
    return refusal[:1].upper() + refusal[1:] + "."


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


def _share(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 9)


def _suppress(data: Mapping[str, Any]) -> dict[str, Any]:
    rule, at, minutes = data["suppress_rule"].strip(), data["suppress_time"], data["suppress_minutes"]
    if not rule and at is not None:
        days = data["suppress_days"]
        every = f"FREQ=WEEKLY;BYDAY={','.join(days)}" if days else "FREQ=DAILY"
        rule = f"{every};BYHOUR={at.hour};BYMINUTE={at.minute}"
    duration = None if minutes is None else minutes * SECONDS
    return _given({"rrule": rule, "duration": duration, "reason": data["suppress_reason"]})


def _calendar(data: Mapping[str, Any]) -> dict[str, Any]:
    dates = [day for day in re.split(r"[\s,;]+", data["calendar_dates"]) if day]
    expect: Any = data["calendar_expect"]
    if expect == SCALE:
        expect = _given({"scale": data["calendar_scale"]})
    found = _given({"dates": dates, "rrule": data["calendar_rule"].strip()})
    return found | ({"expectation": expect} if expect != "" else {})


def _show_suppress(value: Any) -> dict[str, Any]:
    shown = {"suppress_minutes": int(value["duration"]) // SECONDS, "suppress_reason": value["reason"]}
    simple = RULE_OF_FORM.fullmatch(value["rrule"])
    if simple is None:
        return shown | {"suppress_rule": value["rrule"]}
    at = f"{int(simple[2]):02d}:{int(simple[3]):02d}"
    return shown | {"suppress_days": simple[1].split(",") if simple[1] else [], "suppress_time": at}


def _show_calendar(value: Any) -> dict[str, Any]:
    expected = value["expectation"]
    return {
        "calendar_dates": " ".join(value.get("dates") or []),
        "calendar_rule": value.get("rrule") or "",
        "calendar_expect": SCALE if isinstance(expected, dict) else OTHER_DAY,
        "calendar_scale": expected["scale"] if isinstance(expected, dict) else None,
    }


def _plain(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else value


_BUILD: dict[str, Any] = {
    "theta_scale": lambda data: data["theta_log2"],
    "direction": lambda data: data["direction"],
    "min_effect": lambda data: _given({"rel": _share(data["min_rel"]), "abs": data["min_abs"]}),
    "persistence": lambda data: _given({"k": data["persist_k"], "n": data["persist_n"]}),
    "baseline": lambda data: data["baseline"],
    "hard_limit": lambda data: _given({"lo": data["hard_lo"], "hi": data["hard_hi"]}),
    "suppress": _suppress,
    "calendar_exception": _calendar,
}

_SHOW: dict[str, Any] = {
    "theta_scale": lambda value: {"theta_log2": _plain(value, "log2")},
    "direction": lambda value: {"direction": _plain(value, "direction")},
    "min_effect": lambda value: {
        "min_rel": None if value.get("rel") is None else round(100 * value["rel"], 9),
        "min_abs": value.get("abs"),
    },
    "persistence": lambda value: {"persist_k": value["k"], "persist_n": value["n"]},
    "baseline": lambda value: {"baseline": _plain(value, "baseline")},
    "hard_limit": lambda value: {"hard_lo": value.get("lo"), "hard_hi": value.get("hi")},
    "suppress": _show_suppress,
    "calendar_exception": _show_calendar,
}


def taken(text: str) -> dict[str, Any]:
    """The controls of a suggestion that was taken, from "kind:JSON"; nothing for what is none."""
    kind, _, value = text.partition(":")
    try:
        found = json.loads(value)
        profiles.compile_signal(kind, found)
    except (ValueError, TypeError, RecursionError):
        return {}
    return initial(kind, found)

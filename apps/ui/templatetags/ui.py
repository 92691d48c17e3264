"""What every template writes alike: icons, moments, lengths of time, numbers, tones."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html

from apps.ui import figures
from apps.ui.tones import tone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.safestring import SafeString

register = template.Library()

SPRITE = "ui/img/icons.svg"
_JUST_NOW_S = 45
_RELATIVE_DAYS = 30


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw a picture of the sprite; without a label it is decoration and screen readers pass it over."""
    address = f"{static(SPRITE)}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, address
        )
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', address
    )


@register.simple_tag
def when(at: dt.datetime | None) -> SafeString | str:
    """How long ago or ahead; the exact moment is in the title."""
    if at is None:
        return figures.NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', _machine(at), utc(at), relative(at, timezone.now())
    )


@register.simple_tag
def moment(at: dt.datetime | None) -> SafeString | str:
    """`2026-11-21 15:04 UTC`."""
    if at is None:
        return figures.NOTHING
    return format_html('<time datetime="{}">{}</time>', _machine(at), utc(at))


@register.filter
def day(at: dt.date | None) -> SafeString | str:
    """`21 Nov 2026`, of a date or of a moment's date in UTC."""
    if at is None:
        return figures.NOTHING
    date = at.astimezone(dt.UTC).date() if isinstance(at, dt.datetime) else at
    return format_html('<time datetime="{}">{}</time>', date.isoformat(), f"{date.day} {date:%b %Y}")


def utc(at: dt.datetime) -> str:
    """Minutes suffice for people; `datetime` attributes keep the rest."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def relative(at: dt.datetime, now: dt.datetime) -> str:
    """`3 h ago`, `in 2 d`; beyond thirty days the date says more."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < _JUST_NOW_S:
        return "just now"
    if abs(seconds) > _RELATIVE_DAYS * figures.DAY:
        date = at.astimezone(dt.UTC)
        return f"{date.day} {date:%b %Y}"
    length = _one_unit(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def _one_unit(seconds: float) -> str:
    for unit, name in ((figures.DAY, "d"), (figures.HOUR, "h")):
        if seconds >= unit * 0.98:
            return f"{round(seconds / unit)} {name}"
    return f"{max(1, round(seconds / figures.MINUTE))} min"


def _machine(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@register.filter
def duration(seconds: Any) -> str:
    """`1 h 20 min` of seconds or of a timedelta."""
    if isinstance(seconds, dt.timedelta):
        return figures.duration(seconds.total_seconds())
    return figures.duration(_number(seconds))


@register.filter
def figure(value: Any) -> str:
    """A grouped, sensibly rounded number; a dash where there is none."""
    return figures.figure(_number(value))


@register.filter
def signed(value: Any) -> str:
    """`figure` with its sign, for differences."""
    return figures.figure(_number(value), signed=True)


@register.filter
def percent(share: Any, decimals: int = 0) -> str:
    """A share of 1 as percent."""
    return figures.percent(_number(share), decimals=decimals)


@register.filter
def tone(code: Any) -> str:
    """good, warn, bad, info or neutral."""
    return tone_of(code)


@register.filter
def words(code: Any) -> str:
    """`in_review` as `in review`."""
    return str(code).replace("_", " ")


@register.filter
def named(code: str, names: Mapping[str, str]) -> str:
    """The name that a mapping gives to a code, or else the code."""
    return names.get(code, code)


def _number(value: Any) -> float | None:
    """A number, or None for what is none: a template has no better answer to a missing value."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@register.simple_tag
def address(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a named page, or "" while there is none: the frame outlives rooms that it links to."""
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """`?…` of the present page with some parameters changed; None or "" takes one out, the cursor goes."""
    request = context.get("request")
    given = {} if request is None else {name: request.GET.getlist(name) for name in request.GET}
    given.pop("cursor", None)
    for name, value in changes.items():
        given.pop(name, None)
        if value not in {None, ""}:
            given[name] = [str(value)]
    return "?" + urlencode(given, doseq=True)

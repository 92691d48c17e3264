"""Forms of this room's pages: they only shape input."""

from __future__ import annotations

from typing import Any

from django import forms

from .models import Release

MAX_NUMBER = 2**31 - 1
MAX_REASON = 2000


class CompareForm(forms.Form):
    """Two releases to compare."""

    first = forms.IntegerField(label="Release", min_value=1, max_value=MAX_NUMBER)
    second = forms.IntegerField(label="With release", min_value=1, max_value=MAX_NUMBER)

    def clean(self) -> dict[str, Any]:
        """Both exist."""
        given = super().clean() or {}
        numbers = {name: given[name] for name in ("first", "second") if name in given}
        known = set(Release.objects.filter(number__in=numbers.values()).values_list("number", flat=True))
        for name, number in numbers.items():
            if number not in known:
                self.add_error(name, f"There is no release {number}.")
        return given


class RevertForm(forms.Form):
    """Why content comes back; checked by those who revert."""

    reason = forms.CharField(
        label="Reason",
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the new release for ever.",
    )

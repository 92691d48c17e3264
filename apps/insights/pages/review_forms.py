"""The forms of review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts.models import User
from apps.catalog.models import Service
from apps.insights.models import Insight, Signal
from apps.insights.rubric import QUESTIONS, RUBRIC, TOP_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TEXT = 2000  # characters
MARKS = [("5", "5 excellent"), ("4", "4 good"), ("3", "3 fair"), ("2", "2 weak"), ("1", "1 poor")]


def _mark(name: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=name.capitalize(),
        help_text=QUESTIONS[name],
        choices=[("", "Choose"), *MARKS[-TOP_MARK:]],
        coerce=int,
        error_messages={"required": f"Give {name} a mark from 1 to {TOP_MARK}."},
    )


class _OfARevision(forms.Form):
    """What every decision carries: the revision that its reader read."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class ApproveForm(_OfARevision):
    """A yes with its marks; the reason for an override is asked for where the gate did not pass."""

    missteps_read = forms.BooleanField(
        label="I have read what failed before, and why",
        error_messages={"required": "Read what failed before, at the top of this page, and tick this."},
    )
    missteps_shown = forms.CharField(required=False, max_length=5000, widget=forms.HiddenInput)

    relevance = _mark("relevance")
    timeliness = _mark("timeliness")
    breadth = _mark("breadth")
    actionability = _mark("actionability")

    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For the author and for who reads this later.",
    )
    override_reason = forms.CharField(
        label="Why it should act although the gate did not pass",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It halves the confidence that models see, and stays visible for ever.",
    )

    def __init__(
        self,
        *args: Any,
        needs_override: bool,
        only_marks: bool = False,
        missteps: Sequence[int] = (),
        **kwargs: Any,
    ) -> None:
        """With `only_marks` override and missteps may stay open: their author is not deciding yet.

        `missteps` are the ids of those on the page; without any nothing has to be ticked.
        """
        super().__init__(*args, **kwargs)
        self.initial.setdefault("missteps_shown", ",".join(map(str, missteps)))
        self.fields["missteps_read"].required = not only_marks
        if not missteps:
            del self.fields["missteps_read"], self.fields["missteps_shown"]
        self.fields["override_reason"].required = not only_marks
        if not needs_override:
            del self.fields["override_reason"]

    def read(self) -> list[int]:
        """The missteps that were on the page when its reader ticked that they read them."""
        shown = str(self.cleaned_data.get("missteps_shown", "")).split(",")
        return (
            [int(key) for key in shown if key.isdecimal()] if self.cleaned_data.get("missteps_read") else []
        )

    def marks(self) -> dict[str, int]:
        """The marks as the services take them."""
        return {name: self.cleaned_data[name] for name in RUBRIC}


class ReasonForm(_OfARevision):
    """A decision with its reason."""

    reason = forms.CharField(label="Reason", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(
        self, *args: Any, help_text: str = "The author reads it, and it stays.", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = help_text

    def clean_reason(self) -> str:
        """A reason has words."""
        reason = str(self.cleaned_data["reason"])
        if not any(character.isalnum() for character in reason):
            raise forms.ValidationError("Write why.")
        return reason


class RevertForm(forms.Form):
    """Why earlier content comes back."""

    reason = forms.CharField(label="Reason", max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}))


class FilterForm(forms.Form):
    """What the list of insights shows; an empty field does not filter."""

    text = forms.CharField(label="Words", required=False, max_length=200)
    state = forms.ChoiceField(label="State", required=False)
    service = forms.ChoiceField(label="Service", required=False)
    kind = forms.ChoiceField(label="Signal", required=False)
    author = forms.ChoiceField(label="Author", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        authors = User.objects.filter(insights__isnull=False).distinct().order_by("username")
        choices: dict[str, list[tuple[str, str]]] = {
            "state": list(Insight.State.choices),
            "service": [(slug, slug) for slug in _services()],
            "kind": list(Signal.Kind.choices),
            "author": [(author.username, author.name) for author in authors],
        }
        for name, values in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", "Any"), *values]


def _services() -> list[str]:
    return list(Service.objects.order_by("slug").values_list("slug", flat=True))

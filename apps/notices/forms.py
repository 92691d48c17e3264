"""Which notices come as mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms

from . import kinds
from .models import MutedMail, Notice

if TYPE_CHECKING:
    from apps.accounts.models import User


class MailForm(forms.Form):
    kinds = forms.MultipleChoiceField(
        label="Send me mail when",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="All notices stand on the page of notices, whatever is chosen here.",
    )

    def __init__(self, data: object = None, *, offered: list[str], chosen: list[str]) -> None:
        super().__init__(data, initial={"kinds": chosen})  # type: ignore[arg-type]  # the request's QueryDict
        field = self.fields["kinds"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(kind, kinds.label(kind)) for kind in offered]


def offered_kinds(person: User) -> list[str]:
    """What rooms have named, and what this person has got before."""
    got = Notice.objects.filter(person=person).order_by().values_list("kind", flat=True).distinct()
    return sorted({*kinds.known(), *got})


def muted_kinds(person: User) -> set[str]:
    """The kinds that this person does not want as mail."""
    return set(MutedMail.objects.filter(person=person).values_list("kind", flat=True))

"""The forms of trackers and of an action's issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from .models import Tracker
from .models.trackers import MAX_KEY, MAX_LOGIN, MAX_PROJECT, MAX_TRACKER_NAME, MAX_URL
from .services.tracking import MAX_TOKEN, USUAL_URL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User


class TrackerForm(forms.Form):
    name = forms.CharField(label="Name", max_length=MAX_TRACKER_NAME, help_text="How people here call it.")
    kind = forms.ChoiceField(label="Kind", choices=Tracker.Kind.choices)
    base_url = forms.CharField(
        label="Address of its API",
        max_length=MAX_URL,
        initial=USUAL_URL,
        help_text="https://api.github.com, https://github.example.org/api/v3 or https://you.atlassian.net",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )
    project = forms.CharField(
        label="Repository or project",
        max_length=MAX_PROJECT,
        help_text="owner/repository, or a key such as OPS.",
    )
    account = forms.CharField(
        label="Account",
        max_length=MAX_LOGIN,
        required=False,
        help_text="Jira Cloud only: the mail address to which the token belongs.",
    )
    token = forms.CharField(
        label="Token",
        max_length=MAX_TOKEN,
        help_text="With the right to read and write issues. It is kept encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    issue_type = forms.CharField(
        label="Type of new issues", max_length=60, required=False, initial="Task", help_text="Jira only."
    )


class PeopleForm(forms.Form):
    """One field for each of our people: who that is over there."""

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for person in people:
            self.fields[f"login-{person.pk}"] = forms.CharField(
                label=person.name, max_length=MAX_LOGIN, required=False
            )

    def logins(self) -> dict[int, str]:
        """{person: login}, of the fields that were sent."""
        return {
            int(name.removeprefix("login-")): str(value)
            for name, value in self.cleaned_data.items()
            if name in self.data
        }


class LinkForm(forms.Form):
    tracker_id = forms.TypedChoiceField(label="Tracker", coerce=int)
    key = forms.CharField(
        label="Issue",
        max_length=MAX_KEY,
        required=False,
        help_text="A number or key that exists. Empty makes a new issue.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Tracker.objects.filter(removed_at=None).values_list("pk", "name")
        field: Any = self.fields["tracker_id"]
        field.choices = list(known)

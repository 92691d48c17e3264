"""The forms of this room: they shape what was typed; what is allowed is decided by the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm

from . import passwords
from .models import Role, Team, User
from .roles import WORDS
from .tokens import MAX_DAYS, MAX_NAME, SCOPES

NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})
HOW_LONG = "At least 12 characters, and not one that many people use."
MAX_EMAIL = 254


def role_choices() -> list[tuple[str, str]]:
    """The roles, each with what it is for."""
    return [(role.value, f"{role.label}: {WORDS[role]}") for role in Role]


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Roles")
        super().__init__(
            choices=role_choices(), required=False, widget=forms.CheckboxSelectMultiple, **kwargs
        )


class FirstAdminForm(forms.Form):
    username = forms.CharField(
        label="User name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    email = forms.EmailField(label="E-mail address", max_length=MAX_EMAIL)
    password = forms.CharField(label="Password", strip=False, widget=NEW_PASSWORD, help_text=HOW_LONG)


class SignInForm(AuthenticationForm):
    username = forms.CharField(  # an address is longer than a user name
        label="User name or e-mail address",
        max_length=MAX_EMAIL,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    error_messages = {
        "invalid_login": "This name and this password do not fit together.",
        "inactive": "This name and this password do not fit together.",
    }


class ResetForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=MAX_EMAIL,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # not generic at run time
    """The form behind the mailed link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = HOW_LONG

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        return passwords.set_password(
            person_id=self.user.pk, password=self.cleaned_data["new_password1"], how="reset"
        )


class AcceptForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=150,
        help_text="Letters, digits and @ . + - _; others see it beside what you write.",
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(label="Password", strip=False, widget=NEW_PASSWORD, help_text=HOW_LONG)
    again = forms.CharField(label="Password again", strip=False, widget=NEW_PASSWORD)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "password" in given and "again" in given and given["password"] != given["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return given


class ProfileForm(forms.Form):
    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)
    email = forms.EmailField(label="E-mail address", max_length=MAX_EMAIL, required=False)
    password = forms.CharField(
        label="Present password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Only to change the address: new passwords are mailed there.",
    )


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=MAX_NAME, help_text="What will use it: “notebook”.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(scope, f"{words} ({scope})") for scope, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than its owner may.",
    )
    days = forms.IntegerField(
        label="Days until it ends", min_value=1, max_value=MAX_DAYS, initial=90, help_text="1 to 3660."
    )


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=MAX_EMAIL)
    roles = RolesField()
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), label="Team", required=False, to_field_name="slug", empty_label="none"
    )


class ServiceAccountForm(forms.Form):
    username = forms.CharField(
        label="Name", max_length=150, help_text="Letters, digits and @ . + - _, such as “checkout-detector”."
    )
    roles = RolesField(
        help_text="Few programs need one: to report alarms or to read features, its token's scope is enough."
    )
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), label="Team", required=False, to_field_name="slug", empty_label="none"
    )


class RolesForm(forms.Form):
    roles = RolesField()


class TeamForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)


class MemberForm(forms.Form):
    username = forms.CharField(label="User name", max_length=150)

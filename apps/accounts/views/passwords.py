"""A new password by mail, and changing one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import mail, passwords
from apps.accounts.forms import HOW_LONG, NewPasswordForm, ResetForm
from apps.accounts.models import User
from apps.accounts.pages import AuthedRequest, page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a mail; the answer is the same whether anybody has the address."""
    form = ResetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        passwords.ask_for_reset(email=form.cleaned_data["email"])
        return redirect("accounts:password-reset-sent")
    status = 422 if form.errors else 200
    return render(request, "accounts/password_reset.html", {"form": form}, status=status)


@require_GET
def sent(request: HttpRequest) -> HttpResponse:
    """What happens next."""
    context = {"mail_leaves": mail.server_is_set()}
    return render(request, "accounts/password_reset_sent.html", context)


class Choose(PasswordResetConfirmView):
    """Behind the mailed link, which works once: Django moves its secret from the address into the session."""

    template_name = "accounts/password_new.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("accounts:sign-in")

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active and not user.is_service else None

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Sign in with the new one.")
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@sensitive_post_parameters()
@page(get=(), post=())
def change(request: AuthedRequest) -> HttpResponse:
    """Change my own; my other sessions end, this one stays."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    form.fields["new_password1"].help_text = HOW_LONG
    if request.method == "POST" and form.is_valid():
        person = passwords.set_password(
            person_id=request.user.pk, password=form.cleaned_data["new_password1"], how="changed"
        )
        update_session_auth_hash(request, person)
        messages.success(request, "Your password is changed. Your other sessions have ended.")
        return redirect("accounts:me")
    return render(
        request, "accounts/password_change.html", {"form": form}, status=422 if form.errors else 200
    )

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.audit import outbox  # noqa: PLC0415  # models are not there before this

        from . import schema  # noqa: F401, PLC0415  # spectacular finds the bearer scheme once it is imported

        outbox.register("accounts.deactivated", "apps.accounts.closing.hand_on")
        outbox.register("accounts.invitation_mail", "apps.accounts.inviting.send_mail")
        outbox.register("accounts.reset_mail", "apps.accounts.passwords.send_mail")

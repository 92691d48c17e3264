"""What a password must be beyond Django's own rules."""

from __future__ import annotations

from django.core.exceptions import ValidationError

MAX_PASSWORD = 1000  # characters: longer than any sentence, shorter than what is sent to keep a server busy


class MaximumLengthValidator:
    """No longer than `MAX_PASSWORD`; named in AUTH_PASSWORD_VALIDATORS."""

    def validate(self, password: str, user: object = None) -> None:
        """Refuse one that is too long.

        Raises:
            ValidationError: it is.
        """
        if len(password) > MAX_PASSWORD:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The rule in words."""
        return f"A password has at most {MAX_PASSWORD:,} characters."

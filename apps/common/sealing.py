"""Secrets that we must show to others later: kept encrypted by a key derived from the installation's own.

Fernet (AES-128-CBC with HMAC-SHA256, of the `cryptography` package). Whoever reads the database without the
installation's key reads no secret. After the key was changed, `SECRET_KEY_FALLBACKS` still opens old ones.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

PURPOSE = "apps.common.sealing"


class UnsealingError(Exception):
    """The text was sealed with another key, or is damaged."""


def seal(plain: str) -> str:
    """The secret as text for a column; another text each time. Nothing stays nothing."""
    return _box().encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str) -> str:
    """The secret that was sealed.

    Raises:
        UnsealingError: the installation has another key now.
    """
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as exc:
        raise UnsealingError("sealed with another key than this installation's") from exc


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(salted_hmac(PURPOSE, "", secret=key, algorithm="sha256").digest()))
        for key in keys
    )

"""Something shown once, on the page after a redirect, without a secret ever being stored.

What a session keeps is the nonce that a secret is derived from; it says nothing without the secret key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

PREFIX = "once:"


def keep(request: HttpRequest, place: str, nonce: str) -> None:
    """Keep the nonce for the next time that `place` is shown to this person."""
    request.session[PREFIX + place] = nonce


def take(request: HttpRequest, place: str) -> str | None:
    """The nonce, which is forgotten by this; None if there is none."""
    found: str | None = request.session.pop(PREFIX + place, None)
    return found

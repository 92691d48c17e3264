"""Plain verbs on the catalogue, for the transactions of others."""

from __future__ import annotations

import unicodedata

from apps.common.errors import InvalidInputError

from .models import MAX_SLUG, Service


class ServiceNameError(InvalidInputError):
    """Not the name of a service."""

    code = "bad_service_name"


def clean_slug(slug: str, *, field: str = "service") -> str:
    """The slug as composed Unicode (a Mac stores `é` as two characters).

    Raises:
        ServiceNameError: empty, too long, with a slash, or with a character that no URL or page could carry.
    """
    text = unicodedata.normalize("NFC", slug)
    odd = [c for c in text if c in "/\\" or not c.isprintable()]
    if not text or text != text.strip() or len(text) > MAX_SLUG or text in {".", ".."} or odd:
        raise ServiceNameError(
            f"A service is named by 1 to {MAX_SLUG} visible characters without slash or backslash.",
            field=field,
        )
    return text


def ensure_service(slug: str) -> Service:
    """The service of this name, made if it is new; safe when several callers are first at once.

    Raises:
        ServiceNameError: see `clean_slug`.
    """
    return Service.objects.get_or_create(slug=clean_slug(slug))[0]

"""WSGI entry for gunicorn."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from apps.embedded import address

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

# Each process would make up a key of its own, so that nothing signed would last.
if address.is_unset(settings.SECRET_KEY):
    raise ImproperlyConfigured(
        "There is no secret key to sign sessions with. "
        f"Set AFTERCAST_SECRET_KEY to {address.KEY_LENGTH} or more random characters, or "
        "AFTERCAST_SECRET_KEY_FILE to a file of them, or start with `manage.py up`, which makes one in "
        "the data folder."
    )
application = get_wsgi_application()

"""Settings of the test suite: the same stack, a database of its own, quick password hashing."""

from __future__ import annotations

from .base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]

# The suite empties its tables between tests; everywhere else the ledger refuses that (apps.audit.models).
DATABASES["default"]["OPTIONS"]["options"] += " -c aftercast.truncate=allowed"  # noqa: F405
OUTBOX_HINTS = False
STATIC_ROOT = None  # type: ignore[assignment]  # nothing is collected here
# It asks the database twice a minute, on whichever page comes by: a query too many for who counts them.
FRAME_EXTRAS = [name for name in FRAME_EXTRAS if name != "apps.demo.frame.banner"]  # noqa: F405

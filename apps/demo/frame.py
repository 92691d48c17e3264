"""What the demo adds to the frame of every page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .models import DemoInstallation

if TYPE_CHECKING:
    from django.http import HttpRequest

LOOK_AGAIN_S = 30.0
_seen: tuple[float, bool] | None = None


def banner(request: HttpRequest) -> dict[str, bool]:  # the same for everybody
    """Whether to say on each page that the data are generated; asked of the database twice a minute."""
    global _seen  # noqa: PLW0603  # one fact of the whole process
    now = time.monotonic()
    if _seen is None or now - _seen[0] > LOOK_AGAIN_S:
        _seen = (now, DemoInstallation.objects.exists())
    return {"demo": _seen[1]}


def forget() -> None:
    """Look again at the next page."""
    global _seen  # noqa: PLW0603
    _seen = None

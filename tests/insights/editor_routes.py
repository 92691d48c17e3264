from __future__ import annotations

EDITOR_PAGES: dict[str, object] = {}

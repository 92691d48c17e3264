"""What the triggers of this room share: above all, that rows are never changed nor deleted."""

from __future__ import annotations

import pgtrigger

NEW_ROWS = pgtrigger.Referencing(new="new_rows")  # type: ignore[no-untyped-call]  # the library has no types
APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)

"""Keeping results: none without the split, the data and the code that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.common.code import code_id

from .models import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import Split


def keep(
    *, kind: str, subject: str, split: Split, data_hash: str, seed: int, figures: Mapping[str, Any]
) -> Result:
    """Store the figures of one run of the pipeline `kind`, with the code that runs now.

    Raises:
        IntegrityError: one of them is empty; the database refuses it.
    """
    return Result.objects.create(
        kind=kind,
        subject=subject,
        split=split,
        code=code_id(),
        data_hash=data_hash,
        seed=seed,
        figures=dict(figures),
    )

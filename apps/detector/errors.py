"""What stops the detector, with the mending."""

from __future__ import annotations


class DetectorError(Exception):
    """The message says what is wrong and what to do."""

"""Series ids: `service/metric`, from folders and files or as typed."""

from __future__ import annotations

import re
import unicodedata

from apps.common.errors import InvalidInputError

MAX_SERVICE = 80
MAX_METRIC = 119
REMEDY = (
    "A series is named service/metric, each part of visible characters without slash or backslash; "
    f"a service has at most {MAX_SERVICE} characters, a metric {MAX_METRIC}."
)


class SeriesNameError(InvalidInputError):
    """Not a series id."""

    code = "bad_series_id"


def split_series_id(text: str) -> tuple[str, str]:
    """The service and the metric of an id.

    Raises:
        SeriesNameError: not `service/metric`, or a character that no file, URL or page could carry.
    """
    if unicodedata.normalize("NFC", text) != text:
        raise SeriesNameError(
            f"{text[:200]!a} is not a series id: its accents are separate characters.",
            field="series",
            remedy="Write it in composed Unicode (NFC).",
        )
    service, slash, metric = text.partition("/")
    if not slash:
        raise SeriesNameError(f"{text[:200]!a} is not a series id: no slash.", field="series", remedy=REMEDY)
    for what, part, longest in (("service", service, MAX_SERVICE), ("metric", metric, MAX_METRIC)):
        if wrong := _wrong(part, longest):
            raise SeriesNameError(
                f"{text[:200]!a} is not a series id: the {what} {wrong}.", field="series", remedy=REMEDY
            )
    return service, metric


def _wrong(part: str, longest: int) -> str | None:
    if not part.strip():
        return "is empty"
    if len(part) > longest:
        return f"has more than {longest} characters"
    if part != part.strip():
        return "begins or ends with a space"
    if part in {".", ".."}:
        return "is a dot"
    odd = [c for c in part if c in "/\\" or not c.isprintable()]
    return f"holds the character {odd[0]!a}" if odd else None


def series_id(service: str, metric: str) -> str:
    """The id of `metric` of `service`, as composed Unicode (a Mac stores `é` as two characters).

    Raises:
        SeriesNameError: see `split_series_id`.
    """
    text = unicodedata.normalize("NFC", f"{service}/{metric}")
    split_series_id(text)
    return text


def metric_family(metric: str) -> str:
    """The metric without digits and hashes: `ec2_cpu_utilization_24ae8d` and `…_fe7f93` are one family.

    A part between separators that is hexadecimal, holds a digit and has at least five characters is a hash.
    What is left after taking out digits is joined again; a name of digits alone is its own family.
    """
    words = re.split(r"[^0-9A-Za-z\u0080-\U0010ffff]+", metric)
    kept = [re.sub(r"\d+", "", word) for word in words if not _is_hash(word)]
    return "_".join(word for word in kept if word) or metric


def _is_hash(word: str) -> bool:
    return re.fullmatch(r"(?=.*\d)[0-9a-fA-F]{5,}", word) is not None

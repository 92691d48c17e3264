from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.common.times import iso_us

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "2026-11-21T12:00:00.000000Z"),
        (datetime(2026, 11, 21, 12, 0, 0, 1, timezone(timedelta(hours=1))), "2026-11-21T11:00:00.000001Z"),
        (datetime(1, 1, 2, tzinfo=UTC), "0001-01-02T00:00:00.000000Z"),
        (datetime(999, 12, 31, 23, 59, 59, 999_999, UTC), "0999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_has_four_digits_of_year_and_six_of_second(moment: datetime, text: str) -> None:
    assert iso_us(moment) == text


def test_a_moment_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="a moment needs a time zone"):
        iso_us(datetime(2026, 11, 21))  # noqa: DTZ001

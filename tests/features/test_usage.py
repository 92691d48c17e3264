from __future__ import annotations

import pytest

from apps.features.models import FeatureUse
from apps.features.usage import Uses

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def test_reads_are_added_up_for_each_consumer():
    uses = Uses()
    for consumer in ("ann/a", "ann/a", "bob/b"):
        uses.count(consumer, "detection", 3)
    uses.flush()
    assert dict(FeatureUse.objects.values_list("consumer", "reads")) == {"ann/a": 2, "bob/b": 1}


def test_the_longest_names_fit():
    Uses().count("u" * 150 + "/" + "t" * 120, "detection", 1)
    assert FeatureUse.objects.get().reads == 1


def test_counts_that_cannot_be_written_fail_no_read_and_lose_nobody_elses():
    uses = Uses()
    uses.count("ann/a", "detection", 1)
    uses.count("ann/a", "detection", 1)
    uses.count("x" * 301, "detection", 1)
    uses.flush()
    uses._counts.pop(("x" * 301, "detection", 1))
    uses.flush()
    assert dict(FeatureUse.objects.values_list("consumer", "reads")) == {"ann/a": 2}

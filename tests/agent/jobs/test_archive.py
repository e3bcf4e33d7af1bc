"""What a job with arrays leaves for itself comes back as it went, or not at all."""

import random

import numpy as np
import pytest

from agent.jobs.archive import packed, unpacked

META = {"format": 1, "names": ["p1", "µ"]}
ARRAYS = {"0.flow": np.arange(100.0), "is_running": np.array([[True, False], [False, True]])}


def test_arrays_and_meta_data_come_back_as_they_went() -> None:
    found = unpacked(packed(META, ARRAYS))

    assert found is not None
    assert found[0] == META
    assert found[1].keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[1][name], array)
        assert found[1][name].dtype == array.dtype


@pytest.mark.parametrize("state", [None, b"", b"{}", packed({}, {})[:40]])
def test_what_is_none_is_told_as_none(state: bytes | None) -> None:
    """A job then begins anew."""
    assert unpacked(state) is None


def test_a_rotten_bit_costs_the_state_and_not_the_job() -> None:
    """It would fail at every run for ever: the state stays until a run succeeds. Most bits are found out."""
    rng, whole = random.Random(1), packed(META, ARRAYS)
    lost = 0
    for _ in range(2_000):
        rotten = bytearray(whole)
        rotten[rng.randrange(len(rotten))] ^= 1 << rng.randrange(8)
        lost += unpacked(bytes(rotten)) is None

    assert lost > 1_000


def test_numbers_that_are_none_are_not_packed() -> None:
    """JSON has no word for them, and the next run could not read it."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        packed({"value": float("nan")}, {})

"""The running sums against their batch twin, and what they owe to a noisy flow."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.curves.methods.sums import Sums, terms


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.sampled_from([None, 7.0, 100.0]))
def test_portions_give_what_all_at_once_gives(cut: int, seed: int, memory: float | None) -> None:
    """A wrong decay between portions, or a term left out of one of the sums, would show."""
    rng = np.random.default_rng(seed)
    v, z, targets = rng.normal(size=61), rng.normal(size=61), rng.normal(size=(61, 2))
    weights = np.ones(61) if memory is None else np.exp((np.arange(61) - 60.0) / memory)
    portions = Sums(2, memory)

    portions.add(v[:cut], z[:cut], targets[:cut])
    portions.add(v[cut:], z[cut:], targets[cut:])

    found, basis = portions.equations(), terms(v, z)
    np.testing.assert_allclose(found.gram, basis.T @ (weights[:, None] * basis), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.moment, basis.T @ (weights[:, None] * targets), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.products, targets.T @ (weights[:, None] * targets), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.weight, weights.sum())


def test_sums_of_a_noisy_flow_are_corrected_to_those_of_the_true_one() -> None:
    """At 3 % noise near one duty the measured v² is twice the true one: left alone, a slope would be halved."""
    rng = np.random.default_rng(1)
    u = rng.uniform(0.95, 1.05, 400_000)
    y = 1.0 - 0.6 * (u - 1.0)
    true, noisy = Sums(1), Sums(1)

    true.add(u - 1.0, np.zeros_like(u), y[:, None])
    noisy.add(u * (1.0 + 0.03 * rng.standard_normal(len(u))) - 1.0, np.zeros_like(u), y[:, None])

    want, raw, found = true.equations(), noisy.equations(), noisy.equations(0.03)
    assert raw.gram[1, 1] > 1.9 * want.gram[1, 1]
    np.testing.assert_allclose(found.gram[1, 1], want.gram[1, 1], rtol=0.03)
    np.testing.assert_allclose(found.moment[1, 0], want.moment[1, 0], rtol=0.05)
    np.testing.assert_allclose(found.gram[2, 2], want.gram[2, 2], rtol=0.15)

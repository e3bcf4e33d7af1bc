"""Whether pumps run as was advised."""

from collections.abc import Collection, Mapping

UNLIKE = 0.02  # relative speed by which a drive may differ from the advice when all are scaled alike
SCALE = 0.1  # by which drives that follow the demand may be scaled together
_ALIKE = 0.005  # of relative speeds; two operations that differ by less have the same ratio of speeds


def is_followed(
    former: Mapping[str, float], proposed: Mapping[str, float], speeds: Mapping[str, float], drives: Collection[str]
) -> bool:
    """Whether *speeds* are the *proposed* ones, or those as the demand has moved all *drives* together since.

    Nearer to the former operation than to the proposal is not followed, however small the step between the two is.

    Args:
        former: Relative speeds of the pumps that ran before, by pump.
        proposed: The same of the advice.
        speeds: The same of now.
        drives: Pumps whose speed follows the demand.
    """
    if speeds.keys() != proposed.keys():
        return False
    scale, unlike = _compared(proposed, speeds, drives)
    if former.keys() != proposed.keys():
        return abs(scale - 1) <= SCALE and unlike <= UNLIKE
    former_scale, former_unlike = _compared(proposed, former, drives)
    if former_unlike > _ALIKE:
        return abs(scale - 1) <= SCALE and unlike <= min(UNLIKE, former_unlike / 2)
    return abs(scale - 1) <= min(SCALE, abs(former_scale - 1) / 2) and unlike <= UNLIKE


def _compared(
    proposed: Mapping[str, float], speeds: Mapping[str, float], drives: Collection[str]
) -> tuple[float, float]:
    """The common factor of the drives against the proposal, and the largest difference that it leaves."""
    ratios = [speeds[pump] / proposed[pump] for pump in proposed if pump in drives]
    scale = sum(ratios) / len(ratios) if ratios else 1.0
    left = (speeds[pump] - proposed[pump] * (scale if pump in drives else 1.0) for pump in proposed)
    return scale, max(map(abs, left), default=0.0)

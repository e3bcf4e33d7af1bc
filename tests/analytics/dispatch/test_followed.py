"""Whether pumps run as was advised."""

import pytest

from analytics.dispatch.followed import is_followed

DRIVES = {"a", "b", "c"}


@pytest.mark.parametrize(
    ("former", "proposed", "speeds", "expected"),
    [
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.8, "b": 0.8}, True),
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.85, "b": 0.85}, True),  # the demand has risen
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.95, "b": 0.95}, False),  # too far to be the same
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.75, "b": 0.85}, False),  # another way to share
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.8}, False),
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.8, "b": 0.8, "c": 0.8}, False),
        ({"a": 0.95}, {"a": 0.8, "b": 0.8}, {"a": 0.8, "c": 0.8}, False),
        ({"a": 0.95, "b": 0.85}, {"a": 0.9, "b": 0.9}, {"a": 0.91, "b": 0.89}, True),
        ({"a": 0.95, "b": 0.85}, {"a": 0.9, "b": 0.9}, {"a": 0.95, "b": 0.85}, False),
        ({"a": 0.91, "b": 0.89}, {"a": 0.9, "b": 0.9}, {"a": 0.91, "b": 0.89}, False),  # a small step not taken
        ({"a": 0.91, "b": 0.89}, {"a": 0.9, "b": 0.9}, {"a": 0.904, "b": 0.896}, True),
        ({"a": 0.95}, {"a": 0.9}, {"a": 0.9}, True),
        ({"a": 0.95}, {"a": 0.9}, {"a": 0.93}, False),  # nearer to what was before
        ({"a": 0.95}, {"a": 0.9}, {"a": 0.95}, False),
        ({"p": 1.0}, {"p": 1.0, "a": 0.8}, {"p": 1.0, "a": 0.8}, True),  # one of them without a drive
    ],
)
def test_followed_is_as_advised_or_as_the_demand_has_moved_it_since(
    former: dict[str, float],
    proposed: dict[str, float],
    speeds: dict[str, float],
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    """The same set, the same ratio of speeds; and never what is nearer to the operation before."""
    assert is_followed(former, proposed, speeds, DRIVES) is expected

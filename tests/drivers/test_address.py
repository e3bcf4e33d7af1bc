"""Where a tag lives, in the notations of manuals."""

import pytest

from drivers.address import Address, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("holding:100", Address("holding", 100)),
        ("HOLDING:0x64", Address("holding", 100)),
        ("0x64", Address("holding", 100)),
        ("input:7", Address("input", 7)),
        ("coil:3", Address("coil", 3)),
        ("discrete:65535", Address("discrete", 65_535)),
        ("40001", Address("holding", 0)),
        ("49999", Address("holding", 9_998)),
        ("400101", Address("holding", 100)),
        ("465536", Address("holding", 65_535)),
        ("30001", Address("input", 0)),
        ("10017", Address("discrete", 16)),
        ("00001", Address("coil", 0)),
        ("000042", Address("coil", 41)),
    ],
)
def test_a_notation_means_one_place(text: str, address: Address) -> None:
    """As the manuals use them: named and hexadecimal from 0, five and six digits from 1."""
    assert parse(text) == address


@pytest.mark.parametrize(("text", "number"), [("holding:1", 0), ("holding:65536", 65_535), ("40001", 0), ("0x1", 0)])
def test_with_base_1_the_first_register_is_1(text: str, number: int) -> None:
    """The base shifts the named notations and leaves the ones that are counted from 1 anyway."""
    assert parse(text, base=1).number == number


@pytest.mark.parametrize(
    ("text", "base", "words"),
    [
        ("100", 0, 'write "holding:100"'),
        ("holding:65536", 0, "from 0 to 65535"),
        ("holding:0", 1, "from 1 to 65536"),
        ("40000", 0, "from 1 to"),
        ("20001", 0, "names no table"),
        ("holding", 0, "is no address"),
        ("holding:1e3", 0, "is no address"),
        ("holding:-1", 0, "is no address"),
        ("register:1", 0, "is no address"),
        ("", 0, "is no address"),
        ("4010\N{ARABIC-INDIC DIGIT ONE}", 0, "is no address"),
        ("holding:\N{ARABIC-INDIC DIGIT ONE}", 0, "is no address"),
    ],
)
def test_what_is_no_address_is_refused_with_a_remedy(text: str, base: int, words: str) -> None:
    """A number whose table or base would have to be guessed is refused, not guessed."""
    with pytest.raises(ValueError, match=words):
        parse(text, base)

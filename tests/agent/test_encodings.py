"""Which encoding a text file has that does not say it."""

import pytest

from agent.tag_lists.encodings import decoded

WESTERN = ["Gerät;m³/h;°C", "Düse", "Förderhöhe;Öl;µS/cm", "débit;pression;°C", "Zulauf übrig; Größe"]
CHINESE = ["变量名;地址;单位", "1号泵出口压力", "频率反馈,℃", "温度"]


def nothing(_: str) -> int:
    """Titles that say nothing."""
    return 0


@pytest.mark.parametrize("text", WESTERN)
def test_western_signs_stay_western(text: str) -> None:
    """The sign °C in cp1252 is a Chinese character in GBK: taken for that, it is a unit nobody knows."""
    assert decoded(text.encode("cp1252"), nothing) == (text, "cp1252")


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_is_read_from_gbk(text: str) -> None:
    """What Excel writes as CSV on a Chinese Windows."""
    assert decoded(text.encode("gbk"), nothing) == (text, "GBK")


@pytest.mark.parametrize("text", [*WESTERN, *CHINESE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_says_its_encoding_is_believed(text: str, encoding: str) -> None:
    """And nothing need be told."""
    assert decoded(text.encode(encoding), nothing) == (text, "")


def test_titles_decide_before_bytes_do() -> None:
    """A Chinese list with one western sign in it, and a western one whose only signs stand in a pair."""

    def worth(text: str) -> int:
        return int("地址" in text) + int("Größe" in text)

    assert decoded("地址,".encode("gbk") + b"\xb0C", worth)[1] == "GBK"
    assert decoded("Größe;Maßäb".encode("cp1252"), worth) == ("Größe;Maßäb", "cp1252")


def test_chinese_that_happens_to_be_utf_8_is_told_by_its_titles() -> None:
    """The four bytes of 水位 in GBK are also two letters in UTF-8, which no title has."""

    def worth(text: str) -> int:
        return int("水位" in text)

    assert decoded("水位,\n".encode("gbk"), worth) == ("水位,\n", "GBK")
    assert decoded("水位,\n".encode(), worth) == ("水位,\n", "")


def test_bytes_of_neither_are_refused() -> None:
    """0x81 alone is no character of cp1252, and no whole one of GBK."""
    with pytest.raises(UnicodeDecodeError):
        decoded(b"name\n\x81", nothing)

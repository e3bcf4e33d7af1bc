"""What the bytes of a text file are, where the file does not say it: UTF-8, GBK or cp1252 (pure)."""

import re
from collections.abc import Callable

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_HIGH = re.compile(rb"[\x80-\xff]+")


def decoded(data: bytes, worth: Callable[[str], int]) -> tuple[str, str]:
    """The text, and the encoding that was taken; "" where there was no choice.

    What is no UTF-8 is what Excel calls CSV: GBK on a Chinese Windows, cp1252 on a western one. Either takes nearly
    any bytes: "°C" is a rare Chinese character in GBK. So the one in which more titles make sense is taken; and
    where that says nothing, GBK only if its bytes come in pairs, as in Chinese they all do, while
    "ü" and "³" mostly stand alone.

    Args:
        data: The file.
        worth: How many titles of a text make sense.

    Raises:
        UnicodeDecodeError: It is none of them.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding), ""
    chinese, western = _try(data, "gb18030"), _try(data, "cp1252")
    if (text := _try(data, "utf-8")) is not None:
        # "水位" in GBK happens to be two letters in UTF-8
        is_by_chance = chinese is not None and not text.isascii() and worth(chinese) > worth(text)
        return (chinese, "GBK") if chinese is not None and is_by_chance else (text, "")
    if western is None or (chinese is not None and _is_chinese(data, worth(chinese), worth(western))):
        return (data.decode("gb18030") if chinese is None else chinese), "GBK"
    return western, "cp1252"


def _is_chinese(data: bytes, chinese: int, western: int) -> bool:
    return chinese > western or (chinese == western and all(len(run) % 2 == 0 for run in _HIGH.findall(data)))


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None

"""How the registers of a tag would make more sense than they do as it is configured (pure)."""

from dataclasses import dataclass

from agent.commissioning.typical import typical_range
from drivers.address import parse
from drivers.guesses import Guess, guesses
from drivers.plausibility import Expectation
from drivers.registers import WORDS
from drivers.settings import ModbusTagSettings

KEYS = ("type", "order", "scale")
SAME_TYPE_BITS = 4.0  # manuals are clear about types more often than about orders


@dataclass(frozen=True, slots=True)
class Rereading:
    """Another way to read them."""

    sentence: str
    gain: float  # bits by which it is likelier
    is_scale: bool = False  # only the scale is another
    is_absent: bool = False  # it is no value at all, but a device's way to say so


def rereading(tag: ModbusTagSettings, raw: bytes, base: int) -> Rereading | None:
    """The likeliest other way, if it gives a value where one is expected.

    Args:
        tag: As configured; its valid range is what is expected, or else what is usual in its unit.
        raw: Its registers.
        base: What its device calls the first register.
    """
    place = parse(tag.address, base)
    if place.holds_bits or tag.type in ("bool", "string"):
        return None
    words = {place.number + i // 2: int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)}
    bare = tag.model_copy(update={"sentinels": ()})
    found = guesses(bare, place, [words], _expectation(tag), base=base, shifts=(0,))
    whole = [one for one in found if 2 * WORDS.get(one.tag.type, one.tag.length) == len(raw)]
    now = next((one for one in whole if (one.tag.type, one.tag.order) == (tag.type, tag.order)), None)
    best = max(whole, key=lambda one: one.bits + SAME_TYPE_BITS * (one.tag.type == tag.type))
    if "no sensor?" in best.remark and best.tag.sentinels:
        listed = ", ".join(f"{one:g}" for one in best.tag.sentinels)
        return Rereading(
            f"as devices say that there is no sensor; if so, write sentinels = [{listed}]", gain=1e3, is_scale=False
        )
    if not best.is_as_expected or all(getattr(best.tag, key) == getattr(tag, key) for key in KEYS):
        return None
    return Rereading(_sentence(tag, best), best.bits - now.bits if now else 0.0, is_scale=best is now)


def _expectation(tag: ModbusTagSettings) -> Expectation:
    if tag.valid_min is not None or tag.valid_max is not None:
        return Expectation(tag.valid_min, tag.valid_max)
    return Expectation(*(typical_range(tag.unit) or (None, None)))


def _sentence(tag: ModbusTagSettings, best: Guess) -> str:
    news = {key: getattr(best.tag, key) for key in KEYS if getattr(best.tag, key) != getattr(tag, key)}
    changes = ", ".join(f'{key} = "{new}"' if isinstance(new, str) else f"{key} = {new:g}" for key, new in news.items())
    what = {"order": "looks like swapped words", "scale": "looks like another scale"}
    value = best.values[0]
    shown = f"{value:.7g}" if isinstance(value, int | float) else value
    return f"{what.get(' '.join(news), 'looks like another type')}: try {changes}, which reads {shown}"

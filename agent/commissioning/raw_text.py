"""What stood behind a value, as text: registers in hexadecimal and the number in them, or what a server said."""

from drivers.columns import columns
from drivers.device import TagSettings
from drivers.evidence import Raw
from drivers.settings import ModbusTagSettings

UNCONVERTED = {"scale": 1.0, "offset": 0.0, "sentinels": (), "valid_min": None, "valid_max": None}


def raw_text(tag: TagSettings, raw: Raw | None) -> str:
    """The raw value, before scale and offset."""
    if raw is None:
        return ""
    if not isinstance(tag, ModbusTagSettings) or not isinstance(raw, bytes):
        return _number(raw)
    if len(raw) == 1:
        return str(raw[0])
    registers = " ".join(raw[place : place + 2].hex().upper() for place in range(0, len(raw), 2))
    column = columns([(tag.model_copy(update=UNCONVERTED), 0)], count=len(raw) // 2, holds_bits=False)[0]
    value = column.decode(raw, 0)[0].value
    return registers if value is None else f"{registers} = {_number(value)}"


def _number(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else repr(value)

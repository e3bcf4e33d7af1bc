"""What polling will cost, predicted from what single requests took (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.evidence import Request
from drivers.settings import AnyDeviceSettings, ModbusRtuOverTcpSettings, ModbusRtuSettings

DAY = 86_400.0  # s


@dataclass(frozen=True, slots=True)
class Traffic:
    """A device, or all devices of a line, at the configured periods."""

    requests: int  # of a scan in which everything is due
    scan: float  # s, for that scan
    load: float  # share of the time in which a request is under way; above 1 polls come late
    requests_per_second: float
    readings_per_second: float

    def __add__(self, other: "Traffic") -> "Traffic":
        """One after the other on the same line."""
        return Traffic(
            self.requests + other.requests,
            self.scan + other.scan,
            self.load + other.load,
            self.requests_per_second + other.requests_per_second,
            self.readings_per_second + other.readings_per_second,
        )

    @property
    def readings_per_day(self) -> float:
        """What the store takes in."""
        return self.readings_per_second * DAY


def traffic(device: AnyDeviceSettings, requests: Sequence[Request]) -> Traffic:
    """What a device will cost, if each request takes as long as it did now."""
    return Traffic(
        requests=len(requests),
        scan=sum(request.took for request in requests),
        load=sum(request.took / request.period for request in requests),
        requests_per_second=sum(1 / request.period for request in requests),
        readings_per_second=sum(1 / max(tag.period or 0, device.period) for tag in device.tags),
    )


def line(device: AnyDeviceSettings) -> str | None:
    """What a device shares with others, one of which at a time is asked; None where it has its line for itself."""
    match device:
        case ModbusRtuSettings():
            return device.serial_port
        case ModbusRtuOverTcpSettings():
            return f"{device.host}:{device.port}"
        case _:
            return None

"""Which devices share a bus."""

from functools import partial

from drivers.bus.bus import Bus
from drivers.bus.connect import gateway, serial_port
from drivers.bus.rtu_line import RtuLine
from drivers.settings import ModbusRtuOverTcpSettings, ModbusRtuSettings, ModbusSettings, UnitSettings

ALONE = 3  # failures in a row after which a unit with a connection of its own is given up
SHARED = 2  # the same where others wait meanwhile
FASTEST = 19_200  # baud, above which the silence between frames is a fixed time
DIALLING = 1.0  # s that a connection may take at least, however quick the unit: what is lost is sent again only then
SHORTEST_SILENCE = 0.001_75  # s, that fixed time


class Buses:
    """The buses of one agent; devices that name the same port, gateway or host are on one.

    A bus outlives its drivers, which come and go with every failure: it remembers who does not answer, and that a
    late answer may still be on its way.
    """

    def __init__(self) -> None:
        self._shared: dict[tuple[object, ...], Bus] = {}

    def of(self, settings: UnitSettings) -> Bus:
        """The bus of a device; a new one for whoever shares none.

        Raises:
            TypeError: It is a kind of device that nobody has told of buses.
        """
        match settings:
            case ModbusSettings(connections=None):
                return _tcp(settings, 1, ALONE)
            case ModbusSettings(connections=int(connections)):
                key: tuple[object, ...] = ("tcp", settings.host, settings.port, connections)
                return self._shared.get(key) or self._keep(key, _tcp(settings, connections, SHARED))
            case ModbusRtuSettings():
                key = (settings.serial_port, settings.baudrate, settings.parity, settings.stop_bits)
                return self._shared.get(key) or self._keep(key, _serial(settings))
            case ModbusRtuOverTcpSettings():
                key = ("rtu over tcp", settings.host, settings.port)
                return self._shared.get(key) or self._keep(key, _over_tcp(settings))
            case _:
                raise TypeError(f"{type(settings).__name__} has no bus")

    def _keep(self, key: tuple[object, ...], bus: Bus) -> Bus:
        self._shared[key] = bus
        return bus


def _tcp(settings: ModbusSettings, connections: int, given_up_after: int) -> Bus:
    # loaded only where somebody speaks it: a quarter of a second on a small PC
    from drivers.bus.tcp_line import TcpLine  # noqa: PLC0415

    lines = [TcpLine(settings.host, settings.port, settings.timeout) for _ in range(connections)]
    return Bus(lines, given_up_after=given_up_after)


def _serial(settings: ModbusRtuSettings) -> Bus:
    bits = 1 + 8 + (settings.parity != "none") + settings.stop_bits
    character = bits / settings.baudrate
    # 3.5 characters of 11 bits, as the specification counts them
    silence = 3.5 * 11 / settings.baudrate if settings.baudrate <= FASTEST else SHORTEST_SILENCE
    return Bus([RtuLine(partial(serial_port, settings), silence=silence, character=character)], given_up_after=SHARED)


def _over_tcp(settings: ModbusRtuOverTcpSettings) -> Bus:
    # the gateway keeps the silence on its serial side
    connect = partial(gateway, settings.host, settings.port, max(settings.timeout, DIALLING))
    return Bus([RtuLine(connect)], given_up_after=SHARED)

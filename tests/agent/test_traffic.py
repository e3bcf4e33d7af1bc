"""What polling will cost, from what single requests took."""

import pytest

from agent.commissioning.traffic import line, traffic
from drivers.evidence import Request
from drivers.settings import ModbusRtuSettings, ModbusSettings

TAGS = [{"name": "a", "address": "holding:1"}, {"name": "b", "address": "holding:200", "period": 10}]


def meter(unit_id: int = 1) -> ModbusRtuSettings:
    return ModbusRtuSettings.model_validate(
        {"name": "m", "protocol": "modbus-rtu", "serial_port": "/dev/ttyUSB0", "unit_id": unit_id, "tag": TAGS}
    )


def test_load_is_the_share_of_time_in_which_a_request_is_under_way() -> None:
    """One request of 50 ms each second, one of 200 ms every ten: 7 % of the line, 250 ms where both are due."""
    cost = traffic(meter(), [Request("holding:1", 1.0, 0.05), Request("holding:200", 10.0, 0.2)])

    assert cost.requests == 2
    assert cost.scan == pytest.approx(0.25)
    assert cost.load == pytest.approx(0.07)
    assert cost.requests_per_second == pytest.approx(1.1)
    assert cost.readings_per_day == pytest.approx(1.1 * 86_400)


def test_devices_on_one_line_add_up() -> None:
    """Twenty meters that each take 7 % of a serial line do not fit on it."""
    one = traffic(meter(), [Request("holding:1", 1.0, 0.07)])

    assert line(meter(1)) == line(meter(2)) == "/dev/ttyUSB0"
    assert (one + one).load == pytest.approx(0.14)
    assert (one + one).scan == pytest.approx(0.14)


def test_a_tcp_device_has_its_line_for_itself() -> None:
    """So one that is slow takes nothing from another."""
    device = ModbusSettings.model_validate({"name": "p", "protocol": "modbus-tcp", "host": "192.0.2.1"})

    assert line(device) is None

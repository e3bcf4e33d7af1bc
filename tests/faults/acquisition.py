"""`make faults-acquisition`: what breaks between agent and plant, and what is stored meanwhile; a table each."""

import sys

from tests.faults import acquisition_clock, acquisition_opcua, acquisition_rtu, acquisition_tcp

PARTS = {
    "Modbus TCP": acquisition_tcp.main,
    "Modbus RTU, serial and over TCP": acquisition_rtu.main,
    "OPC UA": acquisition_opcua.main,
    "The clock": acquisition_clock.main,
}


def main() -> int:
    """Print every table; 1 where a promise is broken."""
    broken = 0
    for title, measure in PARTS.items():
        print(f"\n{title}", flush=True)
        broken += measure()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

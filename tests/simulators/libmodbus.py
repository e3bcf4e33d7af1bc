"""A serial unit of libmodbus, the C library, where the machine has it: `apt-get install libmodbus5`.

Run as a program it is that unit: `python -m tests.simulators.libmodbus PORT UNIT`.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ctypes import CDLL, POINTER, Structure, c_char, c_char_p, c_int, c_uint8, c_uint16, c_void_p, create_string_buffer
from ctypes.util import find_library
from pathlib import Path

from tests.simulators.serial_bus import cable

LIBRARY = os.environ.get("LIBMODBUS") or find_library("modbus")
SIZE = 64  # of each table
LONGEST = 256  # bytes of a frame


class Mapping(Structure):
    """`modbus_mapping_t` of modbus.h."""

    _fields_ = (
        ("nb_bits", c_int),
        ("start_bits", c_int),
        ("nb_input_bits", c_int),
        ("start_input_bits", c_int),
        ("nb_input_registers", c_int),
        ("start_input_registers", c_int),
        ("nb_registers", c_int),
        ("start_registers", c_int),
        ("tab_bits", POINTER(c_uint8)),
        ("tab_input_bits", POINTER(c_uint8)),
        ("tab_input_registers", POINTER(c_uint16)),
        ("tab_registers", POINTER(c_uint16)),
    )


@asynccontextmanager
async def libmodbus_unit(folder: Path, unit: int) -> AsyncIterator[Path]:
    """A unit whose register n holds 1000 + n, input register n 2000 + n, every third bit is set; yields the port."""
    with cable(folder) as (far, near):
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, str(far), str(unit), stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout is not None
        try:
            await program.stdout.readline()  # it listens
            yield near
        finally:
            program.kill()
            await program.wait()


def serve(port: str, unit: int) -> None:
    """Answer for ever."""
    library = CDLL(LIBRARY)
    library.modbus_new_rtu.restype, library.modbus_new_rtu.argtypes = c_void_p, (c_char_p, c_int, c_char, c_int, c_int)
    library.modbus_mapping_new.restype = POINTER(Mapping)
    context = c_void_p(library.modbus_new_rtu(port.encode(), 9600, b"N", 8, 1))
    library.modbus_set_slave(context, unit)
    if library.modbus_connect(context) < 0:
        sys.exit(f"{port} cannot be opened")
    mapping = library.modbus_mapping_new(SIZE, SIZE, SIZE, SIZE)
    for n in range(SIZE):
        mapping.contents.tab_registers[n] = 1000 + n
        mapping.contents.tab_input_registers[n] = 2000 + n
        mapping.contents.tab_bits[n] = mapping.contents.tab_input_bits[n] = int(n % 3 == 0)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    frame = create_string_buffer(LONGEST)
    while True:
        length = library.modbus_receive(context, frame)
        if length > 0:
            library.modbus_reply(context, frame, length, mapping)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))

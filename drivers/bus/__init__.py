"""The way to Modbus units: the lines there are, what goes over them, and who may speak."""

"""The program: asyncio, disk, broker, supervision."""

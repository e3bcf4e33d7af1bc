"""Whatever SQLite says of the disk is trouble outside: only a bug ends the process."""

import pytest

from agent.store.errors import SUSPECT, DamagedError
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.settings import StorageSettings
from drivers.reading import Reading


@pytest.mark.parametrize("torn", [b"CREATE TABLE", b"no sensor"])
def test_torn_texts_are_damage(settings: StorageSettings, torn: bytes) -> None:
    """SQLite quotes its torn schema, which Python cannot read; and a torn reason for bad quality is no text either."""
    with Log(settings.path) as log, log.transaction():
        log.insert([Reading("flow", 1_000, None, 0, "no sensor")])
    content = settings.path.read_bytes()
    assert torn in content
    settings.path.write_bytes(content.replace(torn, b"\xff" * len(torn)))

    with pytest.raises(DamagedError), Reader(settings.path) as reader:
        reader.after(0, 10)

    assert settings.path.with_name(settings.path.name + SUSPECT).exists()

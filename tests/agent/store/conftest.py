"""A fresh database for each test."""

from pathlib import Path

import pytest

from agent.store.schema import migrate
from agent.store.settings import StorageSettings


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    """An empty database with its tables; commits follow each other at once."""
    path = tmp_path / "pump-agent.db"
    migrate(path)
    return StorageSettings(path=path, commit_interval=0.001)

"""`pump-agent version`."""

from argparse import Namespace
from importlib.metadata import version


def run(_args: Namespace) -> int:
    """Print the version."""
    print(version("pump-agent"))
    return 0

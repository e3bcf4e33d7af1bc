"""`pump-agent schema`: what config/station.schema.json holds."""

import sys
from argparse import Namespace

from agent.configuration.schema import schema_text


def run(_args: Namespace) -> int:
    """Print the JSON Schema of the configuration."""
    sys.stdout.write(schema_text())
    return 0

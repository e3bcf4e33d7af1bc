"""`pump-agent demo`: asks for what is not installed, and only then loads the rest."""

import sys
from argparse import Namespace
from importlib.util import find_spec

from agent.cli import MENDABLE

NEEDED = ("asyncua", "rich", "amqtt")


def main(args: Namespace) -> int:
    """Run the demo for `args.seconds` (None: until Ctrl-C); with `args.json` print one summary.

    Returns:
        The exit status: 0, 1 where the demo could not go on, 2 where something is not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        print(f"the demo needs {names}; install with: pip install 'pump-agent[opcua,demo]'", file=sys.stderr)
        return MENDABLE
    from agent.demo.stage import perform  # noqa: PLC0415 - only now it is known that it can be imported

    return perform(args.seconds, as_json=args.json, use_amqtt=args.amqtt)

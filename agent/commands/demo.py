"""`pump-agent demo`."""

from argparse import Namespace

from agent.demo.main import main


def run(args: Namespace) -> int:
    """Show the whole product on a simulated station."""
    return main(args)

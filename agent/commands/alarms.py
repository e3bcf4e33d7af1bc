"""`pump-agent alarms`: every alarm of the configuration with its reasons, for review in a spreadsheet."""

import csv
import sys
from argparse import Namespace

from agent.alarms.rationalisation import COLUMNS, rationalisation
from agent.alarms.rulebook import rulebook
from agent.cli import MENDABLE
from agent.configuration.config_file import load


def run(args: Namespace) -> int:
    """Write the list."""
    rules = {rule.rationale.id: rule for rule in rulebook(load(args.config))}
    rows = [COLUMNS, *rationalisation(rules)]
    if args.output is None:
        csv.writer(sys.stdout).writerows(rows)
        return 0
    try:
        with args.output.open("w", newline="", encoding="utf-8-sig") as file:  # Excel knows it by its mark
            csv.writer(file).writerows(rows)
    except OSError as error:
        print(f"{args.output} cannot be written: {error.strerror}", file=sys.stderr)
        return MENDABLE
    print(f"{len(rows) - 1} alarms in {args.output}")
    return 0

"""`make real-station`: what must hold on a real station's recorded hour, measured, one line each.

Transport runs live at real speed against a real mosquitto; analysis runs on the hour imported, with the jobs run
over it as they would have been live. Exit status 1 where something does not hold.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.acceptance.advice import check_analysis, check_counters
from tests.acceptance.checks import Checks
from tests.acceptance.station import missing
from tests.acceptance.transport import check_tags, check_transport


def main() -> int:
    """Check everything, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="how long the transport runs live; 0 leaves it out")
    args = parser.parse_args()
    if absent := missing():
        print(f"skipped: {absent}")
        return 0
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        check_analysis(Path(folder), checks)
    with tempfile.TemporaryDirectory() as folder:
        check_counters(Path(folder), checks)
    if args.seconds:
        with tempfile.TemporaryDirectory() as folder:
            check_tags(check_transport(Path(folder), args.seconds, checks), args.seconds, checks)
    print(f"{checks.failed} of the claims failed" if checks.failed else "everything holds")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

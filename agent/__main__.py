"""`python -m agent` is `pump-agent`."""

import sys

from agent.cli import main

sys.exit(main())

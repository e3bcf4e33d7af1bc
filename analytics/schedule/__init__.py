"""Which pumps run when over the next day or two: storage, tariff, timers, and a replay that proves the plan."""

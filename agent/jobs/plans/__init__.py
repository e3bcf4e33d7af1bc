"""What a schedule rests on: demand, prices by steps, pressures, the month's peak; and how a plan is told."""

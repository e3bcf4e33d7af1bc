"""What will be drawn or flow in over the next days, with quantiles that were checked against the past."""

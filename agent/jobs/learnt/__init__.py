"""What is known of pumps' curves: by data sheet, by the log, between runs, and as it is published."""

"""What leaves as files: readings as CSV or Parquet."""

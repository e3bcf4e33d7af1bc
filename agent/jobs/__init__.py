"""The glue: a window of the log → an analytics function → filled values and records; one module a job."""

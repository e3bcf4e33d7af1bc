"""Speed, measured side by side in one run; see `make bench`. None of it is part of `make test`."""

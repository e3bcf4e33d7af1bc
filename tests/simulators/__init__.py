"""Machines of the plant as servers on real sockets, and a clock that needs no waiting."""

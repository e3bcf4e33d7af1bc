"""For how long processes were ready to run and had no CPU, as the kernel counts it: the machine's share of a delay."""

from pathlib import Path

NS = 1e-9


def waited() -> float:
    """Seconds for which the threads of this process and of its children together have waited for a CPU so far."""
    children = [
        child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    ]
    threads = [thread for process in ("self", *children) for thread in Path(f"/proc/{process}/task").iterdir()]
    return NS * sum(int((thread / "schedstat").read_text().split()[1]) for thread in threads)

"""Anomalies in labelled recordings of a water-circulation testbed: F1, false and missed alarms, microseconds a row.

`make bench-anomalies` lets each recording's first 400 rows teach, unlabelled, and judges each later row by those before
it; all recordings have the same constants. Rows of all are pooled. Printed beside it: always-on, and Hotelling's T² on
the same rows. `--recordings FOLDER` names another collection of `*/*.csv.gz` with a column `anomaly`.
"""

import argparse
import csv
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.anomalies.bank import ResidualBank
from analytics.anomalies.learnt import Learnt

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

TRAINING = 400
RECORDINGS = Path(__file__).parents[3] / "shared/data/skab"
NO_CHANNEL = {"datetime", "anomaly", "changepoint"}


def recordings(folder: Path) -> Iterator[tuple[str, Floats, Booleans]]:
    """Name, rows and labels of each recording that has labels."""
    for path in sorted(folder.glob("*/*.csv.gz")):
        with gzip.open(path, "rt") as file:
            dialect = csv.Sniffer().sniff(file.readline())
            file.seek(0)
            table = list(csv.DictReader(file, dialect=dialect))
        if "anomaly" in table[0]:
            channels = [name for name in table[0] if name not in NO_CHANNEL]
            rows = np.array([[float(row[name]) for name in channels] for row in table])
            yield f"{path.parent.name}/{path.stem}", rows, np.array([float(row["anomaly"]) > 0 for row in table])


def by_bank(rows: Floats) -> Booleans:
    """Whether any channel does not fit, for each row after the training."""
    bank = ResidualBank(Learnt.of(rows[:TRAINING]))
    found = np.zeros(len(rows) - TRAINING, dtype=bool)
    for place, row in enumerate(rows[TRAINING:]):
        bank.update(row)
        found[place] = bank.unfit.any()
    return found


def by_t2(rows: Floats) -> Booleans:
    """Hotelling's T² above the largest of the training's 99 %."""
    mean, covariance = rows[:TRAINING].mean(axis=0), np.cov(rows[:TRAINING].T)
    inverse = np.linalg.pinv(covariance)
    t2 = np.einsum("ij,jk,ik->i", rows - mean, inverse, rows - mean)
    found: Booleans = t2[TRAINING:] > np.quantile(t2[:TRAINING], 0.99)
    return found


def figures(found: Booleans, labels: Booleans) -> str:
    """F1, false-alarm rate and missed-alarm rate."""
    hits, false = int((found & labels).sum()), int((found & ~labels).sum())
    missed, calm = int((~found & labels).sum()), int((~found & ~labels).sum())
    f1 = 2 * hits / max(1, 2 * hits + false + missed)
    return f"F1 {f1:.3f}  false {false / max(1, false + calm):6.1%}  missed {missed / max(1, hits + missed):6.1%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, default=RECORDINGS)
    parser.add_argument("--each", action="store_true", help="a line a recording too")
    args = parser.parse_args()
    all_labels, methods = [], dict[str, Callable[[Floats], Booleans]](bank=by_bank, t2=by_t2)
    verdicts: dict[str, list[Booleans]] = {name: [] for name in methods}
    spent, judged = 0.0, 0
    for name, rows, labels in recordings(args.recordings):
        all_labels.append(labels[TRAINING:])
        for method, judge in methods.items():
            began = time.process_time()
            verdicts[method].append(judge(rows))
            spent += time.process_time() - began if method == "bank" else 0.0
        judged += len(rows) - TRAINING
        if args.each:
            print(f"{name:20} {figures(verdicts['bank'][-1], all_labels[-1])}")
    labels = np.concatenate(all_labels)
    for method, found in verdicts.items():
        print(f"{method:10} {figures(np.concatenate(found), labels)}")
    print(f"{'always on':10} {figures(np.ones_like(labels), labels)}")
    print(f"{1e6 * spent / judged:.0f} µs of CPU a row, training included; {len(all_labels)} recordings, {judged} rows")


if __name__ == "__main__":
    main()

"""`pump-agent import`: history from CSV files into the store."""

import json
import sys
from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.health import wall_ms
from agent.mqtt.instant import rfc3339
from agent.progress_bar import progress_bar
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.history_layout import HistoryError
from agent.store.history_report import ImportReport
from agent.store.importing import begin_ms, import_history
from agent.store.losses import DAY_MS

MOST = 10  # unknown tags that are named; a whole other station would fill the screen


def run(args: Namespace) -> int:
    """Take in each file, one after the other; say what became of it.

    A file of which nothing could be taken needs a person: status 2, as for one that cannot be read.
    """
    settings = load(args.config)
    reports: list[ImportReport] = []
    for path in args.files:
        try:
            reports.append(_import(path, settings))
        except (HistoryError, StorageError) as error:
            if args.json:
                _print(reports)  # what was taken is taken
            print(error, file=sys.stderr)
            return MENDABLE
        if not args.json:
            print("\n".join(_lines(reports[-1])))
    if args.json:
        _print(reports)
    return MENDABLE if any(_is_in_vain(report) for report in reports) else 0


def _import(path: Path, settings: AgentSettings) -> ImportReport:
    tags = [tag for device in settings.devices for tag in device.tags]
    zone = ZoneInfo(settings.station.time_zone)
    is_warned = _warn(path, begin_ms(path, zone), settings)
    with progress_bar(path.name) as show:
        report = import_history(path, settings.storage.path, tags, zone, show)
    if not is_warned:
        _warn(path, report.first_ms, settings)  # it began with the newest
    return report


def _warn(path: Path, first_ms: int | None, settings: AgentSettings) -> bool:
    """Say what the agent will drop again, beforehand where the file's beginning tells it."""
    days = settings.storage.keep_days
    kept_ms = wall_ms() - round(days * DAY_MS)
    is_old = first_ms is not None and first_ms < kept_ms
    if first_ms is not None and is_old:
        print(
            f"{path.name} begins {rfc3339(first_ms)}: what is older than {rfc3339(kept_ms)} is dropped again once the "
            f"agent runs; raise keep_days of [storage], now {days:g}, before you start it",
            file=sys.stderr,
        )
    return is_old


def _print(reports: list[ImportReport]) -> None:
    print(json.dumps([_as_dict(report) for report in reports]))


def _as_dict(report: ImportReport) -> dict[str, object]:
    return {field.name: getattr(report, field.name) for field in fields(report)}


def _is_in_vain(report: ImportReport) -> bool:
    return not (report.imported or report.duplicates or report.is_known)


def _lines(report: ImportReport) -> list[str]:
    if report.is_known:
        return [f"{report.name}: was imported before; nothing to do"]
    counts = (
        f"{report.imported} imported ({report.bad} bad), {report.duplicates} duplicates, {report.rejected} rejected"
    )
    lines = [f"{report.name}: {counts}"]
    if report.first_ms is not None and report.last_ms is not None:
        lines.append(f"  from {rfc3339(report.first_ms)} to {rfc3339(report.last_ms)}")
    if report.unknown:
        more = f" and {len(report.unknown) - MOST} more" if len(report.unknown) > MOST else ""
        lines.append(f"  left out, not configured: {', '.join(report.unknown[:MOST])}{more}")
    if report.twice:
        lines.append(f"  {report.twice} local times came twice, as clocks were put back; their order told them apart")
    lines += [f"  rejected {count} times: {reason}" for reason, count in report.reasons.most_common()]
    return lines + [f"  {example}" for example in report.examples]

"""`pump-agent export`: readings out of the store into a file, also while the agent runs."""

import sys
from argparse import Namespace
from collections.abc import Sequence

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.configuration.mistakes import did_you_mean
from agent.export.files import ExportError, Form, opened
from agent.export.slices import slices
from agent.export.tables import long_table, wide_table
from agent.store.errors import StorageError
from agent.store.reader import Reader


def run(args: Namespace) -> int:
    """Write what there is of the asked tags and times."""
    path = load(args.config).storage.path
    try:
        with Reader(path) as reader:
            count = _export(reader, args)
    except (StorageError, ExportError) as error:
        print(error, file=sys.stderr)
        return MENDABLE
    print(f"{count} {'lines' if args.wide else 'readings'}", file=sys.stderr)
    return 0


def _export(reader: Reader, args: Namespace) -> int:
    tags = _tags(reader, args.tags)
    first_ms, last_ms = reader.extent
    start_ms = first_ms if args.start is None else max(first_ms, round(args.start.timestamp() * 1_000))
    end_ms = last_ms + 1 if args.end is None else min(last_ms + 1, round(args.end.timestamp() * 1_000))
    table = wide_table(tags, with_filled=args.filled) if args.wide else long_table(with_filled=args.filled)
    count = 0
    with opened(args.output, _form(args), table) as write:
        for entries in slices(reader, tags, start_ms, end_ms, with_filled=args.filled):
            lines = table.lines(entries)
            count += len(lines)
            write(lines)
    return count


def _tags(reader: Reader, asked: Sequence[str] | None) -> list[str]:
    known = list(reader.units)
    if asked is None:
        return known
    for tag in asked:
        if tag not in known:
            remedy = did_you_mean(tag, known) or "; pump-agent check CONFIG counts the tags there are"
            raise ExportError(f'the store has no reading of a tag "{tag}"{remedy}')
    return list(dict.fromkeys(asked))


def _form(args: Namespace) -> Form:
    name = "" if args.output is None else args.output.name
    ending: Form = "parquet" if name.endswith(".parquet") else "csv.gz" if name.endswith(".gz") else "csv"
    form: Form = args.format or ending
    if form == "parquet" and args.output is None:
        raise ExportError("Parquet is written to a file; add --output FILE.parquet")
    return form

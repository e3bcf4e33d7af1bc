"""A tag as the line to paste: into a TOML file, or into a tag file."""

import csv
import io
import json

from drivers.device import TagSettings

_USUAL = ("name", "address", "node", "type", "order", "scale", "unit")  # the order in which a person reads them


def toml_line(tag: TagSettings) -> str:
    """The short form, a line of ``tag = [ ... ]``; what is as by default is left out."""
    return "{ " + ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in _said(tag)) + " },"


def csv_lines(tag: TagSettings) -> tuple[str, str]:
    """Titles and row of a tag file."""
    said = _said(tag)
    cells = [" ".join(f"{one:g}" for one in value) if isinstance(value, list) else value for _, value in said]
    return _row([key for key, _ in said]), _row(cells)


def _said(tag: TagSettings) -> list[tuple[str, object]]:
    kept = json.loads(tag.model_dump_json(exclude_defaults=True)) | {
        key: getattr(tag, key) for key in ("name", "address", "type") if hasattr(tag, key)
    }
    order = {key: place for place, key in enumerate(_USUAL)}
    return sorted(kept.items(), key=lambda item: order.get(item[0], len(order)))


def _row(cells: list[object] | list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(
        str(cell).lower() if isinstance(cell, bool) else cell for cell in cells
    )
    return text.getvalue()

"""A configuration on its way to settings: what the file and its tag files say, and what is wrong so far."""

from pathlib import Path
from typing import Any

from agent.configuration.catalogue_file import SheetFile, read_catalogue
from agent.configuration.explain import shown, subject
from agent.configuration.mistakes import Mistake, Place, SettingsError, did_you_mean
from agent.configuration.toml_text import Path as KeyPath
from agent.configuration.toml_text import TomlText
from agent.tag_lists.tags_file import DEVICE, TagRow, read_tags
from drivers.settings import is_file

Table = dict[str, Any]
Tables = list[tuple[KeyPath, Table]]


class Draft:
    """What a file says, before anybody has judged it: nothing in it need have the right shape.

    Args:
        toml: The file's content, which is completed in place.
        folder: What paths in the file are relative to.
    """

    def __init__(self, toml: TomlText, folder: Path) -> None:
        self.file = toml.file
        self.content: Table = toml.content
        self.mistakes: list[Mistake] = []
        self.notes: list[str] = []  # what a person should know of how it was read
        self._toml = toml
        self._folder = folder

    @property
    def tags(self) -> Tables:
        """Every tag of every device, with the path to it."""
        devices = self.tables("device")
        return [found for path, device in devices for found in _tables(device, "tag", path)]

    def tables(self, kind: str) -> Tables:
        """Every [[table]] of one kind, with the path to it."""
        return _tables(self.content, kind, ())

    def place(self, path: KeyPath) -> Place:
        """Where a value stands, or the table it is missing in."""
        return self._toml.place(path)

    def object_to(self, path: KeyPath, fact: str) -> None:
        """Note a mistake at a value, or at the table it is missing in."""
        sentence = ": ".join(filter(None, [subject(path, self.content), fact]))
        self.mistakes.append(Mistake(self.place(path), sentence))

    def take_in_tag_files(self) -> None:
        """Put every row of every tag file among the tags of its device."""
        by_name = {device["name"]: (path, device) for path, device in self.tables("device") if is_named(device, "name")}
        for path, device in self.tables("device"):
            for row in self._rows((*path, "tags_file")):
                if row.values.get(DEVICE, device.get("name")) == device.get("name"):
                    self._take_in(path, device, row)
                else:
                    self._object_to_row(
                        row, "is another device's; name the file once, above all tables, for every device"
                    )
        for row in self._rows(("tags_file",)):
            name = row.values.get(DEVICE)
            if name in by_name:
                self._take_in(*by_name[name], row)
            elif name is None:
                self._object_to_row(row, "missing; say whose tag this is")
            else:
                remedy = did_you_mean(str(name), by_name) or "; add a [[device]] of this name"
                self._object_to_row(row, f"there is no device {shown(name)}{remedy}")

    def take_in_catalogues(self) -> None:
        """Put the points of every catalogue file into the catalogue that names it."""
        for path, pump in self.tables("pump"):
            catalogue = pump.get("catalogue")
            if not isinstance(catalogue, dict) or not isinstance(catalogue.get("file"), str):
                continue
            place = (*path, "catalogue")
            found = self._sheet(place, catalogue["file"])
            if found is None:
                del pump["catalogue"]  # what nobody could read is not missing
                continue
            for key, value in found.values.items():
                if key in catalogue:
                    self.object_to((*place, key), "is here and in the file too; leave one of the two out")
                catalogue[key] = value
            self._toml.places.update({(*place, *step): where for step, where in found.places.items()})

    def object_to_duplicates(self) -> None:
        """Note each second use of a name where names must tell things apart."""
        for kind, key in (("device", "name"), ("header", "id"), ("pump", "id"), ("limit", "id"), ("alarm", "id")):
            self._object_to_same(kind, key, self.tables(kind))
        self._object_to_same("tag", "name", self.tags)

    def _rows(self, path: KeyPath) -> list[TagRow]:
        name: Any = self.content
        for step in path:
            name = name[step] if isinstance(step, int) else name.get(step)
        if not isinstance(name, str):
            return []  # there is none, or the model will say what is wrong
        file = self._folder / name
        if not is_file(file):
            self.object_to(path, f"there is no file {file}; correct the path")
            return []
        try:
            found = read_tags(file, str(file))
        except SettingsError as error:
            self.mistakes += error.mistakes
            return []
        if found.how:
            self.notes.append(f"{file}: {found.how}")
        return found.rows

    def _sheet(self, place: KeyPath, name: str) -> SheetFile | None:
        file = self._folder / name
        if not is_file(file):
            self.object_to((*place, "file"), f"there is no file {file}; correct the path")
            return None
        try:
            found = read_catalogue(file, str(file))
        except SettingsError as error:
            self.mistakes += error.mistakes
            return None
        if found.how:
            self.notes.append(f"{file}: {found.how}")
        return found

    def _take_in(self, path: KeyPath, device: Table, row: TagRow) -> None:
        tags = device.setdefault("tag", [])
        if isinstance(tags, list):
            place = (*path, "tag", len(tags))
            tags.append({key: cell for key, cell in row.values.items() if key != DEVICE})
            self._toml.places[place] = row.place
            self._toml.places.update({(*place, key): cell for key, cell in row.places.items()})

    def _object_to_row(self, row: TagRow, fact: str) -> None:
        tag = shown(row.values.get("name", ""))
        self.mistakes.append(Mistake(row.places.get(DEVICE, row.place), f"tag {tag}: {DEVICE}: {fact}"))

    def _object_to_same(self, kind: str, key: str, tables: Tables) -> None:
        first: dict[str, KeyPath] = {}
        for path, table in tables:
            if is_named(table, key) and first.setdefault(table[key], path) != path:
                other = self.place((*first[table[key]], key))
                self.object_to((*path, key), f"another {kind} has this name, in {other.file}:{other.line}; rename one")


def is_named(table: Table, key: str) -> bool:
    """Whether a table has a name at all."""
    return isinstance(table.get(key), str)


def names(tables: Tables, key: str) -> frozenset[str]:
    """The names that tables have."""
    return frozenset(table[key] for _, table in tables if is_named(table, key))


def _tables(parent: Table, kind: str, path: KeyPath) -> Tables:
    found = parent.get(kind)
    items = found if isinstance(found, list) else ()
    return [((*path, kind, i), item) for i, item in enumerate(items) if isinstance(item, dict)]

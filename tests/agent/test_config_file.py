"""The configuration file: what it says arrives, and every mistake is named where it stands."""

import re
from collections import defaultdict
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.alarms.settings import Wording
from agent.configuration.config_file import load
from agent.configuration.mistakes import Mistake, SettingsError
from agent.configuration.schema import schema_at
from agent.configuration.toml_text import parse
from tests.agent.reference import CONFIG, TEXT, spoilt


def mistakes(path: Path) -> tuple[Mistake, ...]:
    with pytest.raises(SettingsError) as caught:
        load(path)
    return caught.value.mistakes


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.toml")), ids=lambda path: path.name)
def test_whatever_ships_can_be_loaded(path: Path) -> None:
    """An example that does not work teaches the wrong thing."""
    loaded = load(path)

    assert loaded.devices
    assert loaded.pumps


def test_settings_hold_what_the_file_says() -> None:
    """From the text to the value, through a table, a list, an alias and a tag file."""
    loaded = load(CONFIG / "station.toml")

    tags = {tag.name: tag for device in loaded.devices for tag in device.tags}
    assert loaded.station.name == "hillside"
    assert tags["suction.pressure"].sentinels == (32767,)
    assert tags["p1.energy"].totaliser
    assert tags["p1.speed"].scale == 0.01
    assert loaded.headers[0].pressure == ("header.pressure",)
    assert [pump.drive for pump in loaded.pumps] == ["variable", "variable", "fixed"]


def test_reference_shows_every_key_of_every_table() -> None:
    """A key that the reference does not show does not exist for a technician."""
    toml = parse(re.sub(r"^#(e\.g\. |or )?(?=[a-z0-9_]+ = )", "", TEXT, flags=re.MULTILINE), "station.toml")
    there: dict[tuple[str, ...], set[str]] = defaultdict(set)
    shown: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in toml.places:
        table = tuple(step for step in path[:-1] if isinstance(step, str))
        kind = ("jobs", "each") if table[:1] == ("jobs",) and len(table) > 1 else table
        there[kind].update(schema_at(path[:-1], toml.content).get("properties", {}))
        shown[kind].add(str(path[-1]))

    assert {kind: keys - shown[kind] for kind, keys in there.items() if keys - shown[kind]} == {}
    assert len(there) > 12  # tables, or nothing was looked at


def test_lines_that_show_a_default_change_nothing(tmp_path: Path) -> None:
    """The reference says what holds when a line is left out; a default changed in the code must be changed there."""
    path = tmp_path / "station.toml"
    copytree(CONFIG, tmp_path, dirs_exist_ok=True)

    path.write_text(re.sub(r"^#(?=[a-z0-9_]+ = )", "", TEXT, flags=re.MULTILINE), encoding="utf-8")

    shown = load(path)
    path.write_text(TEXT, encoding="utf-8")
    assert shown == load(path)


def test_an_alarm_shows_all_the_keys_that_it_has_in_common_with_a_limit() -> None:
    """As many as are announced: the key that is left out is the one that somebody needs."""
    (shown,) = re.findall(r"\n(#\w+ = \S+ +# these eleven as above\n(?:#.*\n)*)", TEXT)
    keys = re.findall(r"^#(?:e\.g\. )?(\w+) = ", shown, re.MULTILINE)

    assert set(keys) == Wording.model_fields.keys() - {"id"}
    assert len(keys) == 11


def test_lines_that_show_an_example_can_be_taken_in(tmp_path: Path) -> None:
    """What may be copied must work once the files it names are there."""
    path = tmp_path / "station.toml"
    copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    for name in ("works-password", "mqtt-password", "ca.pem", "hillside.pem", "hillside.key"):
        (tmp_path / name).touch()
    for name in ("works-opcua.der", "works-opcua.pem"):
        (tmp_path / name).touch()
    (tmp_path / "works-trust").mkdir()
    (tmp_path / "all-tags.csv").write_text(
        "device,name,address\nplc,p1.flow,holding:7\nplc,p1.voltage,holding:8\nplc,p1.cos_phi,holding:9\n"
        "plc,p1.kva,holding:10\n"
    )

    path.write_text(TEXT.replace("\n#e.g. ", "\n"), encoding="utf-8")

    loaded = load(path)
    assert loaded.mqtt.root == "water/hillside"
    assert loaded.mqtt.key_file == tmp_path / "hillside.key"
    assert loaded.pumps[0].flow == "p1.flow"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A service starts in another directory than the technician who checked the file."""
    path, _ = spoilt(tmp_path / "etc", 'path = "../var/hillside.db"', 'path = "readings.db"')

    loaded = load(path)

    assert loaded.storage.path == tmp_path / "etc" / "readings.db"


def test_path_that_is_left_out_is_relative_to_the_file_too(tmp_path: Path) -> None:
    """A default has to lie where the same text written out would."""
    path = tmp_path / "small.toml"
    path.write_text('device = []\n[station]\nname = "small"\n')

    loaded = load(path)

    assert loaded.storage.path == tmp_path / "pump-agent.db"


def test_job_keeps_its_own_period_when_only_its_budget_is_given(tmp_path: Path) -> None:
    """Curves run every five minutes; saying that they may take long must not change how often."""
    path, _ = spoilt(tmp_path, "0: the bare affinity laws\n#budget = 60.0", "0: the bare affinity laws\nbudget = 90.0")

    loaded = load(path)

    assert (loaded.jobs.curves.period, loaded.jobs.curves.budget) == (300, 90)
    assert loaded.jobs.gaps.period == 60


PLANTED = [
    # a name that is not ours
    ('host = "192.0.2.10" ', 'hots = "192.0.2.10" ', 'device "plc": hots: no such key; did you mean "host"?'),
    (
        'address = "holding:100"  ',
        'adress = "holding:100"  ',
        'device "plc", tag "header.pressure": adress: no such key; did you mean "address"?',
    ),
    ("[advice]", "[advise]", 'advise: no such table; did you mean "advice"?'),
    ("[jobs.gaps]", "[jobs.gasp]", 'jobs: gasp: no such table; did you mean "gaps"?'),
    ("timeout = 2.0", "keepalive = 2", 'device "meter": keepalive: no such key here; move it to [mqtt]'),
    ("area = 310.0", "hello = 1\narea = 310.0", "tank: hello: no such key; remove it, or write one of level, area"),
    # a value of the wrong kind
    ("unit_id = 5", 'unit_id = "5"', 'device "meter": unit_id: must be a whole number, not "5"; leave the quotes out'),
    ("scale = 0.001", 'scale = "0,001"', 'tag "suction.pressure": scale: must be a number, not "0,001"; write a deci'),
    ('address = "coil:3"', "address = 40003", "must be text in quotes, not 40003"),
    ("area = 310.0", "area = true", "tank: area: must be a number, not true"),
    ("valid_max = 16.0", "valid_max = nan", "valid_max: must be a finite number, not NaN"),
    ("bit = 1", "bit = 1.5", 'tag "p2.running": bit: must be a whole number, not 1.5'),
    ('flow = ["header.flow"] ', 'flow = "header.flow" ', 'header "main": flow: must be a list; write ["header.flow"]'),
    ('start = "07:00"', "start = 07:00:00", 'start: must be a time of day from "00:00" to "24:00" in quotes'),
    ("[tank]", "[[tank]]", "tank: there is only one of these; write [tank] in single brackets"),
    ("[[header]]", "[header]", "header: there may be several of these; write [[header]] in double brackets"),
    (
        "totaliser = true }",
        'totaliser = "yes" }',
        'tag "header.volume": totaliser: must be true or false without quotes',
    ),
    # a value out of its range
    ("unit_id = 5", "unit_id = 300", "unit_id: must be 255 or less, not 300"),
    ("area = 310.0", "area = 0", "tank: area: must be above 0, not 0"),
    ("period = 60.0\n\n[[device]]", "period = -1\n\n[[device]]", 'tag "plc.program": period: must be above 0, not -1'),
    ("#block_limit = 125", "block_limit = 200", "block_limit: must be 125 or less, not 200"),
    ('type = "float32" ', 'type = "flaot32" ', 'type: there is no "flaot32"; did you mean "float32"?'),
    ('order = "CDAB" ', 'order = "swapped" ', 'order: must be "ABCD", "CDAB", "BADC" or "DCBA", not "swapped"'),
    ("#base = 0", "base = 2", "base: must be 0 or 1, not 2"),
    (
        'protocol = "opcua"',
        'protocol = "opc-ua"',
        'must be "modbus-rtu", "modbus-rtu-over-tcp", "modbus-tcp" or "opcua", not "opc-ua"; did you mean "opcua"?',
    ),
    ('days = ["mon", "tue", "wed", "thu", "fri"]', 'days = ["mon", "tues"]', 'days, value 2: must be "mon"'),
    ('name = "hillside" ', 'name = "hill side" ', "cannot be part of a topic: letters, digits"),
    ('pressure = ["header.pressure"]', "pressure = []", "pressure: needs 1 or more values"),
    ("#por = [0.7, 1.2]", "por = [0.7]", 'pump "p1": por, value 2: missing; write all, for example [0.7, 1.2]'),
    # a value that does not go with another
    ("valid_min = 0.0 ", "valid_min = 20.0 ", "valid_min: not below valid_max (16); swap or correct them"),
    ("speed_min = 0.7                         #", "speed_min = 1.1 #", "speed_min: above speed_max (1); swap"),
    ("#por = [0.7, 1.2]", "por = [1.2, 0.7]", "por: must rise"),
    ("#por = [0.7, 1.2]", "por = [70, 120]", "por: must rise, in shares of best efficiency flow"),
    ('flow = ["header.flow"] ', 'flow = ["header.flow", "header.flow"] ', "flow: names a tag twice"),
    ("rated_speed = 50.0 ", "rated_speed = 1480.0 ", 'rated_speed: is 1480, but tag "p1.speed" is in Hz; write the'),
    ("#expiry = 15.0", "expiry = 1.0", "advice: expiry: ends before the next advice is due; make it 2 min or more"),
    ('id = "pressure-low"', 'id = "bad.pressure"', 'alarms that begin with "bad." are the agent\'s own'),
    ('id = "pressure-low"', 'id = "frozen.pressure"', 'alarms that begin with "frozen." are the agent\'s own'),
    ('ids = ["condition.dry_run.*"]', 'ids = ["*"]', 'ids, value 1: no alarm of the agent\'s own begins like "*"'),
    ("level_min = 1.2 ", "level_min = 5.2 ", "tank: level_min: not below level_max (4.5)"),
    ("pressure_min = 3.5 ", "pressure_min = 6 ", 'header "main": pressure_min: not below pressure_max (5.2)'),
    ('end = "21:00"', 'end = "06:00"', 'write two bands, "07:00" to "24:00" and "00:00" to "06:00"'),
    ("low = 3.2 ", "low = 9.9 ", 'limit "pressure-low": low: not below high (5.8)'),
    ("bit = 0 ", 'bit = 0\norder = "ABCD"\nlength = 2 #', 'only a "string" has a length, a "bool" has its own'),
    ("length = 8 ", "bit = 8 ", 'bit: a bit is a "bool", not a "string"; write type = "bool" or leave bit out'),
    ('#e.g. password_file = "mqtt-password" ', 'password_file = "station.toml"', "a password needs a user; add user"),
    ('#e.g. cert_file = "hillside.pem" ', 'cert_file = "station.toml"', "a certificate and its key go together"),
    # a thing that is not there
    (
        'header = "main"\nspeed = "p2.speed"',
        'header = "mian"\nspeed = "p2.speed"',
        'there is no header "mian"; did you mean "main"?',
    ),
    ("#available = true", 'available = "p1.in_servise"', 'pump "p1": available: there is no tag "p1.in_servise"'),
    ("#available = true", 'available = "false"', 'pump "p1": available: true and false stand without quotes'),
    ("#available = true", "available = 1", 'pump "p1": available: must be true, false, or a tag\'s name'),
    (
        'speed = "p1.speed" ',
        'speed = "p1.sped" ',
        'pump "p1": speed: there is no tag "p1.sped"; did you mean "p1.speed"?',
    ),
    (
        'pump = "p3"  ',
        'pump = "p33"  ',
        'alarm "p3-fault": pump: there is no pump "p33"; did you mean "p3"?',
    ),
    ('tag = "header.pressure"', 'tag = "boiler"', 'there is no tag "boiler"; add the tag or correct the name'),
    (
        'level = "tank.level"\n',
        'level = "tank.levle"\n',
        'tank: level: there is no tag "tank.levle"; did you mean "tank.level"',
    ),
    (
        'time_zone = "Europe/Berlin"',
        'time_zone = "Europe/Berln"',
        'there is no time zone "Europe/Berln"; did you mean "Europe/Be',
    ),
    ('time_zone = "Europe/Berlin"', 'time_zone = "../etc"', 'there is no time zone "../etc"'),
    ('tags_file = "station-meter-tags.csv"', 'tags_file = "meters.csv"', "meters.csv; correct the path"),
    ('#e.g. ca_file = "ca.pem"  ', f'ca_file = "{"x" * 5000}"', "there is no file"),
    ('#e.g. ca_file = "ca.pem"  ', 'ca_file = "cert.pem"  ', "cert.pem; correct the path"),
    # an address that is none
    ('address = "coil:3"', 'address = "coil 3"', '"coil 3" is no address; write it like "holding:100"'),
    ('address = "holding:200"', 'address = "200"', '"200" names no table; write "holding:200"'),
    (
        '"coil:3"\ntype = "bool"',
        '"coil:3"\ntype = "int8"',
        'a coil holds one bit; write type = "bool" or another table',
    ),
    ('node = "ns=2;i=1042"', 'node = "tank.level"', '"tank.level" is no node id; write it like "ns=2;s=inlet.flow"'),
    (
        'url = "opc.tcp://192.0.2.20:4840/works"',
        'url = "192.0.2.20"',
        '"192.0.2.20" is no address; write it like "opc.tcp',
    ),
    ('#e.g. root = "water/hillside"  ', 'root = "/water/#" #', '"/water/#" is no topic to publish under'),
    # what would be taken in and do harm
    ("scale = 0.001", "scale = 0", 'tag "suction.pressure": scale: is 0, which makes every reading the same'),
    ("price = 0.16 ", "price = -0.16 ", "tariff: price: must be 0 or more, not -0.16"),
    ("price = 0.27", "price = -0.27", "price: must be 0 or more, not -0.27"),
    ("high = 5.8 ", "high = 16.0 ", 'is 16, but tag "header.pressure" is bad beyond its valid_max of 16'),
    ("low = 3.2 ", "low = -1.0 ", 'is -1, but tag "header.pressure" is bad beyond its valid_min of 0'),
    ("price = 0.16 ", "price = 0.0 ", "no band sets a price from mon 00:00; add price, or a band for those hours"),
    ('id = "p1"\n', 'id = "p1"\nrunning_power = [8.0, 4.0]\n', "must rise: it stands up to the first"),
    # a name that is there twice
    ('name = "p3.running"', 'name = "p1.running"', 'tag "p1.running": name: another tag has this name'),
    ('name = "works"', 'name = "plc"', 'device "plc": name: another device has this name'),
    ('id = "p2"', 'id = "p1"', 'pump "p1": id: another pump has this name'),
    # not TOML at all
    ('name = "p3.running"', 'name = "p3.running', "a text in quotes does not end; add the closing quote"),
    ("area = 310.0", "area = 310,0", "a number has a point and no comma"),
    ("area = 310.0", "area = ", "the value is missing or is none"),
    ("area = 310.0", "area 310.0", "a key needs = and a value behind it"),
    ("area = 310.0", "level = 310.0", "the key is there already; keep one of the two"),
    ("[advice]", "[tariff]", "this table is there already; keep one of the two"),
    ("[advice]", "[advice", "the opening bracket of a table needs its closing one"),
    ('path = "../var/hillside.db"', 'path = "..\\var\\hillside.db"', 'a backslash in "double quotes" begins an escape'),
]


@pytest.mark.parametrize(("right", "wrong", "sentence"), PLANTED, ids=lambda text: text[:40])
def test_planted_mistake_is_named_on_its_line(tmp_path: Path, right: str, wrong: str, sentence: str) -> None:
    """A technician goes to the line, reads what is wrong, and knows what to write."""
    path, line = spoilt(tmp_path, right, wrong)

    found = mistakes(path)

    assert [one for one in found if sentence in str(one)], "\n".join(map(str, found))
    place = next(one.place for one in found if sentence in str(one))
    lines = range(line, line + wrong.count("\n") + 1)
    assert place.file == str(path)
    assert place.line in lines


def test_tank_without_a_header_is_named_at_its_table(tmp_path: Path) -> None:
    """What is drawn follows from what is pumped; without a meter of it there is no forecast, on any run."""
    path = tmp_path / "tank.toml"
    path.write_text(
        '[station]\nname = "t"\n\n[mqtt]\nhost = "192.0.2.1"\n\n[[device]]\nname = "plc"\n'
        'protocol = "modbus-tcp"\nhost = "192.0.2.10"\ntag = [{name = "level", address = "holding:1", unit = "m"}]\n\n'
        '[tank]\nlevel = "level"\narea = 10.0\nlevel_min = 1.0\nlevel_max = 4.0\n',
        encoding="utf-8",
    )

    [mistake] = mistakes(path)

    assert "tank: no header's meters say what the pumps move; add a [[header]]" in str(mistake)
    assert mistake.place.line == 13


def test_missing_key_is_named_at_its_own_table(tmp_path: Path) -> None:
    """The third device is not the first: the line is that of its own [[device]]."""
    path, line = spoilt(tmp_path, 'url = "opc.tcp://192.0.2.20:4840/works"\n', "")

    [mistake] = mistakes(path)

    assert mistake.sentence.startswith('device "works": url: missing; add it, for example url = "opc.tcp://')
    assert mistake.place.line == line - 3


def test_missing_key_of_a_short_tag_is_named_on_its_line(tmp_path: Path) -> None:
    """Where tags stand one a line, a mistake is not on the line the list begins on."""
    path, line = spoilt(tmp_path, 'node = "ns=2;s=header.volume", ', "")

    [mistake] = mistakes(path)

    assert 'tag "header.volume": node: missing' in mistake.sentence
    assert mistake.place.line == line


def test_misspelt_key_is_one_mistake_and_not_two(tmp_path: Path) -> None:
    """Whoever wrote "adress" has not forgotten the address."""
    path, line = spoilt(tmp_path, 'address = "holding:200"', 'adress = "holding:200"')

    found = mistakes(path)

    sentence = 'device "plc", tag "plc.program": adress: no such key; did you mean "address"?'
    assert [str(mistake) for mistake in found] == [f"{path}:{line}: {sentence}"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """A technician with six mistakes should not need six attempts; they come in the order of the file."""
    path, _ = spoilt(tmp_path, 'time_zone = "Europe/Berlin"', 'timezone = "Europe/Berlin"')
    text = path.read_text()
    for right, wrong in [("bit = 1", "bit = 16"), ('speed = "p2.speed"', 'speed = "p2"'), ("#port = 1883", "port = 0")]:
        text = text.replace(right, wrong)
    path.write_text(text)
    tags = tmp_path / "station-meter-tags.csv"
    tags.write_text(tags.read_text().replace("uint32", "unit32"))

    found = mistakes(path)

    keys = [re.findall(r"(\w+): ", mistake.sentence)[-1] for mistake in found]
    assert keys == ["timezone", "bit", "speed", "port", "type", "type"]


def test_unknown_protocol_does_not_hide_the_rest_of_its_device(tmp_path: Path) -> None:
    """Which keys a device may have depends on its protocol; the others are judged all the same."""
    right, wrong = 'protocol = "modbus-tcp"\nhost = "192.0.2.11"', 'protocol = "modbus"\nhots = "192.0.2.11"'
    path, _ = spoilt(tmp_path, right, wrong)

    found = mistakes(path)

    assert [mistake.sentence for mistake in found] == [
        (
            'device "meter": protocol: must be "modbus-rtu", "modbus-rtu-over-tcp", "modbus-tcp" or "opcua", '
            'not "modbus"; did you mean "modbus-tcp"?'
        ),
        'device "meter": hots: no such key; did you mean "host"?',
    ]


def test_tags_nobody_could_read_are_not_missing(tmp_path: Path) -> None:
    """One wrong file name is one mistake, not one more for each pump that uses its tags."""
    path, _ = spoilt(tmp_path, 'tags_file = "station-meter-tags.csv"', 'tags_file = "meter.csv"')

    found = mistakes(path)

    assert len(found) == 1


def test_windows_line_ends_and_byte_order_mark_are_welcome(tmp_path: Path) -> None:
    """Notepad writes both, and the lines must still be counted as the technician sees them."""
    path, line = spoilt(tmp_path, "area = 310.0", "area = 0")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    [mistake] = mistakes(path)

    assert mistake.place.line == line


def test_line_that_looks_like_a_table_within_a_value_is_none(tmp_path: Path) -> None:
    """The parser keeps no place of a [[table]]; what we find ourselves must not be fooled."""
    path = tmp_path / "station.toml"
    path.write_text('\n[[limit]]\nid = "a"\nmessage = """\n[[limit]]\n"""\n[[limit]]\nid = "b"\n')

    lines = [mistake.place.line for mistake in mistakes(path) if "tag: missing" in mistake.sentence]

    assert lines == [2, 7]


@pytest.mark.parametrize(
    ("data", "line", "sentence"),
    [
        (b'[station]\nname = "M\xfcnchen"\n', 2, "a character is not in UTF-8; save the file as UTF-8"),
        (b"a = " + b"[" * 5000, None, "nested too deeply"),
        (b"a = " + b"9" * 5000, None, "nested too deeply, or a number of thousands of digits"),
        (b"", None, "station: missing; add a [station] table"),
        (b"\x00", 1, "cannot begin like this"),
    ],
    ids=["cp1252", "brackets", "digits", "empty", "nul"],
)
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, data: bytes, line: int | None, sentence: str) -> None:
    """Whatever the file holds, a person gets a sentence and never a traceback."""
    path = tmp_path / "station.toml"
    path.write_bytes(data)

    found = mistakes(path)

    assert [one.place.line for one in found if sentence in one.sentence] == [line]


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The most common mistake of all."""
    [mistake] = mistakes(tmp_path / "nowhere.toml")

    assert str(mistake) == f"{tmp_path}/nowhere.toml: cannot be read: No such file or directory; correct the path"


PIECES = [
    "",
    "[",
    "]",
    "[[device]]\n",
    "{",
    "}",
    '"',
    "'",
    "=",
    "\n",
    "#",
    "nan",
    "-1",
    "true",
    "1e400",
    '"x"',
    "[tank]\n",
]
CUT = st.tuples(st.integers(0, len(TEXT)), st.integers(0, 60), st.sampled_from(PIECES) | st.text(max_size=8))


@settings(max_examples=60)
@given(cuts=st.lists(CUT, min_size=1, max_size=4))
@example(cuts=[(TEXT.index("[[device]]"), 10, "[device]")])
@example(cuts=[(TEXT.index("tag = ["), 7, "tag = [[")])
def test_spoilt_file_is_taken_or_refused_with_sentences(cuts: list[tuple[int, int, str]]) -> None:
    """A typing error anywhere: the file is right, or a person is told; nothing else ever happens.

    Takes seconds, as each example is a whole file.
    """
    text = TEXT
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    with TemporaryDirectory() as folder:
        copytree(CONFIG, folder, dirs_exist_ok=True)
        path = Path(folder) / "station.toml"
        path.write_text(text, encoding="utf-8", newline="")

        try:
            load(path)
        except SettingsError as error:
            refused = error.mistakes
        else:
            refused = ()

    assert all(mistake.sentence for mistake in refused)


VALUES = [
    "1",
    "-1",
    "99999999999999999999",
    "1e400",
    "nan",
    "true",
    '""',
    '"x"',
    "2024-01-01",
    "[]",
    "[1, 2]",
    "[{}]",
    "{}",
    "{ a = 1 }",
]
KEYS = [
    "device",
    "tag",
    "name",
    "id",
    "flow",
    "header",
    "pump",
    "tank",
    "tags_file",
    "protocol",
    "period",
    "band",
    "station",
]
CHANGE = st.tuples(
    st.integers(0, TEXT.count("\n")), st.sampled_from(KEYS) | st.none(), st.sampled_from(VALUES) | st.none()
)


@settings(max_examples=60)
@given(changes=st.lists(CHANGE, min_size=1, max_size=4))
def test_any_value_under_any_key_is_taken_or_refused_with_sentences(
    changes: list[tuple[int, str | None, str | None]],
) -> None:
    """The text stays TOML, so that what judges values meets every kind of them in every place.

    Takes seconds, as each example is a whole file.
    """
    lines = TEXT.split("\n")
    for number, key, value in changes:
        old_key, equals, old_value = lines[number].partition(" = ")
        lines[number] = f"{key or old_key}{equals}{value or old_value}"
    with TemporaryDirectory() as folder:
        copytree(CONFIG, folder, dirs_exist_ok=True)
        path = Path(folder) / "station.toml"
        path.write_text("\n".join(lines), encoding="utf-8")

        try:
            load(path)
        except SettingsError as error:
            refused = error.mistakes
        else:
            refused = ()

    assert all(mistake.sentence and mistake.sentence[0] != ":" for mistake in refused)

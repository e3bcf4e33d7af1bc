"""`pump-agent probe`: what the registers around an address may mean, the likeliest first, with the line to paste."""

import asyncio
import json
import logging
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.commissioning.probe_target import Target, target
from agent.commissioning.probing import Probe, probe
from agent.commissioning.typical import typical_range
from agent.tag_lists.tag_text import csv_lines, toml_line
from drivers.guesses import Guess, grouped, guesses, shares
from drivers.plausibility import Expectation
from drivers.reading import DriverError, Value
from drivers.settings import ModbusTagSettings, WordOrder

FAILED = 1
MOST = 8  # lines of the ranking; the right one is among the first three of nearly all
DIGITS = 7  # of a value; a float32 has no more
SHORT = 1e7  # from here to LONG, counters, of which every digit counts
LONG = 1e12
ORDERS: tuple[WordOrder, ...] = ("ABCD", "CDAB", "BADC", "DCBA")


@dataclass(frozen=True, slots=True)
class Findings:
    """All there is to say."""

    target: Target
    tag: ModbusTagSettings
    probe: Probe
    expectation: Expectation
    why: str  # where the expectation comes from
    found: list[Guess]


def run(args: Namespace) -> int:
    """Read, rank, print; status 1 where the device answered nothing."""
    logging.getLogger("drivers").setLevel(logging.CRITICAL)  # what it would warn of is said here
    place = target(args.device, args.address)
    tag = place.tag if args.unit is None else place.tag.model_copy(update={"unit": args.unit})
    expectation, why = _expectation(args, tag)
    try:
        seen = asyncio.run(probe(place.device, place.asked, times=args.reads, pause=args.every))
    except DriverError as error:
        return _tell_trouble(f"{error}; look at its power, cable, address and unit id", as_json=args.json)
    if not any(seen.reads):
        return _tell_trouble(_refusal(place, seen), as_json=args.json)
    bare = tag.model_copy(update={"sentinels": ()})
    found = (
        [] if place.asked.holds_bits else guesses(bare, place.asked, seen.steady, expectation, base=place.device.base)
    )
    findings = Findings(place, tag, seen, expectation, why, found)
    print(json.dumps(_as_dict(findings), ensure_ascii=False) if args.json else "\n".join(_lines(findings)))
    return 0


def _expectation(args: Namespace, tag: ModbusTagSettings) -> tuple[Expectation, str]:
    if args.expect is not None:
        return Expectation.near(args.expect), "as you expect"
    if args.between is not None:
        low, high = sorted(args.between)
        return Expectation(low, high), "as you said"
    if tag.valid_min is not None or tag.valid_max is not None:
        return Expectation(tag.valid_min, tag.valid_max), "the tag's valid range"
    if typical := typical_range(tag.unit) if tag.unit else None:
        return Expectation(*typical), f"usual for {tag.unit}; --expect or --between say more"
    return Expectation(), "nothing; --expect, --between or --unit would help"


def _tell_trouble(sentence: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"ok": False, "trouble": sentence}))
    print(sentence, file=sys.stderr)
    return FAILED


def _refusal(place: Target, seen: Probe) -> str:
    reason = next(iter(seen.refused.values()), "no answer")
    other = {"holding": "input", "input": "holding", "coil": "discrete", "discrete": "coil"}[place.asked.table]
    return f"{place}: {reason}, as is everything beside it; try {other}:{place.asked.number + place.device.base}"


def _as_dict(findings: Findings) -> dict[str, object]:
    tag = _best(findings)
    return {
        "ok": True,
        "target": str(findings.target),
        "expected": {"low": findings.expectation.low, "high": findings.expectation.high, "why": findings.why},
        "reads": findings.probe.reads,
        "refused": findings.probe.refused,
        "guesses": [
            {
                **guess.tag.model_dump(
                    mode="json", include={"address", "type", "order", "scale", "sentinels", "length"}
                ),
                "values": guess.values,
                "share": round(share, 4),
                "bits": round(guess.bits, 1),
                "remark": guess.remark,
                "as_expected": guess.is_as_expected,
            }
            for guess, share in zip(findings.found, shares(findings.found), strict=True)
        ],
        "toml": toml_line(tag),
        "csv": csv_lines(tag),
    }


def _best(findings: Findings) -> ModbusTagSettings:
    if findings.found:
        return findings.found[0].tag
    return findings.tag.model_copy(update={"address": findings.target.address, "type": "bool"})


def _lines(findings: Findings) -> Iterator[str]:
    reads = findings.probe.reads
    yield f"{findings.target}, read {len(reads)} times"
    yield from _registers(findings)
    if findings.found:
        yield from _side_by_side(findings)
        yield from _ranking(findings)
    titles, row = csv_lines(_best(findings))
    yield from ("", "to paste into tag = [...]:", f"  {toml_line(_best(findings))}")
    yield from ("or into a tag file:", f"  {titles}", f"  {row}")


def _registers(findings: Findings) -> Iterator[str]:
    asked, base = findings.target.asked, findings.target.device.base
    places = sorted(set().union(*findings.probe.reads, findings.probe.refused))
    for number in places:
        mark = ">" if number == asked.number else " "
        name = f"{mark} {asked.table}:{number + base}"
        words = [words[number] for words in findings.probe.reads if number in words]
        if not words:
            yield f"{name:16} {findings.probe.refused.get(number, 'no answer')}"
        elif asked.holds_bits:
            yield f"{name:16} {' '.join(map(str, words))}"
        else:
            yield f"{name:16} {' '.join(f'{word:04X}' for word in words)}  bits set: {_bits(words[-1])}"


def _bits(word: int) -> str:
    return " ".join(str(bit) for bit in range(16) if word >> bit & 1) or "none"


def _side_by_side(findings: Findings) -> Iterator[str]:
    """Raw values of the last read, every type and order at each address."""
    base = findings.target.device.base
    for shift in (-1, 0, 1):
        here = [guess for guess in findings.found if guess.shift == shift]
        if not here:
            continue
        address = f"{findings.target.asked.table}:{findings.target.asked.number + shift + base}"
        yield ""
        yield f"{address:12}" + "".join(f"{order:>16}" for order in ORDERS)
        cells = {(guess.tag.type, guess.tag.order): _raw(guess) for guess in here}
        for kind in sorted({guess.tag.type for guess in here}, key=lambda one: (len(one), one)):
            yield f"  {kind:10}" + "".join(f"{cells.get((kind, order), ''):>16}" for order in ORDERS)


def _raw(guess: Guess) -> str:
    value = guess.values[-1]
    if isinstance(value, str):
        return repr(value[:13])
    if value is None:
        return "-"
    return _shown((value - guess.tag.offset) / guess.tag.scale)


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return repr(value)
    if value is None:
        return "-"
    return f"{value:.{DIGITS if abs(value) < SHORT or abs(value) >= LONG else DIGITS + 5}g}"


def _ranking(findings: Findings) -> Iterator[str]:
    expectation = findings.expectation
    low, high = (("" if bound is None else f"{bound:g}") for bound in (expectation.low, expectation.high))
    yield ""
    yield (
        f"expected: {low} to {high} {findings.tag.unit} ({findings.why})"
        if low or high
        else f"expected: {findings.why}"
    )
    share = dict(zip(map(id, findings.found), shares(findings.found), strict=True))
    yield "likely  address           type     order  scale  values"
    for group in grouped(findings.found)[:MOST]:
        guess = group[0]
        total = sum(share[id(one)] for one in group)
        also = f"  (or {', '.join(one.tag.type for one in group[1:])})" if len(group) > 1 else ""
        yield (
            f"{total:5.0%}   {guess.tag.address:16}  {guess.tag.type:8} {guess.tag.order:6} {guess.tag.scale:5g}"
            f"  {_values(guess.values)}{_remark(guess, findings)}{also}"
        )


def _values(values: Sequence[Value]) -> str:
    shown = list(map(_shown, values))
    return shown[0] if len(set(shown)) == 1 else " ".join(shown)


def _remark(guess: Guess, findings: Findings) -> str:
    where = {0: "", -1: "one register before", 1: "one register after"}[guess.shift]
    is_outside = isinstance(guess.values[0], int | float) and not guess.is_as_expected and not guess.remark
    remarks = [where, guess.remark, f"not as expected {findings.tag.unit}".strip() if is_outside else ""]
    said = "; ".join(filter(None, remarks))
    return f"  {said}" if said else ""

"""python -m benchmarks.verdicts: how often the verdict is right, where the mask is and where it is not.

    python -m benchmarks.verdicts                              # 100 pages of each kind without, 45 with
    python -m benchmarks.verdicts --only jpeg --with 200       # one change alone
    python -m benchmarks.verdicts --pages DIR --whole 4        # crops of whole pictures, four of each
    python -m benchmarks.verdicts --only without --set angles=all    # all turns tried, too
    python -m benchmarks.verdicts --dump cases.jsonl           # every case's best three places, for fitting

Pages are drawn from a seed: crowds, screenshots, textures, flat grounds, and pieces of your own pictures
where ``--pages`` names a folder of them. Without the mask a find is false. With it, a case is right where
the best find's centre lies within 2 pixels or 5 % of the mask (the larger) of the thing's, its angle within
5 degrees, mirrored where the thing is, or where the page shows the very same again. Where a thing is there
several times, all must be found and nothing else. Errors of place, angle and scale are those of right finds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

import argparse
import ast
import dataclasses
import functools
import json
import math
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import cases, pasted
from benchmarks.cases import SIZES, WITHOUT, Case, Task, Thing
from waldo_cli import WaldoError, detect, load_stack

MOST_CHANCE = 0.01  # of a find of detect at its default settings
MOST_TURNED_WRONG = 5.0  # degrees between a right find and the thing


class Change(NamedTuple):
    """What makes the cases of a change, on which kinds of pages, and what `detect` is asked for."""

    make: Callable[[Task], Case]
    screens_only: bool = False
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed


CHANGES = {
    **dict.fromkeys(cases.PAGE_CHANGES, Change(cases.changed)),
    "hidpi": Change(cases.hidpi, screens_only=True),
    "on-light": Change(pasted.on_light, screens_only=True),
    "on-dark": Change(pasted.on_dark, screens_only=True),
    "alpha": Change(pasted.through_alpha),
    "mirrored": Change(pasted.mirrored, settings={"mirror": True}),
    "turned": Change(pasted.turned, settings={"angles": "all"}),
    "several": Change(pasted.several, settings={"angles": "all", "top": "all"}),
}
WHOLE = {"whole": Change(cases.whole), "whole-resized": Change(cases.whole_resized)}


# Verdicts.


class Find(NamedTuple):
    """A detection, as far as it is judged."""

    x: float
    y: float
    scale: float
    angle: float
    mirrored: bool


def is_at(thing: Thing, find: Find) -> bool:
    """Whether a find is this thing, in place and turn."""
    dx, dy = find.x - thing.centre[0], find.y - thing.centre[1]
    return (
        math.hypot(dx, dy) <= max(2.0, 0.05 * max(thing.width, thing.height))
        and abs(turn_between(find.angle, thing.angle)) <= MOST_TURNED_WRONG
        and find.mirrored == thing.mirrored
    )


def turn_between(angle: float, other: float) -> float:
    """The difference of two angles, from -180 to 180 degrees."""
    return (angle - other + 180) % 360 - 180


def is_right(case: Case, find: Find) -> bool:
    """Whether a find is a thing of the page, or shows exactly what the thing's place shows."""
    if any(is_at(thing, find) for thing in case.things):
        return True
    if not case.things or find.mirrored or abs(turn_between(find.angle, 0)) > MOST_TURNED_WRONG:
        return False
    thing = case.things[0]
    near = max(2.0, 0.05 * max(thing.width, thing.height))
    if any(math.hypot(find.x - i, find.y - j) <= near for i, j in case.twins):
        return True
    if thing.angle or thing.mirrored:
        return False
    return _is_shown_again(case, find.x - thing.centre[0], find.y - thing.centre[1])


def _is_shown_again(case: Case, dx: float, dy: float) -> bool:
    """Whether the page shows the very same so far from the thing, such as an icon in every row.

    Compared at the mask's own scale, before any change.
    """
    thing, source = case.things[0], case.source
    fx, fy = thing.width / case.mask.shape[1], thing.height / case.mask.shape[0]
    left, top = round(thing.left / fx), round(thing.top / fy)
    x0, y0 = max(0, left), max(0, top)  # what the page's edge leaves of it
    here = source[y0 : top + case.mask.shape[0], x0 : left + case.mask.shape[1]].astype(np.int16)
    for j in (-1, 0, 1):
        for i in (-1, 0, 1):
            y1, x1 = y0 + round(dy / fy) + j, x0 + round(dx / fx) + i
            there = source[max(0, y1) : y1 + here.shape[0], max(0, x1) : x1 + here.shape[1]]
            if there.shape == here.shape and np.abs(there - here).mean() < 3:
                return True
    return False


def made(task: Task) -> Case:
    """The case of a task."""
    if not task.planted:
        return cases.without(task)
    return (CHANGES | WHOLE)[task.change].make(task)


def judged(
    task: Task, settings: dict[str, Any], dump: bool, threshold: float | None
) -> dict[str, Any]:
    """Look for a case's mask; what came out, as one line of the dump."""
    case = made(task)
    line: dict[str, Any] = {
        "name": task.name,
        "change": task.change,
        "page_kind": task.page_kind,
        "mask_kind": case.mask_kind,
        "size": task.size,
        "number": task.number,
        "mask": case.mask.shape[:2],
        "page": case.page.shape[:2],
        "contrast": round(float(case.mask[..., :3].std((0, 1)).mean()), 2),
        "cells": round(cases.cells(case.mask), 2),
        "things": case.things,
    }
    image, mask = case.page.astype(np.float32) / 255, case.mask.astype(np.float32) / 255
    dump = dump and len(case.things) <= 1  # of several things, what detect reports
    call: dict[str, Any] = {"top": 3, "threshold": -1.0} if dump else {}
    if task.planted:
        call |= (CHANGES | WHOLE)[task.change].settings
    begin = time.process_time()
    try:
        result = detect(image, masks=[mask], **{**call, **settings})
    except WaldoError as error:
        return {**line, "answer": "refused", "error": str(error)}
    line["seconds"] = round(time.process_time() - begin, 3)
    finds = [
        Find(d.x, d.y, d.scale, getattr(d, "angle", 0.0), getattr(d, "mirrored", False))
        for d in result.detections
    ]
    right = [is_right(case, find) for find in finds]
    line["finds"] = [
        {**dataclasses.asdict(d), "right": r} for d, r in zip(result.detections, right, strict=True)
    ]
    if dump:
        count = sum(_is_find(d, threshold) for d in result.detections)
        finds, right = finds[:count], right[:count]
    line["answer"] = _answer(case, finds, right)
    line["errors"] = _errors(case, finds) if line["answer"] == "right" else []
    return line


def _is_find(detection: Any, threshold: float | None) -> bool:
    """Whether `detect` would report it at a threshold of the score; where None, at its default settings."""
    if threshold is None:
        chance = getattr(detection, "chance", None)
        if chance is not None:
            return bool(chance <= MOST_CHANCE)
        threshold = load_stack("pixels").threshold or 0.0
    return bool(detection.score >= threshold)


def _answer(case: Case, finds: list[Find], right: list[bool]) -> str:
    if not finds:
        return "nothing"
    if not case.things:
        return "find"
    if len(case.things) == 1:
        return "right" if right[0] else "wrong place"
    if not all(right):
        return "wrong place"
    missed = [t for t in case.things if not any(is_at(t, find) for find in finds)]
    return "some missed" if missed else "right"


def _errors(case: Case, finds: list[Find]) -> list[tuple[float, float, float]]:
    """Of each thing found: pixels between the centres, degrees, and the scale's share too much or little."""
    errors = []
    for thing in case.things:
        for find in finds:
            if is_at(thing, find):
                place = math.hypot(find.x - thing.centre[0], find.y - thing.centre[1])
                turn = abs(turn_between(find.angle, thing.angle))
                errors.append((place, turn, abs(find.scale / thing.scale - 1)))
                break
    return errors


def tasks(options: argparse.Namespace) -> Iterator[Task]:
    sizes = options.sizes
    if options.whole:
        count = len(cases.files().paths)
        for change in WHOLE:
            for n in range(options.whole * count):
                size = sizes[(n + n // count) % len(sizes)]
                yield Task(change, "art", size, n, options.seed)
        return
    for kind in cases.kinds():
        relations = tuple(w for w in WITHOUT if (w, kind) != ("same", "flat"))
        for n in range(options.without):
            relation = relations[n % len(relations)]
            size = sizes[n // len(relations) % len(sizes)]
            yield Task(relation, kind, size, n, options.seed)
    for change, how in CHANGES.items():
        of = ["screen"] if how.screens_only else cases.kinds()
        for n in range(options.planted):
            size = sizes[n // len(of) % len(sizes)]
            yield Task(change, of[n % len(of)], size, n, options.seed)


def answers(options: argparse.Namespace, wanted: list[Task]) -> Iterator[dict[str, Any]]:
    one = functools.partial(
        judged, settings=options.set, dump=bool(options.dump), threshold=options.threshold
    )
    if options.jobs == 1:
        yield from map(one, wanted)
        return
    with multiprocessing.Pool(options.jobs, cases.use_folder, (options.pages,)) as pool:
        yield from pool.imap(one, wanted, 4)


def report(lines: Iterable[dict[str, Any]], sizes: Iterable[int]) -> None:
    """The counts by change and page kind, and by size."""
    groups: dict[tuple[bool, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["change"] not in WITHOUT, line["name"]].append(line)
    print(f"{'without the mask':28} finds    of   size: finds")
    for (with_it, name), group in groups.items():
        if not with_it:
            count = Counter(line["answer"] for line in group)
            print(f"{name:28} {count['find']:5} {len(group):5}   {_by_size(group, sizes, 'find')}")
    print(f"\n{'with the mask':28} right wrong none   of   size: not right")
    totals: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (with_it, name), group in groups.items():
        if with_it:
            totals[f"{name.split('/')[1]}, all pages"] += group
            _row(name, group, sizes)
    for name, group in totals.items():
        _row(name, group, sizes)
    print(f"\n{'error, median and 95 %':28} {'place, px':>13} {'angle, deg':>13} {'scale, %':>13}")
    for name, group in totals.items():
        errors = np.array([e for line in group for e in line.get("errors", [])])
        if len(errors):
            errors[:, 2] *= 100
            columns = zip(*np.percentile(errors, (50, 95), axis=0), strict=True)
            print(f"{name:28} " + " ".join(f"{a:6.2f} {b:6.2f}" for a, b in columns))


def is_wrong(line: dict[str, Any]) -> bool:
    """Whether a case's answer is not as it should be."""
    return line["answer"] != "right" if line["change"] not in WITHOUT else line["answer"] == "find"


def _row(name: str, group: list[dict[str, Any]], sizes: Iterable[int]) -> None:
    count = Counter(line["answer"] for line in group)
    none = count["nothing"] + count["refused"] + count["some missed"]
    share = f"{100 * count['right'] / len(group):.1f} %"
    print(
        f"{name:28} {count['right']:5} {count['wrong place']:5} {none:4} {len(group):4}   {share:>7}  "
        f"{_by_size(group, sizes, 'right', other=True)}"
    )


def _by_size(
    group: list[dict[str, Any]], sizes: Iterable[int], answer: str, other: bool = False
) -> str:
    """Of each size with any: how many have this answer (or another)."""
    counts = Counter(line["size"] for line in group if (line["answer"] == answer) != other)
    return " ".join(f"{size}:{counts[size]}" for size in sizes if counts[size])


def setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE of --set; a value that is no Python literal is a word."""
    key, _, value = text.partition("=")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.verdicts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--without", type=int, default=100, help="pages of each kind without the mask"
    )
    parser.add_argument(
        "--with", type=int, default=45, dest="planted", help="pages with it, each change"
    )
    parser.add_argument(
        "--only", action="append", help="names that hold this, as without/same/scene"
    )
    parser.add_argument("--sizes", type=lambda s: [int(n) for n in s.split(",")], default=SIZES)
    parser.add_argument("--pages", type=Path, help="a folder of pictures, for the page kind art")
    parser.add_argument(
        "--whole",
        type=int,
        default=0,
        metavar="N",
        help="instead: N crops of each whole picture of --pages, as it is and resized",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--set", type=setting, action="append", default=[], help="KEY=VALUE for detect"
    )
    parser.add_argument(
        "--dump", type=Path, help="one line of JSON for each case: detect(top=3, threshold=-1)"
    )
    parser.add_argument(
        "--threshold", type=float, help="of the score, where --dump counts; default: as detect does"
    )
    parser.add_argument("--wrong", action="store_true", help="show each case that is not right")
    options = parser.parse_args()
    if options.whole and not options.pages:
        parser.error("--whole takes its pictures from --pages")
    options.set = dict(options.set)
    cases.use_folder(options.pages)
    wanted = [
        t for t in tasks(options) if not options.only or any(o in t.name for o in options.only)
    ]
    lines, seconds = [], 0.0
    out = options.dump.open("w", encoding="utf-8") if options.dump else None
    for line in answers(options, wanted):
        lines.append(line)
        seconds += line.get("seconds", 0)
        if out:
            print(json.dumps(line), file=out, flush=True)
        if options.wrong and is_wrong(line):
            shown = ("name", "number", "size", "answer", "things", "finds", "error")
            print(json.dumps({k: line.get(k) for k in shown}), flush=True)
    if out:
        out.close()
    report(lines, options.sizes)
    print(f"\n{len(lines)} cases, {seconds:.0f} s of processor time in detect")


if __name__ == "__main__":
    main()

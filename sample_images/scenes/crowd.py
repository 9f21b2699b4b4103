"""Where people stand: the cast where their faces are visible, strangers wherever there is room."""

from __future__ import annotations

import math
from dataclasses import replace

from pen import Point
from people import Person, stranger
from scene import Scene, Thing, person_painter


def covers(thing: Thing, zone: tuple[float, float, float, float], y: float) -> bool:
    """Whether a thing is painted after y and may reach into the zone."""
    v = thing.view
    return thing.y >= y and v[0] < zone[2] and v[2] > zone[0] and v[1] < zone[3] and v[3] > zone[1]


def face_zone(x: float, y: float, unit: float) -> tuple[float, float, float, float]:
    """Head and chest of somebody who stands at (x, y): nothing may cover this part of the cast."""
    return (x - 0.8 * unit, y - 4.8 * unit, x + 0.8 * unit, y - 2.1 * unit)


def stand_cast(scene: Scene, who: Person, at_edge: bool = False) -> Thing | None:
    """Put one of the cast where the face stays visible; None if 400 tries find no place."""
    u, rng = scene.unit, scene.rng
    for _ in range(400):
        x = rng.uniform(1.2 * u, scene.width - 1.2 * u)
        if at_edge:
            x = rng.choice((0.08 * u, scene.width - 0.08 * u))
        y = rng.uniform(max(scene.top, 5 * u), scene.height - 0.4 * u)
        zone = face_zone(x, y, u * who.size)
        if not scene.free(x - 0.8 * u, y - 0.7 * u, x + 0.8 * u, y + 0.6 * u):
            continue
        if any(covers(t, zone, y) for t in scene.things):
            continue
        # Nor may this one cover the face of another.
        if any(t.person and t.y <= y + 5 * u
               and covers(Thing(x, y, t.paint, 0, (x - u, y - 5 * u, x + u, y)), face_zone(t.x, t.y, u), t.y)
               for t in scene.things):  # fmt: skip
            continue
        scene.add(x, y, person_painter(who), 2, 4.8, 0.7, person=who)
        return scene.things[-1]
    return None


def stand_company(scene: Scene, hero: Thing) -> None:
    """Put three people around Waldo: one behind him, one beside him, a child before his legs."""
    u, rng = scene.unit, scene.rng
    side = rng.choice((-1, 1))
    for dx, dy, size in (
        (-0.95 * side, -0.7, 1.0),
        (1.15 * side, 0.5, 0.95),
        (-0.5 * side, 1.0, 0.7),
    ):
        who = replace(stranger(rng, scene.theme), size=size, holds="", under="", lean=0, legs="stand",
                      left=rng.choice(("down", "hip")), right=rng.choice(("down", "loose")))  # fmt: skip
        # Those before Waldo wear no high or wide hat, which would cover him.
        if who.size < 1 and who.hat in ("top", "sunhat", "straw", "cone"):
            who.hat = ""
        scene.add(hero.x + dx * u, hero.y + dy * u, person_painter(who), 1.6, 4.6 * size, 0.5)


def fill_crowd(scene: Scene, crowd: float) -> None:
    """Fill the free ground with strangers, closer together in some places than in others."""
    u, rng = scene.unit, scene.rng
    cast = [(t, face_zone(t.x, t.y, u)) for t in scene.things if t.person]
    # The people that stand are kept by cells of a grid, so that only near ones are compared.
    cell = 4 * u / math.sqrt(crowd)
    grid: dict[tuple[int, int], list[Point]] = {}
    a, b, c = (rng.uniform(0, 6.28) for _ in range(3))
    tries = int(scene.area() * 100 * 1.4 * crowd)
    for _ in range(tries):
        x = rng.uniform(-0.4 * u, scene.width + 0.4 * u)
        y = rng.uniform(scene.top, scene.height + 3 * u)
        # A smooth function of the place, from about 0.4 to 1.6: how far apart people stand there.
        loose = 1 + 0.28 * (
            math.sin(x / u / 7 + a) + math.sin(y / u / 6 + b) * math.sin(x / u / 4 + c)
        )
        gap = 2.0 * u * loose / math.sqrt(crowd)
        i, j = int(x // cell), int(y // cell)
        near = (p for di in (-1, 0, 1) for dj in (-1, 0, 1) for p in grid.get((i + di, j + dj), ()))
        if any(((x - px) / 0.96) ** 2 + ((y - py) / 1.2) ** 2 < gap * gap for px, py in near):
            continue
        if not scene.free(x - 0.6 * u, y - 0.3 * u, x + 0.6 * u, y + 0.3 * u):
            continue
        who = stranger(rng, scene.theme)
        above = 1.8 if who.holds in ("balloon", "flag", "parasol", "spear") else 0
        tall = (5.0 + above) * who.size
        wide = 5.4 if who.holds in ("flag", "parasol", "rod", "ball", "trumpet") else 3.6
        thing = Thing(x, y, person_painter(who), 0.0,
                      (x - wide * u / 2, y - tall * u, x + wide * u / 2, y + 0.3 * u), 0.6)  # fmt: skip
        if any(covers(thing, zone, star.y) for star, zone in cast):
            continue
        grid.setdefault((i, j), []).append((x, y))
        scene.things.append(thing)

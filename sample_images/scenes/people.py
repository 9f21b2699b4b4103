"""Who is on a picture: Waldo, those who look like him, and strangers dressed for a theme.

Lengths are in units: one unit is the height of a face without hat and hair, and an adult is 4.3
units tall.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import colours
from colours import Colour

HEAD = 1.48  # height of Waldo's head, from the top of his hat to his chin

# A colour that stands in a list twice is chosen twice as often.
CLOTHES = (
    colours.RED, colours.RED, colours.BLUE, colours.YELLOW, colours.ORANGE, colours.GREEN,
    colours.MOSS, colours.TEAL, colours.SKY, colours.PINK, colours.PLUM, colours.GREY,
    colours.NAVY, colours.MINT, colours.CREAM,
    (226, 96, 78), (188, 60, 66), (120, 178, 222), (236, 196, 130), (180, 140, 200), colours.WHITE,
)  # fmt: skip
SKINS = (
    (250, 216, 184), (246, 206, 172), (240, 194, 156), (226, 174, 130), (198, 142, 100),
    (164, 112, 78), (126, 84, 60),
)  # fmt: skip
HAIRS = (
    (70, 48, 40), (44, 36, 40), (112, 70, 42), (156, 96, 48), (222, 174, 84), (240, 210, 130),
    (196, 84, 44), (200, 196, 192), (236, 232, 226),
)  # fmt: skip


@dataclass
class Person:
    """How somebody looks and what they are doing."""

    skin: Colour = SKINS[0]
    hair: Colour = colours.BROWN
    hair_style: str = "short"
    hat: str = ""  # a key of hats.HATS
    hat_colour: Colour = colours.RED
    hat_trim: Colour = colours.WHITE
    top: str = "plain"
    top_colour: Colour = colours.RED
    top_trim: Colour = colours.WHITE
    stripe: float = 0.3  # from one stripe to the next
    sleeves: str = "long"
    bottom: str = "trousers"
    bottom_colour: Colour = colours.BLUE
    shoes: Colour = colours.BROWN
    glasses: str = ""
    mouth: str = "smile"
    beard: str = ""
    girth: float = 1.0
    size: float = 1.0
    left: str = "down"  # the arms: keys of figure.ARMS
    right: str = "down"
    legs: str = "stand"  # a key of figure.LEGS
    lean: float = 0.0  # of the body, in degrees
    nod: float = 0.0  # of the head, in degrees
    look: float = 0.3  # where the face looks: -1 to the left, 1 to the right
    back: bool = False  # seen from behind
    flip: bool = False  # mirrored
    scarf: Colour | None = None
    cape: Colour | None = None
    holds: str = ""  # a key of held.HELD
    holds_colour: Colour = colours.YELLOW
    under: str = ""  # what they stand or sit on: ski, sledge or board
    label: str = ""  # the class in truth.csv; empty for strangers


def waldo(rng: random.Random, ease: float = 0.25) -> Person:
    """Waldo. With `ease` 0 he stands stiff, as in the mask; with 1 he moves as freely as anybody."""
    arms = ("down", "loose", "hip", "wave", "carry") if ease else ("down",)
    return Person(
        skin=SKINS[0],
        hair=colours.BROWN,
        hat="bobble",
        top="stripes",
        top_colour=colours.WHITE,
        top_trim=colours.RED,
        glasses="round",
        stripe=0.36,
        left=rng.choice(arms[:3]),
        right=rng.choice(arms),
        legs=rng.choice(("stand", "walk", "wide")),
        lean=rng.uniform(-7, 7) * ease,
        flip=ease > 0.5 and rng.random() < 0.5,
        nod=rng.uniform(-9, 9) * ease,
        look=0.35 + rng.uniform(-1, 0.4) * ease,
        girth=0.92,
        label="waldo",
    )


def wenda(rng: random.Random) -> Person:
    """Wenda: Waldo's stripes and bobble hat, but no glasses; long hair, skirt, striped tights."""
    return replace(
        stranger(rng, "town"), skin=SKINS[0], hair=(170, 104, 52), hair_style="long", hat="bobble",
        hat_colour=colours.RED, hat_trim=colours.WHITE, top="stripes", top_colour=colours.RED,
        top_trim=colours.WHITE, stripe=0.24, sleeves="long", bottom="tights",
        bottom_colour=colours.BLUE, glasses="", beard="", girth=0.9, size=0.95, look=-0.5,
        nod=rng.uniform(-8, 8), back=False, label="wenda",
    )  # fmt: skip


def odlaw(rng: random.Random) -> Person:
    """Odlaw: bobble hat and round glasses, but all in yellow and black, and a moustache."""
    return replace(
        stranger(rng, "town"), skin=SKINS[1], hair=colours.BLACK, hair_style="short", hat="bobble",
        hat_colour=colours.BLACK, hat_trim=colours.YELLOW, top="stripes", top_colour=colours.YELLOW,
        top_trim=colours.BLACK, sleeves="long", bottom="trousers", bottom_colour=colours.BLACK,
        glasses="round", beard="moustache", mouth="flat", girth=0.95, size=1.0,
        nod=rng.uniform(-8, 8), back=False, label="odlaw",
    )  # fmt: skip


def wizard(rng: random.Random) -> Person:
    """The wizard: red robe, pointed blue hat, long white beard, a staff."""
    return replace(
        stranger(rng, "town"), skin=SKINS[0], hair=(238, 236, 232), hair_style="long", hat="wizard",
        hat_colour=colours.BLUE, top="plain", top_colour=colours.RED, top_trim=colours.WHITE,
        sleeves="long", bottom="robe", glasses="", beard="long", left="down", right="carry", legs="stand",
        holds="stick", girth=1.0, size=1.0, lean=0.0, back=False, label="wizard",
    )  # fmt: skip


def lookalike(rng: random.Random, theme: str) -> Person:
    """Somebody with exactly two of Waldo's three marks: red stripes, bobble hat, round glasses."""
    who = replace(stranger(rng, theme), back=False, beard="", label="lookalike", holds="")
    kind = rng.choice(("no glasses", "no hat", "no stripes"))
    if kind != "no stripes":
        who.top, who.sleeves = "stripes", rng.choice(("long", "short"))
        who.top_colour, who.top_trim = rng.choice(
            ((colours.RED, colours.WHITE), (colours.WHITE, colours.RED))
        )
        who.stripe = rng.choice((0.2, 0.44, 0.54))
        if who.bottom in ("dress", "robe"):
            who.bottom = "skirt"
    else:
        who.top = rng.choice(("plain", "dots", "checks", "coat", "braces"))
        who.top_colour = rng.choice((colours.BLUE, colours.GREEN, colours.YELLOW, colours.PLUM,
                                     colours.TEAL, colours.NAVY, colours.ORANGE))  # fmt: skip
    if kind == "no hat":
        who.hat = ""
        who.hair_style = rng.choice(("curly", "bald", "spiky", "afro", "bun", "tails", "bob"))
    else:
        who.hat, who.hat_colour, who.hat_trim = "bobble", colours.RED, colours.WHITE
        who.hair_style = rng.choice(("long", "curly", "tails", "bob", "wild"))
    if kind == "no glasses":
        who.glasses = ""
        who.beard = rng.choice(("", "full", "moustache")) if who.hair_style == "curly" else ""
    else:
        who.glasses = "round"
    who.look = rng.choice((-0.8, -0.5, 0.9))
    return who


def stranger(rng: random.Random, theme: str) -> Person:
    """Somebody from the crowd, dressed for the theme."""
    child = rng.random() < 0.16
    female = rng.random() < 0.48
    skin = rng.choice(SKINS + SKINS[:3])
    hair = rng.choice(HAIRS[:7] if child else HAIRS)
    if SKINS.index(skin) > 3:  # the darker ones
        hair = rng.choice(HAIRS[:2])
    styles = ("long", "bob", "bun", "tails", "curly", "wild", "long", "bob", "afro")
    plain = ("short", "short", "bald", "curly", "spiky", "afro", "short")
    tops = ("plain", "plain", "plain", "plain", "stripes", "dots", "checks", "bars", "coat", "vest",
            "braces", "apron")  # fmt: skip
    arms = ("down", "down", "down", "loose", "loose", "loose", "hip", "hip", "wave", "up", "out",
            "chest", "carry", "carry", "point", "mouth", "shrug")  # fmt: skip
    who = Person(
        skin=skin,
        hair=hair,
        hair_style=rng.choice(styles if female else plain),
        hat_colour=rng.choice(CLOTHES),
        hat_trim=rng.choice(CLOTHES),
        top=rng.choice(tops),
        top_colour=rng.choice(CLOTHES),
        top_trim=rng.choice(CLOTHES),
        stripe=rng.choice((0.2, 0.26, 0.4)),
        sleeves=rng.choice(("long", "long", "short")),
        bottom=rng.choice(
            ("dress", "skirt", "trousers", "tights")
            if female
            else ("trousers", "trousers", "shorts")
        ),
        bottom_colour=rng.choice(CLOTHES),
        shoes=rng.choice((colours.BROWN, colours.BLACK, (150, 76, 44), colours.NAVY)),
        glasses="round" if rng.random() < 0.05 else "",
        mouth=rng.choice(("smile", "smile", "smile", "open", "flat", "grin", "oh")),
        beard=rng.choice(("", "", "", "full", "moustache")) if not (female or child) else "",
        girth=rng.choice((0.88, 0.95, 1.0, 1.0, 1.08, 1.3, 1.55)),
        size=rng.uniform(0.62, 0.78) if child else rng.uniform(0.93, 1.07),
        left=rng.choice(arms),
        right=rng.choice(arms),
        legs=rng.choice(("stand", "stand", "walk", "walk", "wide", "run")),
        lean=rng.uniform(-6, 6),
        nod=rng.uniform(-10, 10),
        look=rng.choice((-1, -0.6, 0.3, 0.6, 1.0)),
        back=rng.random() < 0.12,
        flip=rng.random() < 0.5,
        holds_colour=rng.choice(CLOTHES),
    )
    if who.legs == "run":
        who.lean = 9.0
        who.left, who.right = "out", "carry"
    DRESS[theme](rng, who, female)
    # Red and white stripes belong to Waldo and his lookalikes.
    if who.top == "stripes" and {who.top_colour, who.top_trim} == {colours.RED, colours.WHITE}:
        who.top_trim = colours.BLUE
    return who


def dress_beach(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = rng.choice(("", "", "", "straw", "sunhat", "cap", "scarf"))
    who.glasses = rng.choice(("", "", "sun")) or who.glasses
    who.shoes = rng.choice((who.skin, who.skin, colours.BROWN))
    if female:
        who.bottom, who.sleeves = rng.choice(
            (("swim", "none"), ("dress", "none"), ("skirt", "short"))
        )
        if who.bottom == "swim":
            who.bottom_colour = who.top_colour
    else:
        who.bottom = rng.choice(("shorts", "shorts", "swim"))
        who.sleeves = "short"
        if rng.random() < 0.55:
            who.top = "bare"
    if who.top in ("coat", "apron"):
        who.top = "dots"
    who.holds = rng.choice(("", "", "", "icecream", "ball", "bucket", "bag", "book", "parasol"))
    settle(rng, who)


def dress_town(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = (
        rng.choice(("", "", "", "cap", "bowler", "top", "beanie", "boater"))
        if not female
        else (rng.choice(("", "", "", "sunhat", "flower", "scarf", "straw")))
    )
    who.holds = rng.choice(("", "", "", "", "bag", "basket", "book", "balloon", "stick", "camera",
                            "icecream", "parasol", "broom"))  # fmt: skip
    settle(rng, who)


def dress_snow(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = rng.choice(("beanie", "beanie", "bobble", "scarf", "cap", "hood", ""))
    if who.hat == "scarf" and not female:
        who.hat = "beanie"
    if who.hat == "bobble":
        who.hat_colour = rng.choice((colours.BLUE, colours.GREEN, colours.YELLOW, colours.PLUM,
                                     colours.ORANGE, colours.TEAL))  # fmt: skip
        who.hat_trim = rng.choice((colours.CREAM, colours.PINK, colours.SKY, colours.MINT))
        who.glasses = ""
    who.sleeves = "long"
    who.bottom = "trousers" if who.bottom in ("shorts", "dress") else who.bottom
    who.scarf = rng.choice((None, colours.RED, colours.YELLOW, colours.GREEN, colours.ORANGE))
    who.glasses = rng.choice(("", "", "", "sun")) or who.glasses
    act = rng.random()
    if act < 0.38:
        who.under, who.legs, who.lean = "ski", "ski", rng.uniform(4, 14)
        who.bottom = "trousers"
        who.left = who.right = rng.choice(("carry", "shrug"))
        who.holds = "pole"
    elif act < 0.48:
        who.under, who.legs, who.bottom = "sledge", "sit", "trousers"
        who.left = who.right = rng.choice(("up", "carry"))
    elif act < 0.66:
        who.holds, who.right = "snowball", rng.choice(("up", "wave"))
    settle(rng, who)


def dress_fair(rng: random.Random, who: Person, female: bool) -> None:
    dress_town(rng, who, female)
    who.hat = rng.choice((who.hat, who.hat, "cone", "boater", ""))
    who.holds = rng.choice(("", "", "balloon", "candyfloss", "icecream", "flag", "ball", "trumpet"))
    settle(rng, who)


def dress_castle(rng: random.Random, who: Person, female: bool) -> None:
    who.glasses = ""
    if female:
        who.bottom = rng.choice(("dress", "robe", "dress"))
        who.hat = rng.choice(("", "scarf", "hood", "flower", "cone", "crown"))
        who.top = rng.choice(("plain", "plain", "apron", "dots"))
        who.holds = rng.choice(("", "", "basket", "bucket", "lute"))
    else:
        who.top = rng.choice(("tunic", "tunic", "tunic", "cross", "stripes"))
        who.bottom = "trousers"
        who.hat = rng.choice(("", "hood", "helmet", "helmet", "feather", "feather", "cap"))
        if who.hat == "helmet":
            who.hat_colour = colours.GREY
        who.cape = rng.choice((None, None, None, colours.RED, colours.NAVY, colours.GREEN))
        who.holds = rng.choice(("", "", "spear", "sword", "shield", "flag", "lute", "stick"))
    settle(rng, who)


def dress_harbour(rng: random.Random, who: Person, female: bool) -> None:
    dress_town(rng, who, female)
    if not female:
        if rng.random() < 0.4:
            who.hat, who.hat_colour = "sailor", colours.NAVY
            who.top, who.top_colour, who.top_trim = "stripes", colours.WHITE, colours.NAVY
        else:
            who.hat = rng.choice(("captain", "scarf", "cap", "bicorne", ""))
            who.hat_colour = colours.NAVY if who.hat in ("captain", "bicorne") else who.hat_colour
        who.holds = rng.choice(("", "", "fish", "rod", "bag", "bucket", "stick", "flag"))
    settle(rng, who)


def settle(rng: random.Random, who: Person) -> None:
    """Choose a pose of the right arm in which the thing it holds can be seen."""
    poses = {"balloon": ("carry", "wave"), "flag": ("carry", "wave"), "parasol": ("carry", "wave"),
             "icecream": ("chest", "carry"), "book": ("chest",), "camera": ("mouth",),
             "trumpet": ("carry",), "drum": ("chest",), "lute": ("chest",), "ball": ("up", "carry"),
             "snowball": ("up", "wave"), "shield": ("chest",)}  # fmt: skip
    if who.holds:
        who.right = rng.choice(poses.get(who.holds, ("carry", "shrug")))


DRESS: dict[str, Callable[[random.Random, Person, bool], None]] = {
    "beach": dress_beach,
    "town": dress_town,
    "snow": dress_snow,
    "fair": dress_fair,
    "castle": dress_castle,
    "harbour": dress_harbour,
}

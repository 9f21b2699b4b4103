#!/usr/bin/env bash
# imageio: frame 150 of a film of variable frame rate is frame 90, 86 or 107, depending on how it is read.
#
# Versions: imageio 2.38.1, imageio-ffmpeg 0.8.1, av 18.1.0, numpy 2.4.6.
# Most expect: `imread(film, index=150)` is the frame that `imiter(film)` gives after 150 others.
# Seen: the plugin "pyav" takes any MP4 for one of constant rate, divides times by that rate, and begins to
#   count at the key frame found there: 150 is frame 90. With `constant_framerate=False` it is 150. The plugin
#   "FFMPEG" repeats frames until the rate is constant: 200 are read as 348, of which the one numbered 150 is
#   frame 86, though `count_frames` says 200; and `get_data(150)` of the same reader is frame 107.
# Where it matters: films of telephones and of screens have such rates. Finds are noted with the number of a
#   frame that shows something else; what is drawn on it lies on another picture.
# Ends with a status other than 0 when imageio behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "imageio==2.38.1" "imageio-ffmpeg==0.8.1" "av==18.1.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import sys
import warnings
from fractions import Fraction

import av
import imageio.v2
import imageio.v3
import numpy as np

warnings.simplefilter("ignore")
path = sys.argv[1]
FRAMES, SIDE = 200, 32
GAPS = (40, 80, 40, 120)  # ms, again and again
times = [sum(GAPS[i % len(GAPS)] for i in range(number)) for number in range(FRAMES)]


def numbered(number: int) -> np.ndarray:
    """A picture that shows its number: eight squares, white for each one in its bits."""
    bits = np.array([number >> bit & 1 for bit in range(8)], np.uint8) * 200 + 20
    return np.repeat(np.tile(bits.repeat(SIDE), (SIDE, 1))[..., None], 3, axis=2)


def number(frame: np.ndarray) -> int:
    squares = frame[SIDE // 2, SIDE // 2 :: SIDE, 1]
    return sum(1 << bit for bit, value in enumerate(squares) if value > 120)


with av.open(path, "w") as film:
    stream = film.add_stream("mpeg4", rate=25, options={"qscale": "2"})
    stream.width, stream.height, stream.pix_fmt = 8 * SIDE, SIDE, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)
    for shown, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(numbered(shown), format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = time, Fraction(1, 1000)
        film.mux(stream.encode(frame))
    film.mux(stream.encode())

in_turn = [number(frame) for frame in imageio.v3.imiter(path, plugin="pyav")]
with imageio.v2.get_reader(path, "FFMPEG") as reader:
    counted, repeated = reader.count_frames(), [number(frame) for frame in reader]
    later = {index: number(reader.get_data(index)) for index in (50, 100, 150)}
print("imageio", importlib.metadata.version("imageio"), "av", av.__version__)
print(f"read in turn: pyav {len(in_turn)} frames, FFMPEG {len(repeated)}; counted by FFMPEG {counted}")
as_seen = in_turn == list(range(FRAMES)) and counted == FRAMES and len(repeated) > 1.5 * FRAMES
for index in (50, 100, 150):
    by_pyav = number(imageio.v3.imread(path, plugin="pyav", index=index))
    variable = number(imageio.v3.imread(path, plugin="pyav", index=index, constant_framerate=False))
    print(f"frame {index}: pyav in turn {in_turn[index]}, by index {by_pyav}, variable {variable};", end=" ")
    print(f"FFMPEG in turn {repeated[index]}, by index after that {later[index]}")
    as_seen &= in_turn[index] == variable == index and max(by_pyav, repeated[index]) < 0.8 * index
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/film.mp4"

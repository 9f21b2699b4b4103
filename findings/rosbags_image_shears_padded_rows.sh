#!/usr/bin/env bash
# rosbags-image: a camera's picture with padded rows is sheared.
#
# Versions: rosbags-image 0.10.4, rosbags 0.11.9, opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: `sensor_msgs/Image` says in `step` how many bytes a row has, and whoever reads it skips what is
#   beyond the width, as ROS's own cv_bridge does.
# Seen: `image_to_cvimage` takes the rows for packed. Of 6 pixels in rows of 8 bytes each row begins two
#   pixels later than the one above: an upright line is slanted, and the lower part of the picture is missing.
#   The shape is right, and nothing is said. Reshaping `data` by `step` gives the picture.
# Where it matters: cameras and GPUs pad rows to 4, 64 or 256 bytes wherever the width does not fit, also of a
#   region of interest: all places are wrong, by more the lower they are.
# Ends with a status other than 0 when rosbags-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "rosbags-image==0.10.4" "rosbags==0.11.9" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from rosbags.image import image_to_cvimage
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS2_HUMBLE).types
ROWS, COLS = 5, 6
picture = np.zeros((ROWS, COLS), np.uint8)
picture[:, 2] = 255  # an upright line


def message(step: int) -> object:
    """The picture in rows of `step` bytes."""
    rows = np.zeros((ROWS, step), np.uint8)
    rows[:, :COLS] = picture
    stamp = types["builtin_interfaces/msg/Time"](sec=0, nanosec=0)
    return types["sensor_msgs/msg/Image"](
        header=types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera"),
        height=ROWS,
        width=COLS,
        encoding="mono8",
        is_bigendian=0,
        step=step,
        data=rows.reshape(-1),
    )


print("rosbags-image", version("rosbags-image"))
found = {step: image_to_cvimage(message(step)) for step in (COLS, COLS + 2)}
for step, read in found.items():
    print(f"rows of {step} bytes, {COLS} of them pixels:")
    print(read)
padded = message(COLS + 2)
by_step = padded.data.reshape(ROWS, padded.step)[:, :COLS]
sheared = padded.data[: ROWS * COLS].reshape(ROWS, COLS)
as_seen = np.array_equal(found[COLS], picture) and np.array_equal(by_step, picture)
sys.exit(not (as_seen and np.array_equal(found[COLS + 2], sheared) and not np.array_equal(sheared, picture)))
PY
"$work/venv/bin/python" "$work/seen.py"

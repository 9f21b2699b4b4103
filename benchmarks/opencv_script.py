"""What `waldo detect --mask` does, as one would write it with OpenCV: the peer of job e.

python opencv_script.py PAGE MASK FACTORS      (by which the page is resized)
"""

import sys

import cv2
import numpy as np

cv2.setNumThreads(2)
no_picture = "--no-picture" in sys.argv  # as job i has it
page, mask = (cv2.imread(path).astype(np.float32) / 255 for path in sys.argv[1:3])
best, heat = (-2.0, 0.0, 0.0), np.zeros(page.shape[:2], np.float32)
for scale in map(float, sys.argv[3].split(",")):
    level = page if scale == 1 else cv2.resize(page, None, fx=scale, fy=scale)
    if min(level.shape[:2]) < max(mask.shape[:2]):
        continue
    scores = cv2.matchTemplate(level, mask, cv2.TM_CCOEFF_NORMED)
    _, score, _, (x, y) = cv2.minMaxLoc(scores)
    best = max(best, (score, x / scale, y / scale))
    if not no_picture:
        heat = np.maximum(heat, cv2.resize(scores, (page.shape[1], page.shape[0])))
if not no_picture:
    colours = cv2.applyColorMap(np.uint8(255 * np.clip(heat, 0, 1)), cv2.COLORMAP_VIRIDIS)
    blend = cv2.addWeighted(np.uint8(255 * page), 0.5, colours, 0.5, 0)
    cv2.imwrite(sys.argv[1] + ".opencv.png", blend)
print(best)

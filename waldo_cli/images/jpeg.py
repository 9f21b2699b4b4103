"""Walk through the segments of a JPEG: its metadata, the work of its scans, its end. Standard library only.

A JPEG is a row of segments that begin with a marker, 0xFF and a number. After the segment SOS, the start of
a scan, come compressed data, in which 0xFF is followed by 0x00 or by a restart marker. The marker EOI ends
the picture; nothing behind it belongs to it (ITU T.81, annex B): cameras put videos and further pictures
there.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import damaged, truncated

# A marker may follow any number of fill bytes 0xFF. The search skips them. A pattern with `\xff+` would
# match them again from every position: time would grow with the square of their number.
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_MARKER_AFTER_SCAN: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
# A long packet goes on in segments of its own, each with a digest of 32 digits, the length, and where its
# part begins (Adobe, XMP specification part 3, 1.1.3.1).
_MORE_XMP: Final = b"http://ns.adobe.com/xmp/extension/\0"
_MORE_XMP_HEAD: Final = len(_MORE_XMP) + 40
_MAX_PACKETS: Final = 16  # of XMP
_MPF: Final = b"MPF\0"

_SOI, _EOI, _SOS, _DNL, _DRI = 0xD8, 0xD9, 0xDA, 0xDC, 0xDD
# Frame headers, SOF: by marker. The others are hierarchical, or lossless with arithmetic coding.
_FRAMES: Final = {0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA}
_OTHER_FRAMES: Final = {0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_LOSSLESS: Final = 0xC3
_PROGRESSIVE: Final = {0xC2, 0xCA}
_ARITHMETIC: Final = {0xC9, 0xCA}

# Real files stay far below. Segments that are left out only cost the time to step over them.
_MAX_SEGMENTS: Final = 200_000
_MAX_KEPT: Final = 15_000  # scans and restarts outside of scans included

# Nanoseconds, measured (docs/formats.md): for a block of 8x8 in each scan, and for each byte of a scan.
_BLOCK_COST: Final = {"Huffman": 120, "arithmetic": 1500}
_BYTE_COST: Final = {"Huffman": 50, "arithmetic": 100}


@dataclass(frozen=True)
class Jpeg:
    """What `walk` has found.

    Attributes
    ----------
    data
        The picture without its metadata and without what is behind its end.
    exif, xmp
        The metadata, packets of XMP one after the other; empty if there are none.
    seconds
        Estimated time to decode it.
    pixels
        Width times height; 0 if there is no frame header.
    unfinished
        The mark of the end is missing, and as far as the headers tell all data are there.
    lossless
        It has no frequencies, so it cannot be decoded at a part of its size.
    """

    data: bytes
    exif: bytes
    xmp: bytes
    seconds: float
    pixels: int
    unfinished: bool
    lossless: bool = False


@dataclass
class _Frame:
    """The frame header: size, and blocks of each component; and what its scans have brought so far."""

    progressive: bool
    coding: str
    width: int
    height: int
    components: dict[int, tuple[int, int]]  # id -> horizontal and vertical sampling factor
    missing: dict[int, set[int]]  # id -> coefficients of which not all bits have come

    def blocks(self, component: int) -> int:
        """Return the number of 8x8 blocks of a component."""
        h, v = self.components[component]
        most_h = max(h for h, _ in self.components.values())
        most_v = max(v for _, v in self.components.values())
        across, down = -(-self.width * h // (8 * most_h)), -(-self.height * v // (8 * most_v))
        return across * down

    def units(self, scanned: list[int]) -> int:
        """Return the number of units that restart intervals count, for a scan of these components."""
        if len(scanned) == 1:
            return self.blocks(scanned[0])
        most_h = max(h for h, _ in self.components.values())
        most_v = max(v for _, v in self.components.values())
        return -(-self.width // (8 * most_h)) * -(-self.height // (8 * most_v))


def walk(data: bytes) -> Jpeg:
    """Go through the segments up to the end of the picture.

    Of the metadata, only JFIF (APP0) and Adobe (APP14) stay, which say how to interpret the samples. Pillow
    would parse all the others (EXIF with its nested directories, colour profiles, embedded pictures).

    Raises
    ------
    ImageError
        There are too many segments or scans, or it is a kind of JPEG that is not opened.
    """
    view = memoryview(data)  # slices of it copy nothing: a large file is copied once, at the end
    segments = [view[:2]]
    exif, packets = b"", list[bytes]()
    frame: _Frame | None = None
    lossless = False
    seconds, interval, scans, whole = 0.0, 0, 0, False
    position, kept = 2, 0
    for _ in range(_MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None or match[1][0] in (_EOI, _SOI):
            break
        marker = match[1][0]
        # 0xE0 to 0xEF: APP0 to APP15; 0xFE: comment.
        is_needed = marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE)
        kept += is_needed
        if kept > _MAX_KEPT:
            raise damaged("JPEG", f"it has more than {_MAX_KEPT} segments")
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # markers that are not followed by a length
            position = match.end()
            continue
        body = match.end() + 2  # after the length, which counts its own two bytes
        position = match.end() + max(2, int.from_bytes(data[match.end() : body], "big"))
        if is_needed and position > len(data):  # a table that is cut short
            match = None
            break
        if is_needed:
            segments.append(view[match.end() - 2 : position])
        elif data.startswith(_EXIF, body):
            exif = exif or data[body:position]
        elif data.startswith(_XMP, body) and len(packets) < _MAX_PACKETS:
            packets.append(data[body:position])
        elif data.startswith(_MORE_XMP, body) and len(packets) < _MAX_PACKETS:
            packets.append(data[body + _MORE_XMP_HEAD : position])
        if marker in _FRAMES | _OTHER_FRAMES and frame is None:
            frame = _read_frame(marker, data[body:position])
            lossless = marker == _LOSSLESS
        elif marker == _DNL and frame is not None and frame.height == 0:
            raise ImageError(
                "a JPEG whose height stands behind its first scan (DNL of ITU T.81) cannot be opened;"
                " convert it to PNG"
            )
        elif marker == _DRI:
            interval = int.from_bytes(data[body : body + 2], "big")
        elif marker == _SOS:
            scans += 1
            following = _MARKER_AFTER_SCAN.search(data, position)
            end = len(data) if following is None else following.start()
            segments.append(view[position:end])
            if frame is not None:
                cost, whole = _scan(frame, data[body:position], view[position:end], interval)
                seconds += cost
            position = end
    else:
        raise damaged("JPEG", f"it has more than {_MAX_SEGMENTS} segments")
    if match is None and not scans:
        raise truncated("JPEG")
    xmp = b"".join(packets)
    is_ended = match is not None and match[1][0] == _EOI
    if match is not None and is_ended:
        segments.append(view[match.start() : match.end()])
    if frame is None:
        return Jpeg(b"".join(segments), exif, xmp, seconds, 0, unfinished=False)
    whole = whole and not any(frame.missing.values())
    pixels = frame.width * frame.height
    unfinished = whole and not is_ended
    return Jpeg(b"".join(segments), exif, xmp, seconds, pixels, unfinished, lossless)


def _read_frame(marker: int, body: bytes) -> _Frame:
    """Read a frame header: precision, height, width, then three bytes for each component."""
    if marker == 0xF7:
        raise ImageError("a JPEG-LS picture cannot be opened; convert it to PNG")
    if marker in _OTHER_FRAMES:
        raise ImageError(
            f"a JPEG of process {marker - 0xC0} (hierarchical) cannot be opened; convert it to PNG"
        )
    if len(body) < 6:
        raise truncated("JPEG")
    if body[0] != 8:
        raise ImageError(f"a JPEG of {body[0]} bits a sample cannot be opened; convert it to PNG")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    components = {
        body[at]: (max(1, body[at + 1] >> 4), max(1, body[at + 1] & 15))
        for at in range(6, min(len(body) - 2, 6 + 3 * body[5]), 3)
    }
    return _Frame(
        marker in _PROGRESSIVE,
        "arithmetic" if marker in _ARITHMETIC else "Huffman",
        width,
        height,
        components,
        # Coefficient 0 of a block is its mean; sequential frames send all in one scan.
        {number: set(range(64)) for number in components},
    )


def _scan(
    frame: _Frame, header: bytes, compressed: memoryview, interval: int
) -> tuple[float, bool]:
    """Return the seconds that a scan costs, and whether it has as many restart markers as it needs."""
    count = header[0] if header else 0
    scanned = [number for number in header[1 : 1 + 2 * count : 2] if number in frame.components]
    first, last, approximation = (*header[1 + 2 * count :], 0, 63, 0)[:3]
    if not frame.progressive:
        first, last, approximation = 0, 63, 0
    if approximation & 15 == 0:  # all bits of these coefficients have come
        for number in scanned:
            frame.missing[number].difference_update(range(first, min(last, 63) + 1))
    blocks = sum(map(frame.blocks, scanned))
    nanoseconds = blocks * _BLOCK_COST[frame.coding] + len(compressed) * _BYTE_COST[frame.coding]
    whole = True
    if interval and scanned:
        whole = len(_RESTART.findall(compressed)) >= -(-frame.units(scanned) // interval) - 1
    return nanoseconds / 1e9, whole


# Multi-Picture Format (CIPA DC-007). Types of pictures: 1 is for reduced copies of the primary one, 2 for
# further views (panorama, disparity, angles); 0 is not said.
_MP_ENTRIES, _VIEW, _NOT_SAID, _PRIMARY = 0xB002, 2, 0, 3
_MAX_VIEWS: Final = 100
# What the metadata of a gain map (Ultra HDR, ISO 21496-1, Apple) or of a depth map say.
_MAP: Final = re.compile(rb"hdrgm:|HDRGainMap|iso:ts:21496|apdi:|GDepth:|[Dd]epth[Mm]ap")
_MAX_HEAD_SEGMENTS, _MAX_HEAD_BYTES = 1000, 1 << 16


@dataclass
class _Head:
    """What stands before the first scan: the size as it is written, metadata, the place of MPF's header."""

    size: bytes = b""
    metadata: bytes = b""
    mpf_at: int = 0


def views(file: BinaryIO) -> list[tuple[int, int]]:
    """Return place and length of the full pictures behind the first one (MPO), as its index tells.

    Reduced copies, gain maps and depth maps are no pictures of their own. Many writers do not say what a
    picture is: then it is one where it has the size of the first.
    """
    first = _head(file, 0)
    if first is None or not first.mpf_at:
        return []
    file.seek(first.mpf_at)
    header = file.read(1 << 16)
    found = []
    places = {0}
    for attributes, length, offset in _mp_entries(header)[1:_MAX_VIEWS]:
        kind = attributes >> 16 & 0xFF
        if offset in places or kind not in (_VIEW, _NOT_SAID, _PRIMARY):
            continue
        places.add(offset)
        head = _head(file, first.mpf_at + offset)
        if head is not None and (
            kind == _VIEW or (head.size == first.size and not _MAP.search(head.metadata))
        ):
            found.append((first.mpf_at + offset, length))
    return found


def _mp_entries(header: bytes) -> list[tuple[int, int, int]]:
    """Return attributes, length and place of each picture of an index, which is a small TIFF."""
    order = "<" if header[:2] == b"II" else ">"
    try:
        (at,) = struct.unpack_from(order + "I", header, 4)
        (count,) = struct.unpack_from(order + "H", header, at)
        for n in range(count):
            tag, _, length, place = struct.unpack_from(order + "HHII", header, at + 2 + 12 * n)
            if tag == _MP_ENTRIES:
                entries = header[place : place + length // 16 * 16]
                return list(struct.iter_unpack(order + "III4x", entries[: len(entries) // 16 * 16]))
    except struct.error:
        pass
    return []


def _head(file: BinaryIO, start: int) -> _Head | None:
    """Read the segments of a JPEG up to its frame header; None where no JPEG begins."""
    file.seek(start)
    if file.read(2) != b"\xff\xd8":
        return None
    head, at = _Head(), start + 2
    for _ in range(_MAX_HEAD_SEGMENTS):
        file.seek(at)
        segment = file.read(4)
        if len(segment) < 4 or segment[0] != 0xFF or segment[1] in (_SOS, _EOI):
            break
        if segment[1] == 0xFF:  # a fill byte
            at += 1
            continue
        if segment[1] in _FRAMES | _OTHER_FRAMES:
            head.size = file.read(5)[1:]
            break
        length = max(2, int.from_bytes(segment[2:], "big"))
        if segment[1] in (0xE1, 0xE2) and len(head.metadata) < _MAX_HEAD_BYTES:
            content = file.read(length - 2)
            head.metadata += content
            if content.startswith(_MPF) and not head.mpf_at:
                head.mpf_at = at + 4 + len(_MPF)
        at += 2 + length
    return head


def estimate(data: bytes, start: int, end: int, blocks: float) -> float:
    """Return the seconds for a JPEG inside another file, quickly: `walk` would be slow for many.

    Parameters
    ----------
    data, start, end
        The other file, and where the JPEG is in it.
    blocks
        Number of its 8x8 blocks, all components together.
    """
    scans = data.count(b"\xff\xda", start, end)
    is_arithmetic = any(data.find(bytes((0xFF, m)), start, end) >= 0 for m in _ARITHMETIC)
    coding = "arithmetic" if is_arithmetic else "Huffman"
    length = min(end, len(data)) - start
    return (scans * blocks * _BLOCK_COST[coding] + max(0, length) * _BYTE_COST[coding]) / 1e9

"""Photos of a visit, kept under the hash of their content beside the stores.

A photo is taken in as JPEG or PNG by its bytes, drawn anew as a JPEG of bounded size (what a phone writes beside the picture, such as
where it was taken, is left behind), and named by the SHA-256 of what is kept. A record names its photos by that hash. Its print, by
which a copy made smaller or saved again is still known, stands in its comment. It is drawn in a process of its own (``python -m data.photos FROM TO``, see ``data.bounded``): what is made to harm whoever draws it harms that one.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from data import bounded
from data.uploads import MEGABYTE

FOLDER = "photos"
NAME = re.compile(r"[0-9a-f]{64}")
PRINT = re.compile(r"[0-9a-f]{16}")
NO_PRINT = "-"
GRID = (9, 8)  # points of the grey picture a print is taken of: eight steps in each of eight rows
FORMATS = ("JPEG", "PNG")
LARGEST_MB = 12  # of one photo as it comes
MOST_PIXELS = 60_000_000  # a phone's largest; more is refused before it is unpacked
SIDE = 1600  # pixels of the longer side as kept
QUALITY = 82
MOST = 30  # photos of one visit
MEMORY_MB = 900  # of the process that draws one: MOST_PIXELS in four colours, upright, and once more without the fourth, take 700
SECONDS = 30
AT_ONCE = threading.BoundedSemaphore(2)  # so many are drawn at the same time, whoever sends them


class NoPhoto(ValueError):
    """Not kept. ``kind`` is a word key below ``page.visit.photo_refused.``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def keep(root: Path, content: bytes) -> str:
    """Keep one photo; returns its hash. The same photo twice is one file.

    Raises:
        NoPhoto: too large, or not a JPEG or PNG that can be drawn.
    """
    if len(content) > LARGEST_MB * MEGABYTE:
        raise NoPhoto("too_large")
    with tempfile.TemporaryDirectory(prefix="photo-") as folder:
        came, made = Path(folder) / "came", Path(folder) / "made"
        came.write_bytes(content)
        with AT_ONCE:
            command = [sys.executable, "-m", "data.photos", str(came), str(made)]
            ended = bounded.run(command, seconds=SECONDS, memory_mb=MEMORY_MB)
        if ended.code or ended.stopped:
            raise NoPhoto("too_large" if ended.stopped or ended.text.endswith("too_large") else "no_photo")
        drawn = made.read_bytes()
    name = hashlib.sha256(drawn).hexdigest()
    path = root / FOLDER / name[:2] / f"{name}.jpg"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as f:
            f.write(drawn)
        Path(f.name).replace(path)
    return name


def _drawn(content: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as photo:
            if photo.width * photo.height > MOST_PIXELS:
                raise NoPhoto("too_large")
            upright = ImageOps.exif_transpose(photo).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
        if isinstance(e, NoPhoto):
            raise
        raise NoPhoto("no_photo") from e
    upright.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=QUALITY, comment=_print(upright))
    return out.getvalue()


def _print(photo: Image.Image) -> str:
    """64 bits as 16 hexadecimal digits (a difference hash): does it grow lighter from each of 9 x 8 grey points to the next?"""
    wide, high = GRID
    grey = photo.convert("L").resize(GRID, Image.Resampling.LANCZOS).tobytes()
    lighter = (grey[y * wide + x] < grey[y * wide + x + 1] for y in range(high) for x in range(wide - 1))
    return f"{int(''.join('01'[bit] for bit in lighter), 2):016x}"


def print_of(root: Path, name: str) -> str:
    """The print of a photo kept; ``NO_PRINT`` where it has none."""
    path = path_of(root, name)
    if path is None:
        return NO_PRINT
    with Image.open(path, formats=["JPEG"]) as photo:
        said = bytes(photo.info.get("comment", b"")).decode("ascii", "replace")
    return said if PRINT.fullmatch(said) else NO_PRINT


def path_of(root: Path, name: str) -> Path | None:
    """Where a photo lies; None where there is none of that hash."""
    path = root / FOLDER / name[:2] / f"{name}.jpg"
    return path if NAME.fullmatch(name) and path.is_file() else None


if __name__ == "__main__":
    try:
        Path(sys.argv[2]).write_bytes(_drawn(Path(sys.argv[1]).read_bytes()))
    except NoPhoto as e:
        sys.exit(e.kind)

"""Photos kept under their hash, and drafts kept at each change."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from PIL import Image

from data import drafts, photos


def made(kind: str, size=(40, 30), **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, kind, **more)
    return out.getvalue()


def test_a_photo_is_named_by_the_hash_of_what_is_kept_and_kept_once(tmp_path):
    name = photos.keep(tmp_path, made("JPEG"))
    path = photos.path_of(tmp_path, name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == name
    assert photos.keep(tmp_path, made("JPEG")) == name
    assert [p.name for p in (tmp_path / "photos").rglob("*.*")] == [f"{name}.jpg"]


def test_where_it_was_taken_is_left_behind(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a maker of phones"
    name = photos.keep(tmp_path, made("JPEG", exif=exif))
    with Image.open(photos.path_of(tmp_path, name)) as kept:
        assert dict(kept.getexif()) == {}


def test_a_large_photo_is_kept_smaller(tmp_path):
    with Image.open(photos.path_of(tmp_path, photos.keep(tmp_path, made("PNG", (4000, 2000))))) as kept:
        assert (kept.format, kept.size) == ("JPEG", (1600, 800))  # the longer side 1600, the shape as it was


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "no_photo"), (b"<svg onload=alert(1)>", "no_photo"), (made("GIF"), "no_photo"), (made("JPEG")[:200], "no_photo"),
        (b"\xff" * (13 * 1024 * 1024), "too_large"), (made("PNG", (10_000, 6_001)), "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_photo_or_too_large_is_not_kept(tmp_path, content, kind):
    with pytest.raises(photos.NoPhoto) as told:
        photos.keep(tmp_path, content)
    assert told.value.kind == kind
    assert not list((tmp_path / "photos").rglob("*.*")) if (tmp_path / "photos").exists() else True


def test_a_photo_that_needs_more_than_it_may_ends_its_own_process_only(tmp_path, monkeypatch):
    """7,000 x 7,000 points in four colours are 187 MB unpacked, from a file of some 200 kB; allowed here are 100."""
    out = io.BytesIO()
    Image.new("RGBA", (7_000, 7_000), "green").save(out, "PNG")
    assert len(out.getvalue()) < 1_000_000
    monkeypatch.setattr(photos, "MEMORY_MB", 100)
    with pytest.raises(photos.NoPhoto) as told:
        photos.keep(tmp_path, out.getvalue())
    assert told.value.kind == "too_large"
    assert not (tmp_path / "photos").exists()


def test_the_largest_photo_allowed_is_drawn_within_the_limits(tmp_path):
    """9,000 x 6,666 points are just below 60 million."""
    with Image.open(photos.path_of(tmp_path, photos.keep(tmp_path, made("PNG", (9_000, 6_666))))) as kept:
        assert kept.size == (1600, 1185)  # 6,666 x 1,600 / 9,000 = 1,185.07


def scene(seed: int, size=(800, 600)) -> Image.Image:
    """A picture of its own: patches of grey, 8 by 6, drawn large and soft."""
    return Image.frombytes("L", (8, 6), random.Random(seed).randbytes(48)).resize(size, Image.Resampling.BICUBIC)


def bytes_of(picture: Image.Image, kind: str = "JPEG", **more) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def apart(root, one: bytes, other: bytes) -> int:
    first, second = (photos.print_of(root, photos.keep(root, content)) for content in (one, other))
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_a_print_says_where_it_grows_lighter(tmp_path):
    """Nine columns, each lighter than the one before: all 64 steps are up. Mirrored, all are down. Only the first four rows: the
    first 32 bits."""
    up = Image.frombytes("L", (9, 8), bytes(range(0, 252, 28)) * 8).resize((900, 800), Image.Resampling.NEAREST)
    half = up.copy()
    half.paste(up.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((0, 400, 900, 800)), (0, 400))
    down = up.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    made = [photos.print_of(tmp_path, photos.keep(tmp_path, bytes_of(p, "PNG"))) for p in (up, down, half)]
    assert made == ["f" * 16, "0" * 16, "f" * 8 + "0" * 8]


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_saved_again_or_made_smaller_keeps_its_print_and_another_picture_has_another(tmp_path, seed):
    """Of pictures that have nothing to do with each other half the 64 bits differ: 32, sd 4 were each bit a coin; 6 lies 6.5 sd off."""
    whole = bytes_of(scene(seed), "PNG")
    assert apart(tmp_path, whole, bytes_of(scene(seed), quality=30)) <= 6
    assert apart(tmp_path, whole, bytes_of(scene(seed).resize((320, 240)))) <= 6
    assert apart(tmp_path, whole, bytes_of(scene(seed + 100), "PNG")) > 6


def test_a_photo_that_is_not_there_or_has_no_print_says_so(tmp_path):
    name = photos.keep(tmp_path, made("JPEG"))
    photos.path_of(tmp_path, name).write_bytes(made("JPEG", comment="../../etc/passwd"))
    assert photos.print_of(tmp_path, name) == "-"
    assert photos.print_of(tmp_path, "0" * 64) == "-"


def test_no_name_leads_out_of_the_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    assert photos.path_of(tmp_path, "../secret") is None


def test_a_draft_is_its_accounts_own_and_the_last_one_stands(tmp_path):
    drafts.keep(tmp_path, "anna", {"n": 1})
    drafts.keep(tmp_path, "anna", {"n": 2})
    assert drafts.kept(tmp_path, "anna") == {"n": 2}
    assert drafts.kept(tmp_path, "../anna") is None
    drafts.drop(tmp_path, "anna")
    assert drafts.kept(tmp_path, "anna") is None


def test_a_draft_that_cannot_be_read_is_none(tmp_path):
    drafts.keep(tmp_path, "anna", {"n": 1})
    next((tmp_path / "drafts").iterdir()).write_text('{"n":', encoding="utf-8")
    assert drafts.kept(tmp_path, "anna") is None

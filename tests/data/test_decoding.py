"""Decoding: what viewers show is what a network sees, whatever the file's mode, and what changes pixels changes the digest."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image, ImageOps

from blockspace.data import DataSpec, describe, load, preflight, read_spec
from blockspace.data.decode import decode
from blockspace.data.decoding import Decoding, choose_decoding, parse_background
from blockspace.data.file_inspection import inspect_file
from blockspace.data.image_facts import Trait, examine_image
from blockspace.errors import BlockspaceError

RANDOM = numpy.random.default_rng(0)
ORIENTATION = 0x0112
SET = "15ed01803bad3f08054a59a79a852513827519abf7dfa3c5245b3f3421dc43e3"
DEEP_SET = "7c051b3534e13cab4f2ae9eae157f13fbd09a0c90c111c7dc162b6d32ddf1549"


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "cache"))


def noise(*shape, low=0, high=256):
    return RANDOM.integers(low, high, shape, dtype=numpy.uint8)


def fill(folder, save, count=20, classes=("dark", "light")):
    """Make class folders; `save(path, class number, image number)` writes one image."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            save(folder / name / f"{i:02}", label, i)
    return folder


def save_noise(path, _label, _i, size=8):
    Image.fromarray(noise(size, size, 3)).save(f"{path}.png")


def notes(spec):
    return [note.removeprefix("data: ") for note in preflight(spec).notes() if "looks like" not in note and "look like" not in note]


def turned_file(path, orientation, suffix, pixels):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    more = {"webp": {"lossless": True}, "jpg": {"quality": 95, "subsampling": 0}}.get(suffix, {})
    Image.fromarray(pixels).save(f"{path}.{suffix}", exif=exif, **more)
    return f"{path}.{suffix}"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_shown_as_viewers_show_it(tmp_path, suffix, orientation):
    name = turned_file(tmp_path / "image", orientation, suffix, noise(6, 10, 3))
    with Image.open(name) as image:
        right = numpy.asarray(ImageOps.exif_transpose(image))
    found = inspect_file(name).facts
    height, width = (10, 6) if orientation >= 5 else (6, 10)
    assert (found.height, found.width) == (height, width) == right.shape[:2]
    assert numpy.array_equal(decode(name, Decoding((3, height, width))).transpose(1, 2, 0), right)
    # PIL turns TIFF itself, and so did decoding 1
    assert bool(found.traits & Trait.TURNED) == (orientation > 1 and suffix != "tif")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_leaves_the_image_as_it_is(tmp_path):
    pixels = noise(6, 10, 3)
    for number, exif in enumerate((b"Exif\0\0", b"Exif\0\0MM\0*\0\0\xff\xff", b"Exif\0\0" + bytes(9), b"no exif", b"")):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png", exif=exif or None)
        assert inspect_file(str(tmp_path / f"{number}.png")).fault == ""
        assert numpy.array_equal(decode(tmp_path / f"{number}.png", Decoding((3, 6, 10))).transpose(1, 2, 0), pixels)


def test_turned_images_are_said_and_enter_the_digest(tmp_path):
    sound = fill(tmp_path / "set", lambda path, label, i: turned_file(path, 1, "png", noise(6, 10, 3)))
    before = load({"folder": str(sound)})
    assert notes({"folder": str(sound)}) == []
    pixels = numpy.asarray(Image.open(sound / "dark" / "00.png"))
    turned_file(sound / "dark" / "00", 6, "png", pixels)
    assert notes({"folder": str(sound)})[-1] == "1 of 40 images is turned, as the EXIF orientation says"
    assert load({"folder": str(sound)}).digest != before.digest


def alpha_images(pixels, alpha):
    """One picture in every mode that has transparency: mode -> (image, how it is saved)."""
    rgba = Image.fromarray(numpy.dstack([pixels, alpha]))
    grey = Image.fromarray(numpy.dstack([pixels[..., 0], alpha]))
    palette = Image.fromarray(pixels[..., 0]).convert("P")
    return {"RGBA": rgba, "LA": grey, "PA": rgba.convert("PA"), "RGBa": rgba.convert("RGBa"), "La": grey.convert("La"), "P": palette}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_transparent_pixels_are_the_background_in_every_mode(mode):
    alpha = numpy.full((8, 8), 255, numpy.uint8)
    alpha[2:5, 2:5] = 0
    image = alpha_images(noise(8, 8, 3), alpha)[mode]
    for background, level in (("white", 255), ("black", 0), ("#808080", 128)):
        shown = decode(image, Decoding((3, 8, 8), background=parse_background(background)))
        assert (shown[:, 2:5, 2:5] == level).all()
        opaque = decode(image, Decoding((3, 8, 8), background=None))
        assert numpy.array_equal(numpy.where(alpha == 255, shown, 0), numpy.where(alpha == 255, opaque, 0))
    assert examine_image(image).traits & Trait.TRANSPARENT


def test_half_transparent_pixels_are_mixed():
    image = Image.fromarray(numpy.full((4, 4, 4), (200, 100, 0, 51), numpy.uint8))
    assert decode(image, Decoding((3, 4, 4)))[:, 0, 0].tolist() == [244, 224, 204]  # a fifth of the colour on white


@pytest.mark.parametrize(
    ("mode", "key", "bits"), [("L", 77, 8), ("RGB", (77, 77, 77), 8), ("P", 77, 8), ("P", bytes([255] * 77 + [0]), 8), ("I;16", 7700, 16)]
)
def test_a_colour_of_a_png_that_is_transparent(tmp_path, mode, key, bits):
    levels = numpy.full((8, 8), 77 if bits == 8 else 7700, numpy.uint8 if bits == 8 else numpy.uint16)
    levels[:4] = 33 if bits == 8 else 33 * 257
    image = Image.fromarray(levels)
    if mode == "P":
        image = Image.frombytes("P", (8, 8), levels.tobytes())
        image.putpalette([level for i in range(256) for level in (i, i, i)])
    elif mode == "RGB":
        image = image.convert("RGB")
    image.save(tmp_path / "x.png", transparency=key)
    found = inspect_file(str(tmp_path / "x.png"))
    assert found.fault == "" and found.facts.traits & Trait.TRANSPARENT and found.facts.traits & Trait.RECOLOURED
    shown = decode(tmp_path / "x.png", Decoding((1, 8, 8)))[0]
    assert (shown[4:] == 255).all() and (shown[:4] == 33).all()
    assert (decode(tmp_path / "x.png", Decoding((1, 8, 8), background=None))[0][4:] != 255).all()


def test_a_colour_key_of_a_converted_image_is_not_believed(tmp_path):
    """`convert` keeps the key, although what was opaque may have the same colour."""
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette([9, 9, 9] * 2)
    image.save(tmp_path / "x.png", transparency=0)
    assert decode(Image.open(tmp_path / "x.png"), Decoding((1, 1, 2))).tolist() == [[[255, 9]]]
    assert decode(Image.open(tmp_path / "x.png").convert("RGB"), Decoding((1, 1, 2))).tolist() == [[[9, 9]]]


def test_alpha_is_said_chosen_and_part_of_the_digest(tmp_path):
    def save(path, _label, _i, opacity=255):
        Image.fromarray(numpy.dstack([noise(8, 8, 3, high=200), numpy.full((8, 8), opacity, numpy.uint8)])).save(f"{path}.png")

    spec = {"folder": str(fill(tmp_path / "set", save))}
    assert notes(spec) == [] and len({load(spec | {"alpha": alpha}).digest for alpha in ("white", "black", "drop")}) == 1
    save(tmp_path / "set" / "dark" / "00", 0, 0, 0)
    assert notes(spec) == ["1 of 40 images has transparent pixels: shown on white; data.alpha chooses"]
    assert notes(spec | {"alpha": "drop"}) == ["1 of 40 images has transparent pixels: alpha is left out; data.alpha chooses"]
    assert len({load(spec | {"alpha": alpha}).digest for alpha in ("white", "black", "drop", "#123")}) == 4


@pytest.mark.parametrize("alpha", ["whit", None, 3, "#12", "", ["white"]])
def test_a_background_that_is_no_colour(alpha):
    with pytest.raises(BlockspaceError) as caught:
        read_spec({"name": "digits", "alpha": alpha})
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-TYPE" and "data.alpha" in mistake.message and "is not a colour" in mistake.message
    assert "'#808080'" in mistake.help


@pytest.mark.parametrize("levels", [[1], [3, 3], [5, 1], [0, 1, 2], "0..5", [0, float("inf")]])
def test_levels_that_are_no_range(levels):
    with pytest.raises(BlockspaceError) as caught:
        read_spec({"name": "digits", "levels": levels})
    assert all(mistake.code == "E-TYPE" and "data.levels" in mistake.message for mistake in caught.value.mistakes)


DEEP = {  # values, and what black and white are
    "8 bits in 16": (numpy.uint16, 0, 255, (0, 255)),
    "10 bits": (numpy.uint16, 3, 1000, (0, 1023)),
    "12 bits": (numpy.uint16, 3, 4000, (0, 4095)),
    "14 bits": (numpy.uint16, 3, 9000, (0, 16383)),
    "15 bits": (numpy.uint16, 3, 30000, (0, 65535)),
    "16 bits": (numpy.uint16, 3, 65000, (0, 65535)),
    "32 bits": (numpy.int32, 0, 10**6, (0, 10**6)),
    "signed": (numpy.int32, -1000, 3000, (-1000, 3000)),
    "0..1": (numpy.float32, 0, 1, (0, 1)),
    "0..0.9": (numpy.float32, 0, 0.9, (0, 1)),
    "0..0.01": (numpy.float32, 0, 0.01, (0, numpy.float32(0.01))),
    "0..255": (numpy.float32, 0, 255, (0, 255)),
    "0..100": (numpy.float32, 0, 100, (0, 100)),
    "0..65535": (numpy.float32, 0, 65535, (0, 65535)),
    "-1..1": (numpy.float32, -1, 1, (-1, 1)),
    "Kelvin": (numpy.float32, 273, 310, (273, 310)),
}


@pytest.mark.parametrize("name", DEEP)
def test_more_than_8_bits_are_scaled_by_the_range_of_the_data(tmp_path, name):
    kind, low, high, levels = DEEP[name]

    def save(path, label, i):
        values = (RANDOM.random((8, 8)) * (high - low) + low).astype(kind)
        values[0, :2] = low, high
        Image.fromarray(values).save(f"{path}.tif")
        kept[f"{path}.tif"] = values.astype(numpy.float64)

    kept = {}
    spec = {"folder": str(fill(tmp_path / "set", save))}
    (note,) = notes(spec)
    assert note.startswith("all 40 images are of") and note.endswith("data.levels chooses") and load(spec).input_shape == (1, 8, 8)
    facts = [inspect_file(path).facts for path in kept]
    decoding = choose_decoding((1, 8, 8), facts)
    assert (decoding.floats if kind is numpy.float32 else decoding.integers) == levels
    for path, values in kept.items():
        right = (values - levels[0]) / (levels[1] - levels[0]) * 255
        shown = decode(path, decoding)[0]
        assert numpy.abs(shown - right).max() <= 1 and shown.max() > 60
    assert load(spec | {"levels": [0, 2**20]}).train.images.max() <= 255


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_byte_orders_of_16_bits_agree(tmp_path, mode):
    values = RANDOM.integers(0, 65536, (8, 8)).astype("<u2" if mode == "I;16" else ">u2")
    Image.frombytes(mode, (8, 8), values.tobytes()).save(tmp_path / "x.tif")
    assert numpy.array_equal(decode(tmp_path / "x.tif", Decoding((1, 8, 8)))[0], values.astype(int) // 257)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
def test_floats_that_are_not_finite_are_unreadable(tmp_path, value):
    values = RANDOM.random((8, 8)).astype(numpy.float32)
    values[3, 3] = value
    Image.fromarray(values).save(tmp_path / "x.tif")
    assert inspect_file(str(tmp_path / "x.tif")).fault == "values that are NaN or infinite"


def reference_rgb(image):
    """The picture by other means than ours: PIL's conversion, and ImageCms for LAB."""
    return numpy.asarray(image.convert("RGB")).transpose(2, 0, 1)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_of_8_bits_is_read(mode, channels):
    image = Image.fromarray(noise(8, 8, 3)).convert(mode) if mode != "1" else Image.fromarray(noise(8, 8)).convert("1")
    facts = examine_image(image)
    assert facts.channels == (1 if mode in ("1", "L") else 3)
    shown = decode(image, Decoding((channels, 8, 8)))
    right = reference_rgb(image)
    luma = right.transpose(1, 2, 0) @ [0.299, 0.587, 0.114]
    assert numpy.array_equal(shown, right) if channels == 3 else numpy.abs(shown[0] - luma).max() < 1


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_files_are_not_inverted(tmp_path, suffix):
    """Photoshop writes JPEG inverted, TIFF not; PIL undoes it."""
    pixels = numpy.full((16, 16, 3), (220, 40, 40), numpy.uint8)
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / f"x.{suffix}")
    assert numpy.abs(decode(tmp_path / f"x.{suffix}", Decoding((3, 16, 16))).transpose(1, 2, 0).astype(int) - pixels).max() < 8


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_read_and_said(tmp_path, suffix):
    def save(path, label, i):
        first, second = (Image.fromarray(numpy.full((8, 8, 3), level + i, numpy.uint8)) for level in (40 + 100 * label, 255 - 40))
        first.save(f"{path}.{suffix}", save_all=True, append_images=[second], **({"lossless": True} if suffix == "webp" else {}))

    spec = {"folder": str(fill(tmp_path / "set", save))}
    assert notes(spec) == ["all 40 images have several frames or pages: the first is read"]
    for label, level in ((0, 40), (1, 140)):
        name = ("dark", "light")[label]
        assert abs(int(decode(tmp_path / "set" / name / f"00.{suffix}", Decoding((1, 8, 8)))[0, 0, 0]) - level) <= 1


def test_channels_are_decided_by_all_files(tmp_path):
    spec = {"folder": str(fill(tmp_path / "set", save_noise))}
    Image.fromarray(noise(8, 8)).save(tmp_path / "set" / "dark" / "00.png")
    assert describe(spec).input_shape == load(spec).input_shape == (3, 8, 8)
    assert notes(spec) == ["1 of 40 images is grey, the others in colour: all are read as RGB; data.channels: 1 makes all grey"]
    assert load(spec | {"channels": 1}).input_shape == (1, 8, 8) and notes(spec | {"channels": 1}) == []
    grey = {"folder": str(fill(tmp_path / "grey", lambda path, *_: Image.fromarray(noise(8, 8)).save(f"{path}.png")))}
    assert load(grey).input_shape == (1, 8, 8)
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "grey" / "light" / "19.png")
    assert load(grey).input_shape == (3, 8, 8)


def test_the_size_is_that_of_most_files_or_the_median(tmp_path):
    spec = {"folder": str(fill(tmp_path / "set", save_noise))}
    Image.fromarray(noise(5, 30, 3)).save(tmp_path / "set" / "dark" / "00.png")
    assert describe(spec).input_shape == load(spec).input_shape == (3, 8, 8)
    (note,) = notes(spec)
    assert note.startswith("1 of 40 images has another size (8x8 to 5x30, height x width) and is resized and cropped to 8x8, the size")
    assert notes(spec | {"size": 8}) == []
    several = {"folder": str(fill(tmp_path / "several", lambda path, label, i: save_noise(path, label, i, 10 + i)))}
    assert describe(several).input_shape == load(several).input_shape == (3, 19, 19)
    assert "the median height and width" in notes(several)[0]


def test_a_description_that_needs_no_file_reads_none(tmp_path, monkeypatch):
    spec = {"folder": str(fill(tmp_path / "set", save_noise, 2))}
    monkeypatch.setattr("blockspace.data.scan.inspect_file", lambda name: pytest.fail("read"))
    assert describe(spec | {"size": 6, "channels": 1}).input_shape == (1, 6, 6)


def test_each_file_is_read_once_for_description_and_preflight(tmp_path, monkeypatch):
    spec = {"folder": str(fill(tmp_path / "set", save_noise))}
    read = []
    monkeypatch.setattr("blockspace.data.scan.inspect_file", lambda name: read.append(name) or inspect_file(name))
    describe(spec)
    preflight(spec)
    load(spec)
    assert len(read) == len(set(read)) == 40


def test_a_class_of_equal_images_is_warned_about(tmp_path, monkeypatch):
    def save(path, label, i):
        Image.fromarray(RANDOM.integers(100 * label, 100 * label + 100, (8, 8)).astype(numpy.uint16)).save(f"{path}.tif")

    spec = {"folder": str(fill(tmp_path / "set", save))}
    assert not any("pixel by pixel" in note for note in notes(spec))
    assert "all train images of 1 class are equal, pixel by pixel: light (14)" in notes(spec | {"levels": [0, 100]})
    monkeypatch.setattr("blockspace.data.decode.IN_MEMORY", 100)
    for name in ("train", "test"):
        fill(tmp_path / "parts" / name, save_noise, 4)
    for i in range(4):
        Image.fromarray(numpy.zeros((8, 8), numpy.uint8)).save(tmp_path / "parts" / "train" / "light" / f"{i:02}.png", compress_level=i)
    spec = {"folder": str(tmp_path / "parts"), "val": 1}
    assert "4 of 4 images of light are copies of one image" in notes(spec)


def test_the_digest_of_what_decodes_as_before_is_what_it_was(tmp_path):
    """These digests were computed by decoding 1."""

    def save(path, label, i):
        values = numpy.random.default_rng(100 * label + i).integers(0, 256, (8, 8, 3))
        if path.parent.parent.name == "deep":
            values = values[..., 0] * 257
        Image.fromarray(values.astype(numpy.uint16 if values.ndim == 2 else numpy.uint8)).save(f"{path}.tif")

    for name, digest in (("set", SET), ("deep", DEEP_SET)):
        assert load({"folder": str(fill(tmp_path / name, save))}).digest == digest


def test_files_that_show_the_same_stay_together(tmp_path):
    def save(path, label, i):
        image = Image.fromarray(noise(8, 8, 3))
        for suffix in ("png", "bmp", "tif"):
            image.save(f"{path}.{suffix}")

    spec = {"folder": str(fill(tmp_path / "set", save))}
    found = preflight(spec)
    assert found.leaked == 0 and found.repeated == (found.counts["train"] + found.counts["val"]) * 2 // 3
    data = load(spec)
    parts = [{image.numpy().tobytes() for image in split.images} for split in (*data.search_split(), data.final_split()[1])]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


def test_near_duplicates_are_reported_and_not_moved(tmp_path):
    def save(path, label, i):
        small = Image.fromarray(noise(9, 9, 3)).resize((64, 64), Image.Resampling.BICUBIC)
        part = "train" if i < 15 else "test"
        place = path.parent.parent / part / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        small.save(place / f"{i}.png")
        if i == 0:
            copy = path.parent.parent / "test" / path.parent.name
            copy.mkdir(parents=True, exist_ok=True)
            small.resize((50, 50)).save(copy / "copy.jpg", quality=80)
            small.save(copy / "same.png", compress_level=1)

    spec = {"folder": str(fill(tmp_path / "set", save)), "val": 2, "size": 32}
    for name in ("dark", "light"):
        (tmp_path / "set" / name).rmdir()
    found = preflight(spec)
    assert found.leaked == 2
    (line,) = [note for note in found.notes() if "dHash" in note]
    assert line.startswith("data: 2 of 14 test images look like one in train or val (dHash, up to 7 of 128 bits differ): ")
    assert "test/dark/copy.jpg like " in line and "train/dark/0.png" in line and str(tmp_path) not in line


def test_the_spec_writes_only_what_was_set():
    assert DataSpec(name="digits").as_dict() == {"name": "digits"}
    assert read_spec({"folder": "x", "alpha": "red", "levels": [0, 1]}).as_dict() == {"folder": "x", "alpha": "red", "levels": [0.0, 1.0]}

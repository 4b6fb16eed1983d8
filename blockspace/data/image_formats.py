"""The image formats that Pillow decodes by itself on this machine. Pillow is imported when they are asked for."""

from __future__ import annotations

from functools import cache

# EPS is drawn by another program (Ghostscript), MPEG has no decoder; WMF, EMF, GRIB, BUFR and HDF5 are stubs, left out by their class
WITHOUT_DECODER = {"EPS", "MPEG"}
COMMON = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
CODECS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "zlib", "JPEG2000": "jpg_2000"}  # formats whose codec a build of Pillow may lack


@cache
def list_image_formats() -> tuple[str, ...]:
    """Return the names of the formats, for `Image.open(file, formats=...)`: the common ones first."""
    from PIL import Image, ImageFile, features

    Image.init()
    classes = {name: factory for name, (factory, _) in Image.OPEN.items() if isinstance(factory, type)}
    stubs = {name for name, factory in classes.items() if issubclass(factory, ImageFile.StubImageFile)}
    lacking = {name for name, codec in CODECS.items() if not features.check_codec(codec)}
    ordered = dict.fromkeys((*COMMON, *sorted(Image.ID)))
    return tuple(name for name in ordered if name in Image.OPEN and name not in stubs | lacking | WITHOUT_DECODER)


@cache
def list_image_suffixes() -> frozenset[str]:
    """Return the suffixes of files in these formats, in small letters, with the dot."""
    from PIL import Image

    formats = set(list_image_formats())
    return frozenset(suffix.lower() for suffix, name in Image.registered_extensions().items() if name in formats and len(suffix) > 1)

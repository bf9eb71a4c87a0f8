#!/usr/bin/env python3
"""Make, or check, small pictures with what Pillow and torchvision make of them.

    python tests/reference/pictures.py            # writes tests/pictures/
    python tests/reference/pictures.py --check    # decodes and resizes what is there, exit 1 on a difference

Needs what `requirements.txt` lists. Out, in tests/pictures/, the paths in the index relative to it:

    index.json  {"decode": [{"file", "expected", "exact"}],
                 "resize": [{"file", "filter", "shorter_side" or null, "height", "width", "expected"}],
                 "broken": [{"file", "why"}]}

`expected` is an 8-bit RGB PNG: the file decoded, turned as its EXIF data say, as RGB; alpha is dropped.
Of 16-bit grey the upper eight bits are expected, which is libpng's rule; Pillow's own conversion clips.
A file that is not exact may differ where decoders may, by up to 5 levels: in the rounding of the
inverse DCT and of the chroma. Resizing has one right answer. With a `shorter_side` it is torchvision's
`resize` and `center_crop` to height and width, otherwise Pillow's straight to them.
"""

import argparse
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import torchvision.transforms.functional as transforms
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode

FOLDER = pathlib.Path(__file__).parent.parent / "pictures"
FILTERS = {
    "bilinear": (Image.Resampling.BILINEAR, InterpolationMode.BILINEAR),
    "bicubic": (Image.Resampling.BICUBIC, InterpolationMode.BICUBIC),
}
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def draw(width, height, levels=256):
    """[height, width, 3]: slow waves, a checked corner, an edge; integers below `levels`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / 9 + phase) * np.cos(y / (7 + phase)) for phase in (0.0, 1.3, 2.6)]
    image = 0.5 + 0.35 * np.stack(waves, axis=-1)
    checked = ((x // 2 + y // 3) % 2 == 0) & (x > width * 0.6) & (y > height * 0.5)
    image[checked] = (0.9, 0.2, 0.1)
    image[(x + 2 * y < height)] *= 0.4
    image += 0.06 * np.sin(x * 12.9898 + y * 78.233)[..., None]
    return np.clip(np.floor(image * levels), 0, levels - 1).astype(np.uint16)


def alpha_of(width, height):
    """[height, width]: from clear to opaque."""
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 255 // width + y * 255 // height) // 2).astype(np.uint16)


def pack(rows, depth):
    """PNG scanlines without filter; `rows` is [height, width, channels]."""
    out = bytearray()
    for row in rows.reshape(len(rows), -1):
        if depth == 16:
            line = row.astype(">u2").tobytes()
        elif depth == 8:
            line = row.astype(np.uint8).tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            line = np.packbits(bits.astype(np.uint8).ravel()).tobytes()
        out += b"\0" + line
    return bytes(out)


def png(samples, colour, depth, interlaced=False, palette=None, transparency=None, size=None):
    """A PNG of any colour type, depth and interlacing, which Pillow writes only in part."""
    samples = samples.reshape(*samples.shape[:2], -1)
    height, width = samples.shape[:2]
    if interlaced:
        passes = [samples[top::down, left::across] for top, left, down, across in ADAM7]
        lines = b"".join(pack(part, depth) for part in passes if part.size)
    else:
        lines = pack(samples, depth)
    width, height = size or (width, height)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))]
    if palette is not None:
        chunks.append((b"PLTE", palette.astype(np.uint8).tobytes()))
    if transparency is not None:
        chunks.append((b"tRNS", transparency))
    chunks += [(b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def encode(image, kind, **options):
    """The bytes of a file that Pillow writes."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def oriented(value):
    """EXIF data that say how the picture lies."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def inks(image):
    """A picture in four inks, black among them; Pillow stores them inverted, as Adobe does."""
    colours = 255 - np.asarray(image).astype(np.int64)
    black = colours.min(2, keepdims=True) // 2
    return Image.fromarray(np.concatenate([colours - black, black], 2).astype(np.uint8), "CMYK")


def jpegs(image):
    """{file: bytes} of the JPEG family."""
    files = {}
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        files[f"{name}.jpg"] = encode(image, "JPEG", quality=85, subsampling=subsampling)
        files[f"{name}_progressive.jpg"] = encode(
            image, "JPEG", quality=85, subsampling=subsampling, progressive=True
        )
    files["restart.jpg"] = encode(image, "JPEG", quality=85, subsampling=2, restart_marker_blocks=3)
    files["stored_as_rgb.jpg"] = encode(image, "JPEG", quality=85, keep_rgb=True)
    files["grey.jpg"] = encode(image.convert("L"), "JPEG", quality=85)
    files["grey_progressive.jpg"] = encode(image.convert("L"), "JPEG", quality=85, progressive=True)
    files["cmyk.jpg"] = encode(inks(image), "JPEG", quality=85)
    small = image.resize((37, 26))
    for value in range(1, 9):
        files[f"orientation_{value}.jpg"] = encode(
            small, "JPEG", quality=90, subsampling=0, exif=oriented(value)
        )
    return files


def pngs(width, height):
    """{file: bytes} of the PNG family."""
    image, alpha = draw(width, height), alpha_of(width, height)[..., None]
    deep, deep_alpha = draw(width, height, 65536), alpha_of(width, height)[..., None] * 257
    palette = np.array([(i * 16, 255 - i * 9, (i * 53) % 256) for i in range(16)])
    index = image[..., :1] // 16
    clear = bytes(i * 17 for i in range(16))
    colours = Image.fromarray(image.astype(np.uint8))
    files = {
        "rgb.png": png(image, RGB, 8),
        "rgb_interlaced.png": png(image, RGB, 8, interlaced=True),
        "rgb_transparent_colour.png": png(
            image, RGB, 8, transparency=image[0, 0].astype(">u2").tobytes()
        ),
        "rgba.png": png(np.concatenate([image, alpha], 2), RGBA, 8),
        "rgb16.png": png(deep, RGB, 16),
        "rgba16.png": png(np.concatenate([deep, deep_alpha], 2), RGBA, 16),
        "grey.png": png(image[..., :1], GREY, 8),
        "grey_alpha.png": png(np.concatenate([image[..., :1], alpha], 2), GREY_ALPHA, 8),
        "grey16.png": png(deep[..., :1], GREY, 16),
        "palette4_interlaced.png": png(index, PALETTE, 4, True, palette),
        "palette4_transparent.png": png(index, PALETTE, 4, False, palette, clear),
        "palette8.png": encode(colours.quantize(200), "PNG", optimize=True),
        "orientation_6.png": encode(colours.resize((29, 18)), "PNG", exif=oriented(6)),
    }
    for depth in (1, 2, 4):
        files[f"grey{depth}.png"] = png(image[..., :1] >> (8 - depth), GREY, depth)
    files["palette1.png"] = png(index // 8, PALETTE, 1, False, palette[:2])
    files["palette2.png"] = png(index // 4, PALETTE, 2, False, palette[:4])
    return files


def webps(image, alpha):
    """{file: bytes} of the WebP family."""
    clear = image.copy()
    clear.putalpha(alpha)
    return {
        "lossy.webp": encode(image, "WEBP", quality=80),
        "lossy_alpha.webp": encode(clear, "WEBP", quality=80, exact=True),
        "lossless.webp": encode(image, "WEBP", lossless=True),
        "lossless_alpha.webp": encode(clear, "WEBP", lossless=True, exact=True),
        "orientation_8.webp": encode(image.resize((29, 18)), "WEBP", lossless=True, exif=oriented(8)),
    }


def broken(files, image):
    """{file: (bytes, what is wrong)}."""
    jpeg, whole = files["420.jpg"], files["rgb.png"]
    frame = jpeg.index(b"\xff\xc0")
    no_rows = jpeg[: frame + 5] + b"\0\0" + jpeg[frame + 7 :]
    changed = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    huge = (1 << 31) - 1
    return {
        "cut.jpg": (jpeg[: len(jpeg) // 2], "ends in the middle of its data"),
        "cut_progressive.jpg": (files["444_progressive.jpg"][:-400], "ends before its last scan does"),
        "headers_only.jpg": (jpeg[: frame + 19], "ends before its first scan"),
        "no_rows.jpg": (no_rows, "its header says 61 x 0 pixels"),
        "cut.png": (whole[: len(whole) // 2], "ends in the middle of its data"),
        "changed.png": (changed, "one bit of its data is changed"),
        "no_pixels.png": (png(draw(2, 2), RGB, 8, size=(0, 0)), "its header says 0 x 0 pixels"),
        "huge.png": (png(draw(2, 2), RGB, 8, size=(huge, huge)), "its header says 2^31 - 1 pixels a side"),
        "no_palette.png": (png(draw(2, 2)[..., :1] % 2, PALETTE, 1), "its palette is missing"),
        "cut.webp": (files["lossless.webp"][: len(files["lossless.webp"]) // 2], "ends in the middle"),
        "text.jpg": (b"This is no picture.\n", "text under a picture's name"),
        "gif.png": (encode(image.resize((4, 4)), "GIF"), "a GIF under another name"),
        "empty.jpg": (b"", "no bytes"),
    }


READ_BY_PILLOW = {"broken/gif.png", "broken/no_palette.png"}
"""Broken files that Pillow makes something of: another format, and grey for a missing palette."""

RESIZES = [
    ("rgb.png", None, 32, 32),
    ("rgb.png", None, 20, 61),
    ("rgb.png", None, 47, 7),
    ("rgb.png", None, 47, 61),
    ("rgb.png", None, 1, 1),
    ("rgb.png", None, 73, 90),
    ("rgb.png", None, 90, 13),
    ("wide.png", None, 31, 31),
    ("tall.png", None, 40, 40),
    ("pixel.png", None, 5, 3),
    ("rgb.png", 36, 32, 32),
    ("rgb.png", 29, 29, 24),
    ("rgb.png", 60, 57, 56),
    ("wide.png", 20, 17, 33),
    ("wide.png", 21, 28, 28),
    ("tall.png", 33, 32, 32),
    ("orientation_6.png", 20, 16, 16),
]
"""(file, shorter side, height, width), each with both filters."""


def decode(path):
    """Upright 8-bit RGB, by Pillow."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        upright.info.pop("transparency", None)
        if upright.mode.startswith("I"):
            upright = Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
        return upright.convert("RGB")


def resize(image, shorter_side, height, width, name):
    """Resized, and cropped if there is a shorter side."""
    pillow, torchvision = FILTERS[name]
    if shorter_side is None:
        return image.resize((width, height), pillow)
    return transforms.center_crop(transforms.resize(image, shorter_side, torchvision), [height, width])


def make():
    """Writes the files that are to be read, and gives the index."""
    picture = Image.fromarray(draw(61, 47).astype(np.uint8))
    files = jpegs(picture) | pngs(61, 47)
    files |= webps(picture, Image.fromarray(alpha_of(61, 47).astype(np.uint8)))
    files["png_by_another_name.jpg"] = png(draw(9, 7), RGB, 8)
    for name, size in (("wide", (131, 24)), ("tall", (19, 120)), ("pixel", (1, 1))):
        files[f"{name}.png"] = png(draw(*size), RGB, 8)
    for old in FOLDER.glob("*/*"):
        old.unlink()
    index = {"decode": [], "resize": [], "broken": []}
    for name, data in files.items():
        write(f"files/{name}", data)
        index["decode"].append(
            {"file": f"files/{name}", "expected": f"decoded/{name}.png", "exact": data[:2] != b"\xff\xd8"}
        )
    for name, (data, why) in broken(files, picture).items():
        write(f"broken/{name}", data)
        index["broken"].append({"file": f"broken/{name}", "why": why})
    for name, shorter_side, height, width in RESIZES:
        for kind in FILTERS:
            side = f"_{shorter_side}" if shorter_side else ""
            expected = f"resized/{name.replace('.', '_')}{side}_{height}x{width}_{kind}.png"
            index["resize"].append(
                {"file": f"files/{name}", "filter": kind, "shorter_side": shorter_side}
                | {"height": height, "width": width, "expected": expected}
            )
    return index


def write(name, data):
    """Writes a file below the folder."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def results(index):
    """(path of the expected picture, what Pillow makes) for all of an index."""
    for entry in index["decode"]:
        yield entry["expected"], decode(FOLDER / entry["file"])
    for entry in index["resize"]:
        size = entry["shorter_side"], entry["height"], entry["width"]
        yield entry["expected"], resize(decode(FOLDER / entry["file"]), *size, entry["filter"])


def refused(name):
    """Whether Pillow refuses a file as well."""
    try:
        decode(FOLDER / name)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return True
    return False


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--check", action="store_true", help="compare and write nothing")
    args = parser.parse_args()
    good = True
    if args.check:
        index = json.loads((FOLDER / "index.json").read_text())
        for expected, found in results(index):
            with Image.open(FOLDER / expected) as wanted:
                same = wanted.size == found.size and wanted.tobytes() == found.tobytes()
            if not same:
                print(f"{expected}: DIFFERS")
                good = False
    else:
        index = make()
        lines = ["{"]
        for place, (key, entries) in enumerate(index.items()):
            rows = ",\n".join("    " + json.dumps(entry) for entry in entries)
            comma = "," if place < len(index) - 1 else ""
            lines.append(f'  "{key}": [\n{rows}\n  ]{comma}')
        write("index.json", ("\n".join(lines) + "\n}\n").encode())
        for expected, found in results(index):
            write(expected, encode(found, "PNG", optimize=True))
    for entry in index["broken"]:
        if entry["file"] not in READ_BY_PILLOW and not refused(entry["file"]):
            print(f"{entry['file']}: Pillow reads it, though {entry['why']}")
            good = False
    print(", ".join(f"{len(entries)} to {key}" for key, entries in index.items()))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draw the pictures of `pictures/`, or check that the network names each rightly, with room to spare.

    python draw.py                  writes pictures/<class>-<n>.jpg or .png (needs Pillow)
    python draw.py --check WEIGHTS  fails if a picture falls below FLOOR (needs torch and safetensors too)

The check puts each picture through the use it is meant for (shorter side to 32, centre crop, normalise) and
through all combinations of these: mirrored, moved by up to two pixels of the 32, resized bicubically, 10%
brighter and darker, coded anew as JPEG of quality 75. `as used` and `worst` are probabilities
of the right class.
"""
import io
import sys
from pathlib import Path

from PIL import Image, ImageEnhance

import animals as a
import subjects as s
from canvas import Canvas, Frame

HERE = Path(__file__).resolve().parent
FLOOR = 0.9


def airplane_1(c):
    c.band(-1, 1, (38, 98, 178), (168, 206, 236))
    s.clouds(c, [(-0.9, 0.7, 0.5), (0.8, 0.85, 0.6), (0.9, -0.6, 0.3)])
    s.airliner(c, Frame(0, 0, 0.9, turn=-10))


def airplane_2(c):
    c.band(-1, 0.3, (132, 162, 196), (214, 222, 228))
    s.trees(c, 0.36, 0.22, (62, 84, 58))
    s.grass(c, 0.34, (112, 140, 78), (84, 116, 56), 700)
    c.band(0.5, 0.86, (146, 146, 148), (124, 124, 128))
    s.airliner(c, Frame(0, 0.36, 0.92, mirror=True), tail=(24, 70, 150), gear=True)


def airplane_3(c):
    c.band(-1, 1, (126, 160, 200), (206, 218, 230))
    s.clouds(c, [(-0.5, 0.6, 0.8), (0.6, -0.4, 0.6), (0.3, 0.9, 0.7)], alpha=0.5)
    s.jet(c, Frame(0, 0, 0.78, turn=38))


def airplane_4(c):
    c.band(-1, 1, (70, 130, 200), (200, 224, 240))
    s.hills(c, 1.0, 0.3, (96, 124, 92))
    s.propeller(c, Frame(0, 0, 0.92, turn=-8))


def ship_1(c):
    c.band(-1, 0.1, (110, 160, 216), (222, 232, 240))
    s.clouds(c, [(-0.7, -0.55, 0.4), (0.8, -0.7, 0.35)])
    s.sea(c, 0.08, (80, 124, 160), (24, 66, 108))
    s.liner(c, Frame(0, 0.1, 0.9))


def ship_2(c):
    c.band(-1, 0.05, (150, 170, 190), (226, 222, 210))
    s.hills(c, 0.1, 0.22, (110, 126, 140))
    s.sea(c, 0.05, (110, 136, 146), (52, 84, 98))
    s.freighter(c, Frame(0, 0.12, 0.8, mirror=True))


def ship_3(c):
    c.band(-1, 0.1, (90, 140, 200), (206, 222, 236))
    s.trees(c, 0.14, 0.3, (58, 92, 60))
    s.sea(c, 0.1, (84, 122, 140), (36, 76, 100))
    s.tug(c, Frame(0, 0.16, 0.8))


def ship_4(c):
    c.band(-1, 0.2, (40, 110, 190), (186, 214, 236))
    s.sea(c, 0.2, (50, 100, 156), (18, 58, 112))
    s.sailboat(c, Frame(0, 0.2, 0.85))


def truck_1(c):
    c.band(-1, 0.2, (150, 190, 228), (226, 234, 240))
    s.trees(c, 0.25, 0.4, (70, 100, 60))
    s.road(c, 0.2)
    s.boxtruck(c, s.solid(c, 0, 0.62, 0.78, 32))


def truck_2(c):
    c.band(-1, 0.25, (120, 160, 206), (216, 224, 230))
    s.road(c, 0.25, (136, 130, 122))
    s.tractor(c, s.solid(c, 0, 0.6, 0.78, 36, mirror=True))


def truck_3(c):
    c.band(-1, 0.1, (176, 196, 214), (230, 232, 232))
    s.hills(c, 0.15, 0.3, (140, 130, 110))
    s.road(c, 0.1, (170, 146, 110), line=False)
    s.tractor(c, s.solid(c, 0, 0.6, 0.8, 28), cab=(232, 176, 40), box=(200, 140, 40), trailer=False)


def truck_4(c):
    c.band(-1, 0.25, (90, 140, 200), (210, 224, 236))
    s.trees(c, 0.3, 0.5, (54, 90, 52))
    s.road(c, 0.25)
    lorry = s.solid(c, 0, 0.6, 0.78, 28, mirror=True)
    s.boxtruck(c, lorry, cab=(190, 40, 40), box=(196, 46, 44), stripe=(244, 240, 232))


def automobile_1(c):
    c.band(-1, 0.1, (150, 180, 206), (214, 222, 226))
    s.trees(c, 0.16, 0.6, (62, 92, 56))
    s.road(c, 0.1)
    s.car(c, s.solid(c, 0, 0.42, 0.68, 34))


def automobile_2(c):
    c.band(-1, 0.0, (190, 176, 156), (170, 150, 126))
    s.road(c, 0.0, (128, 124, 122), line=False)
    s.car(c, s.solid(c, 0, 0.46, 0.82, 24, mirror=True), paint=(206, 210, 216))


def automobile_3(c):
    c.band(-1, 0.1, (110, 160, 214), (214, 226, 236))
    s.hills(c, 0.1, 0.3, (96, 130, 84))
    s.road(c, 0.1)
    s.car(c, s.solid(c, 0, 0.46, 0.82, 42), paint=(36, 78, 160), estate=True)


def horse_1(c):
    c.band(-1, 0.2, (150, 190, 226), (220, 230, 236))
    s.trees(c, 0.25, 0.4, (70, 104, 60))
    s.grass(c, 0.2, (128, 160, 76), (84, 124, 44))
    a.horse(c, Frame(0, 0, 0.92))


def horse_2(c):
    c.band(-1, 0.1, (176, 196, 214), (226, 228, 226))
    s.grass(c, 0.1, (176, 164, 110), (146, 130, 76))
    a.horse(c, Frame(0, 0.08, 0.78, mirror=True), coat=(60, 44, 38), mane=(20, 18, 18))


def horse_3(c):
    s.bokeh(c, (80, 116, 76), (90, 130, 70), [(110, 150, 90), (60, 90, 54)])
    s.grass(c, 0.3, (104, 148, 66), (74, 116, 40))
    a.horse(c, Frame(0, 0, 0.92), coat=(206, 204, 202), mane=(236, 234, 232))


def horse_4(c):
    c.band(-1, 0.2, (120, 168, 220), (216, 228, 238))
    s.grass(c, 0.2, (120, 156, 70), (80, 120, 44))
    a.horse(c, Frame(0, 0, 0.9), coat=(124, 70, 40), graze=True)


def deer_1(c):
    s.bokeh(c, (60, 88, 54), (90, 124, 60), [(90, 120, 70), (44, 66, 40)])
    s.grass(c, 0.4, (110, 140, 66), (80, 112, 44))
    a.deer(c, Frame(0, 0.04, 0.9))


def deer_2(c):
    s.bokeh(c, (96, 112, 66), (120, 120, 70), [(130, 140, 80), (70, 84, 46)])
    a.stag(c, Frame(0, 0.06, 0.9))


def deer_3(c):
    c.band(-1, 0.3, (60, 80, 60), (90, 104, 70))
    s.hills(c, 0.3, 0.4, (60, 74, 50))
    s.grass(c, 0.3, (226, 230, 236), (206, 212, 222))
    a.deer(c, Frame(0, 0.06, 0.84, mirror=True))


def frog_1(c):
    s.bokeh(c, (60, 72, 40), (70, 60, 40), [(90, 100, 50), (40, 44, 26), (110, 90, 60)])
    a.frog(c, Frame(0, 0, 0.95))


def frog_2(c):
    s.bokeh(c, (130, 120, 100), (110, 96, 78), [(150, 140, 116), (90, 80, 62)])
    c.grain(0.03, 24)
    a.frog(c, Frame(0, 0, 0.95, mirror=True), skin=(124, 94, 62), belly=(190, 170, 134), blots=(74, 54, 36))


def frog_3(c):
    s.bokeh(c, (30, 40, 26), (24, 30, 18), [(50, 64, 36), (14, 18, 12)])
    a.frog(c, Frame(0, 0, 0.95), skin=(140, 170, 50), belly=(226, 220, 160), count=6)


def bird_1(c):
    c.band(-1, 1, (150, 186, 214), (204, 218, 226))
    c.frame = Frame()
    a.branch(c, 0.62)
    a.bird(c, Frame(0, 0, 0.9))


def bird_2(c):
    s.bokeh(c, (120, 146, 84), (140, 150, 96), [(150, 170, 110), (96, 120, 64)])
    c.frame = Frame()
    a.branch(c, 0.62)
    a.bird(c, Frame(0, 0.16, 0.7, mirror=True), back=(84, 88, 92), breast=(206, 120, 70), wing=(62, 60, 60))


def bird_3(c):
    c.band(-1, -0.1, (150, 184, 214), (214, 218, 214))
    s.hills(c, -0.1, 0.12, (140, 146, 120))
    s.grass(c, -0.1, (190, 170, 112), (164, 138, 78), 900)
    a.ostrich(c, Frame(0, 0, 0.92))


WIDE, SQUARE, TALL, SMALL = (320, 256), (256, 256), (224, 280), (128, 128)
SCENES = {
    "airplane-1": (airplane_1, WIDE), "airplane-2": (airplane_2, WIDE), "airplane-3": (airplane_3, SQUARE),
    "airplane-4": (airplane_4, SMALL),
    "ship-1": (ship_1, WIDE), "ship-2": (ship_2, WIDE), "ship-3": (ship_3, SQUARE), "ship-4": (ship_4, SMALL),
    "truck-1": (truck_1, WIDE), "truck-2": (truck_2, SMALL), "truck-3": (truck_3, SQUARE),
    "truck-4": (truck_4, WIDE),
    "automobile-1": (automobile_1, WIDE), "automobile-2": (automobile_2, SQUARE),
    "automobile-3": (automobile_3, SQUARE),
    "horse-1": (horse_1, WIDE), "horse-2": (horse_2, SQUARE), "horse-3": (horse_3, SQUARE),
    "horse-4": (horse_4, SQUARE),
    "deer-1": (deer_1, TALL), "deer-2": (deer_2, SQUARE), "deer-3": (deer_3, SQUARE),
    "frog-1": (frog_1, SQUARE), "frog-2": (frog_2, SQUARE), "frog-3": (frog_3, SMALL),
    "bird-1": (bird_1, SQUARE), "bird-2": (bird_2, SQUARE), "bird-3": (bird_3, TALL),
}
PNG = {"airplane-4", "frog-3", "ship-4", "truck-2"}


def draw(name):
    """One picture, finished."""
    scene, size = SCENES[name]
    canvas = Canvas(*size, seed=name)
    scene(canvas)
    canvas.grain(0.012, 7 if name not in PNG else 0)
    return canvas.finish(0.6 if name not in PNG else 0.3)


def write():
    folder = HERE / "pictures"
    folder.mkdir(exist_ok=True)
    for name in SCENES:
        if name in PNG:
            draw(name).save(folder / f"{name}.png", optimize=True)
        else:
            draw(name).save(folder / f"{name}.jpg", quality=90)


def thumbnail(image, resample):
    """Shorter side to 32, centre crop."""
    w, h = image.size
    k = 32 / min(w, h)
    w, h = round(w * k), round(h * k)
    x, y = (w - 32) // 2, (h - 32) // 2
    return image.resize((w, h), resample).crop((x, y, x + 32, y + 32))


def variations(image):
    """The picture as used, first, then every combination of the variations but the moves."""
    again = io.BytesIO()
    image.save(again, "JPEG", quality=75)
    for source in (image, Image.open(again)):
        for resample in (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC):
            small = thumbnail(source, resample)
            for bright in (1.0, 0.9, 1.1):
                lit = ImageEnhance.Brightness(small).enhance(bright)
                yield lit
                yield lit.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def check(weights, only=""):
    """Prints the table; returns whether every picture holds."""
    import numpy as np
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
    from train import CLASSES, MEAN, STD, ResNet20

    model = ResNet20()
    model.load_state_dict(load_file(weights), strict=False)
    model.eval()
    good = True
    print(f"{'picture':<18}{'bytes':>7}{'as used':>9}{'worst':>8}{'wrong':>10}  nearest other class")
    paths = [HERE / "pictures" / f"{name}.{'png' if name in PNG else 'jpg'}" for name in SCENES]
    for path in (p for p in paths if p.stem.startswith(only)):
        label = CLASSES.index(path.stem.split("-")[0])
        image = Image.open(path).convert("RGB")
        x = np.stack([np.asarray(v) for v in variations(image)])
        x = F.pad(torch.tensor(x).permute(0, 3, 1, 2).float() / 255, (2, 2, 2, 2), mode="reflect")
        moves = [(0, 0)] + [(i, j) for i in range(-2, 3) for j in range(-2, 3) if 0 < abs(i) + abs(j) <= 2]
        x = torch.cat([x[:, :, 2 + i:34 + i, 2 + j:34 + j] for i, j in moves])
        with torch.inference_mode():
            p = model((x - MEAN) / STD).softmax(1)
        wrong = int((p.argmax(1) != label).sum())
        other = p.mean(0).index_fill(0, torch.tensor(label), 0)
        used, worst = float(p[0, label]), float(p[:, label].min())
        good &= worst >= FLOOR and not wrong
        rival = f"{CLASSES[int(other.argmax())]} {float(other.max()):.3f}"
        print(f"{path.name:<18}{path.stat().st_size:>7}{used:>9.3f}{worst:>8.3f}{wrong:>6}/{len(x)}  {rival}")
    return good


def main():
    if sys.argv[1:2] == ["--check"] and len(sys.argv) > 2:
        sys.exit(0 if check(*sys.argv[2:4]) else 1)
    write()


if __name__ == "__main__":
    main()

"""Drawing kit: a picture under way, soft masks to paint through, and solids in weak perspective.

Coordinates are in halves of the shorter side from the centre, x to the right and y down, so that the square
-1..1 is what a centre crop keeps. All is drawn SCALE times too large and shrunk once at the end, which is the
only antialiasing. All chance comes from the canvas's own seeded generator: a seed gives the same pixels.
"""
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SCALE = 3


def mix(a, b, t):
    """The colour at t (0 to 1) on the way from a to b."""
    return tuple(round(p + (q - p) * t) for p, q in zip(a, b))


def tone(colour, t):
    """The colour lightened (t > 0, towards white) or darkened (t < 0, towards black)."""
    return mix(colour, (255, 255, 255) if t > 0 else (0, 0, 0), abs(t))


def curve(points, closed=True, steps=8):
    """Catmull-Rom curve through the points, as a polyline."""
    n, out = len(points), []
    for i in range(n if closed else n - 1):
        ps = [points[(i + k) % n] if closed else points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2)]
        for s in range(steps):
            t = s / steps
            w = (-t + 2 * t * t - t ** 3, 2 - 5 * t * t + 3 * t ** 3, t + 4 * t * t - 3 * t ** 3,
                 t ** 3 - t * t)
            out.append(tuple(sum(c * p[d] for c, p in zip(w, ps)) / 2 for d in (0, 1)))
    return out if closed else out + [points[-1]]


class Frame:
    """Where a subject stands: local coordinates are turned, mirrored, scaled and moved into the picture."""

    def __init__(self, x=0.0, y=0.0, size=1.0, mirror=False, turn=0.0):
        self.x, self.y, self.size, self.sign = x, y, size, (-1 if mirror else 1)
        self.c, self.s = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def __call__(self, p):
        x, y = self.c * p[0] - self.s * p[1], self.s * p[0] + self.c * p[1]
        return self.x + self.sign * self.size * x, self.y + self.size * y


class Canvas:
    """A picture under way."""

    def __init__(self, width, height, seed):
        self.size, self.rng = (width, height), random.Random(seed)
        self.w, self.h = width * SCALE, height * SCALE
        self.image = Image.new("RGB", (self.w, self.h))
        self.unit = min(self.w, self.h) / 2
        # x runs from -side to side, y from -tall to tall
        self.side, self.tall = self.w / 2 / self.unit, self.h / 2 / self.unit
        self.frame = Frame()

    def px(self, p):
        return self.w / 2 + p[0] * self.unit, self.h / 2 + p[1] * self.unit

    def mask(self, frame=None):
        return Mask(self, frame or self.frame)

    def poly(self, points, top, bottom=None, smooth=False, blur=0.0, alpha=1.0):
        """Fills a polygon of the current frame, with a gradient where two colours are given."""
        m = self.mask()
        m.poly(points, smooth)
        m.paint(top, bottom, blur=blur, alpha=alpha)

    def line(self, points, width, colour, blur=0.0, alpha=1.0):
        """A stroke of constant width, round at the joints."""
        m = self.mask()
        m.limb(points, [width / 2] * len(points))
        m.paint(colour, blur=blur, alpha=alpha)

    def disc(self, x, y, rx, ry, top, bottom=None, blur=0.0, alpha=1.0):
        """A filled ellipse."""
        m = self.mask()
        m.disc(x, y, rx, ry)
        m.paint(top, bottom, blur=blur, alpha=alpha)

    def band(self, y0, y1, top, bottom):
        """A vertical gradient over the whole width from y0 down to y1; -1 and 1 stand for the very edges."""
        y0, y1 = (-self.tall if y0 == -1 else y0), (self.tall if y1 == 1 else y1)
        a, b = round(self.px((0, y0))[1]), round(self.px((0, y1))[1])
        self.image.paste(gradient((self.w, b - a), top, bottom), (0, a))

    def scatter(self, count, y0, y1, draw, x0=None, x1=None):
        """Calls draw(x, y, rng) at random places, those farther up first."""
        x0, x1 = (-self.side if x0 is None else x0), (self.side if x1 is None else x1)
        spots = sorted(((self.rng.uniform(y0, y1), self.rng.uniform(x0, x1)) for _ in range(count)))
        pencil = ImageDraw.Draw(self.image)
        for y, x in spots:
            draw(pencil, x, y, self.rng)

    def grain(self, cell, amount, mask=None):
        """Adds grey noise in cells of `cell`, at most `amount` of 255 up or down."""
        w, h = max(2, round(2 * self.side / cell)), max(2, round(2 * self.tall / cell))
        noise = Image.frombytes("L", (w, h), self.rng.randbytes(w * h))
        noise = noise.resize((self.w, self.h), Image.Resampling.BICUBIC)
        noise = noise.point([round(128 + (v - 128) * amount / 128) for v in range(256)])
        rough = ImageChops.add(self.image, Image.merge("RGB", [noise] * 3), 1, -128)
        self.image = rough if mask is None else Image.composite(rough, self.image, mask)

    def finish(self, soften=0.6):
        """The picture at its own size, softened by a blur of `soften` pixels."""
        image = self.image.filter(ImageFilter.GaussianBlur(soften * SCALE))
        return image.resize(self.size, Image.Resampling.BOX)


class Mask:
    """A region built of several shapes, painted as one so that they share a gradient and a shaded rim."""

    def __init__(self, canvas, frame):
        self.canvas, self.frame = canvas, frame
        self.image = Image.new("L", (canvas.w, canvas.h))
        self.pencil = ImageDraw.Draw(self.image)

    def at(self, p):
        return self.canvas.px(self.frame(p))

    def poly(self, points, smooth=False):
        self.pencil.polygon([self.at(p) for p in (curve(points) if smooth else points)], fill=255)

    def disc(self, x, y, rx, ry):
        turns = [2 * math.pi * i / 40 for i in range(40)]
        self.poly([(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns])

    def limb(self, points, radii):
        """A tapering stroke through the points."""
        track = curve([(x, y) for x, y in points], closed=False, steps=10)
        k = self.frame.size * self.canvas.unit
        for i, p in enumerate(track):
            j = min(i // 10, len(radii) - 2)
            r = k * (radii[j] + (radii[j + 1] - radii[j]) * min(i / 10 - j, 1))
            x, y = self.at(p)
            self.pencil.ellipse((x - r, y - r, x + r, y + r), fill=255)
            if i:
                self.pencil.line([self.at(track[i - 1]), (x, y)], fill=255, width=max(1, round(2 * r)))

    def paint(self, top, bottom=None, blur=0.0, alpha=1.0, shade=0.0, grain=None):
        """Paints the region; `shade` darkens its lower right rim, `grain` is (cell, amount) of noise."""
        c, box = self.canvas, self.image.getbbox()
        if not box:
            return
        image = self.image
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur * c.unit))
            box = image.getbbox()
        fill = Image.new("RGB", (c.w, c.h), top)
        if bottom:
            fill.paste(gradient((box[2] - box[0], box[3] - box[1]), top, bottom), box[:2])
        if shade:
            near = self.image.filter(ImageFilter.GaussianBlur(0.1 * c.unit))
            near = ImageChops.offset(near, round(-0.04 * c.unit), round(-0.07 * c.unit))
            dark = near.point([round(255 * shade * (1 - v / 255)) for v in range(256)])
            fill.paste((0, 0, 0), mask=dark)
        if alpha < 1:
            image = image.point([round(v * alpha) for v in range(256)])
        c.image.paste(fill, mask=image)
        if grain:
            c.grain(*grain, mask=image)


def gradient(size, top, bottom):
    """A vertical gradient."""
    ramp = Image.linear_gradient("L").resize((size[0], max(1, size[1])), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", ramp.size, bottom), Image.new("RGB", ramp.size, top), ramp)


class Solid:
    """A body seen from a little above: x is forward, y up from the ground, z towards the viewer at yaw 0."""

    def __init__(self, canvas, x, y, size, yaw, pitch=8.0, mirror=False, depth=0.16):
        self.canvas, self.x, self.y, self.size, self.depth = canvas, x, y, size, depth
        self.yaw, self.pitch, self.sign = math.radians(yaw), math.radians(pitch), (-1 if mirror else 1)

    def project(self, p):
        x, y, z = p
        u = x * math.cos(self.yaw) - z * math.sin(self.yaw)
        d = x * math.sin(self.yaw) + z * math.cos(self.yaw)
        v = -y * math.cos(self.pitch) + d * math.sin(self.pitch)
        k = self.size / (1 - self.depth * d)
        return self.x + self.sign * k * u, self.y + k * v

    def poly(self, points, top, bottom=None, blur=0.0, alpha=1.0):
        m = self.canvas.mask(Frame())
        m.poly([self.project(p) for p in points])
        m.paint(top, bottom, blur=blur, alpha=alpha)

    def extrude(self, profile, colour, light=(0.35, -0.12, -0.5)):
        """Sweeps a clockwise outline of (x, y, half width) across z.

        `light` tones the faces that look up, ahead and down.
        """
        n = len(profile)
        for i in range(n):
            (x0, y0, a), (x1, y1, b) = profile[i], profile[(i + 1) % n]
            quad = [(x0, y0, -a), (x1, y1, -b), (x1, y1, b), (x0, y0, a)]
            flat = [self.project(p) for p in quad]
            area = sum(p[0] * q[1] - q[0] * p[1] for p, q in zip(flat, flat[1:] + flat[:1])) * self.sign
            if area > 0:
                length = math.hypot(x1 - x0, y1 - y0) or 1
                up = (x1 - x0) / length
                t = light[1] + (light[0] - light[1]) * up if up > 0 else light[1] + (light[1] - light[2]) * up
                self.poly(quad, tone(colour, t))
        self.poly([(x, y, w) for x, y, w in profile], tone(colour, 0.08), tone(colour, -0.15))

    def wheel(self, x, z, radius, width, hub=(170, 172, 178)):
        """A wheel on the ground, its outer side at z and its tread towards z - width."""
        ring = [(math.cos(2 * math.pi * i / 28), math.sin(2 * math.pi * i / 28)) for i in range(28)]
        for k in range(7):
            zz = z - width * (1 - k / 6)
            self.poly([(x + radius * c, radius + radius * s, zz) for c, s in ring], (24, 24, 26))
        for share, top, bottom in ((1, (38, 38, 41), None), (0.58, tone(hub, 0.2), tone(hub, -0.3)),
                                   (0.2, tone(hub, -0.5), None)):
            self.poly([(x + share * radius * c, radius + share * radius * s, z) for c, s in ring], top,
                      bottom)

    def shadow(self, x0, x1, half, alpha=0.55):
        """A soft shadow on the ground below."""
        self.poly([(x0, 0, -half), (x1, 0, -half), (x1, 0, half), (x0, 0, half)], (12, 12, 18), blur=0.035,
                  alpha=alpha)

"""Backgrounds, airplanes, ships and vehicles: a function draws one thing, in the colours and pose given.

Subjects face right and fill about -1..1 of their frame. Vehicles are solids, which can stand at any angle.
"""
from canvas import Frame, Solid, mix, tone


# Backgrounds


def clouds(c, spots, colour=(255, 255, 255), alpha=0.75):
    """A soft cloud at each (x, y, size)."""
    for x, y, size in spots:
        m = c.mask(Frame(x, y, size))
        for _ in range(9):
            u, r = c.rng.uniform(-0.9, 0.9), c.rng.uniform(0.12, 0.3)
            m.disc(u, 0.1 - r * (1 - 0.6 * abs(u)), r * 1.3, r)
        m.paint(colour, tone(colour, -0.15), blur=0.035, alpha=alpha)


def sea(c, horizon, far, near):
    """Water up to the horizon, with ripples that widen towards the viewer."""
    c.band(horizon, 1, far, near)

    def ripple(pencil, x, y, rng):
        k = 0.15 + 0.85 * (y - horizon) / (c.tall - horizon)
        colour = tone(mix(far, near, k), rng.choice((-0.22, -0.12, 0.12, 0.22, 0.3)))
        half = k * rng.uniform(0.04, 0.14)
        pencil.line([c.px((x - half, y)), c.px((x + half, y))], fill=colour,
                    width=max(1, round(c.unit * 0.012 * k)))

    c.scatter(260, horizon + 0.02, c.tall, ripple)


def grass(c, top, far, near, blades=1500):
    """A meadow from height `top` down, of short strokes."""
    c.band(top, 1, far, near)

    def blade(pencil, x, y, rng):
        k = (y - top) / (c.tall - top)
        colour = tone(mix(far, near, k), rng.uniform(-0.22, 0.2))
        tip = (x + rng.uniform(-0.02, 0.02), y - 0.02 - 0.06 * k)
        pencil.line([c.px((x, y)), c.px(tip)], fill=colour, width=max(1, round(c.unit * 0.008)))

    c.scatter(blades, top, c.tall + 0.05, blade)


def trees(c, base, height, colour, count=26):
    """A line of leafy crowns that stands on height `base`."""
    for _ in range(count):
        x, h = c.rng.uniform(-c.side, c.side), height * c.rng.uniform(0.5, 1)
        shade = tone(colour, c.rng.uniform(-0.35, 0.12))
        m = c.mask(Frame(x, base - h * 0.5))
        for _ in range(5):
            m.disc(c.rng.uniform(-0.12, 0.12), c.rng.uniform(-0.35, 0.3) * h, c.rng.uniform(0.07, 0.14),
                   h * 0.3)
        m.disc(0, 0.25 * h, 0.14, 0.3 * h)
        m.paint(tone(shade, 0.12), tone(shade, -0.35), blur=0.006)


def hills(c, base, height, colour):
    """A ridge of rounded hills that stands on height `base`."""
    tops = [base - height * (0.45 + 0.55 * (i * 0.618 % 1)) for i in range(13)]
    ridge = [(-c.side - 0.3 + 0.35 * i, y) for i, y in enumerate(tops)]
    c.frame = Frame()
    c.poly([(-c.side - 0.6, base + 0.2)] + ridge + [(c.side + 4, base + 0.2)], tone(colour, 0.1),
           tone(colour, -0.1), smooth=True)


def road(c, top, colour=(120, 120, 124), line=True):
    """Asphalt from height `top` down, with an edge and a dashed line."""
    c.band(top, 1, tone(colour, 0.12), tone(colour, -0.12))
    c.frame = Frame()
    c.poly([(-c.side, top), (c.side, top), (c.side, top + 0.03), (-c.side, top + 0.03)], tone(colour, 0.35))
    if line:
        for i in range(-4, 5):
            c.poly([(0.5 * i, 0.86), (0.5 * i + 0.24, 0.86), (0.5 * i + 0.22, 0.9), (0.5 * i - 0.02, 0.9)],
                   (226, 224, 214))


def bokeh(c, top, bottom, spots, count=30):
    """An out-of-focus background: a gradient with large soft discs of the colours in `spots`."""
    c.band(-1, 1, top, bottom)
    c.frame = Frame()
    for _ in range(count):
        r = c.rng.uniform(0.12, 0.4)
        c.disc(c.rng.uniform(-c.side, c.side), c.rng.uniform(-c.tall, c.tall), r, r, c.rng.choice(spots),
               blur=0.1, alpha=0.35)


# Airplanes


def airliner(c, frame, body=(244, 245, 248), tail=(196, 40, 48), belly=(150, 158, 172), gear=False):
    """An airliner from the side, nose to the right, its near wing swept back towards the viewer."""
    c.frame = frame
    c.poly([(0.1, -0.1), (-0.22, -0.36), (-0.34, -0.36), (-0.18, -0.08)], tone(belly, 0.1))
    c.poly([(-0.62, -0.08), (-0.92, -0.2), (-1.0, -0.2), (-0.84, -0.05)], tone(belly, -0.1))
    c.poly([(-0.56, -0.12), (-0.86, -0.48), (-1.0, -0.48), (-0.9, -0.08)], tail, tone(tail, -0.15))
    if gear:
        for x in (0.68, -0.1, -0.2):
            c.line([(x, 0.05), (x, 0.25)], 0.03, (70, 70, 76))
            c.disc(x, 0.27, 0.045, 0.045, (26, 26, 28))
    m = c.mask()
    m.poly([(0.98, 0.02), (0.9, -0.07), (0.72, -0.14), (0.2, -0.145), (-0.5, -0.14), (-0.96, -0.1),
            (-0.98, -0.06), (-0.55, 0.09), (0.1, 0.13), (0.7, 0.12), (0.92, 0.08)], smooth=True)
    m.paint(body, belly, shade=0.25)
    c.poly([(0.79, -0.1), (0.88, -0.06), (0.87, -0.025), (0.76, -0.045)], (40, 48, 66))
    for i in range(17):
        c.disc(0.62 - 0.068 * i, -0.045, 0.016, 0.02, (66, 78, 104))
    c.line([(0.9, 0.035), (0.2, 0.04), (-0.7, 0.01)], 0.022, tail)
    c.disc(0.08, 0.2, 0.14, 0.06, tone(belly, 0.15), tone(belly, -0.45))
    c.disc(0.2, 0.2, 0.025, 0.055, (44, 46, 54))
    c.poly([(0.24, 0.06), (-0.12, 0.09), (-0.5, 0.42), (-0.38, 0.43), (-0.05, 0.3)], tone(belly, 0.3),
           tone(belly, -0.25))
    c.poly([(-0.66, 0.0), (-0.84, 0.02), (-1.04, 0.14), (-0.95, 0.15)], tone(belly, 0.25), tone(belly, -0.1))


def jet(c, frame, body=(120, 128, 136)):
    """A fighter from above, nose up, delta wings."""
    c.frame = frame
    dark = tone(body, -0.45)
    c.poly([(0, -0.35), (0.78, 0.4), (0.78, 0.54), (0.12, 0.6), (-0.12, 0.6), (-0.78, 0.54), (-0.78, 0.4)],
           tone(body, 0.12), tone(body, -0.2))
    c.poly([(0.1, 0.5), (0.42, 0.8), (0.42, 0.9), (0.08, 0.84)], body, dark)
    c.poly([(-0.1, 0.5), (-0.42, 0.8), (-0.42, 0.9), (-0.08, 0.84)], body, dark)
    m = c.mask()
    m.limb([(0, -0.96), (0, -0.6), (0, -0.1), (0, 0.4), (0, 0.82)], [0.012, 0.09, 0.14, 0.15, 0.1])
    m.paint(tone(body, 0.25), tone(body, -0.1), shade=0.45)
    c.disc(0, -0.5, 0.055, 0.15, (30, 38, 56), (90, 104, 130))
    c.disc(0, 0.88, 0.09, 0.04, (34, 32, 34))
    for s in (-1, 1):
        c.line([(0.16 * s, -0.16), (0.16 * s, 0.55)], 0.014, dark)
        c.disc(0.5 * s, 0.42, 0.07, 0.07, (214, 216, 222))
        c.disc(0.5 * s, 0.42, 0.035, 0.035, (60, 80, 140))


def propeller(c, frame, body=(226, 178, 60), trim=(170, 44, 40)):
    """A light high-wing airplane from ahead and aside, nose to the right."""
    c.frame = frame
    c.poly([(0.3, -0.3), (0.9, -0.5), (0.86, -0.56), (0.08, -0.34)], tone(body, -0.25))
    c.poly([(-0.6, -0.02), (-0.82, -0.42), (-0.98, -0.4), (-0.9, 0.02)], trim, tone(trim, -0.2))
    m = c.mask()
    m.poly([(0.72, 0.0), (0.62, -0.1), (0.36, -0.14), (0.2, -0.3), (-0.12, -0.3), (-0.36, -0.12),
            (-0.95, -0.06), (-0.95, 0.02), (-0.2, 0.2), (0.4, 0.2), (0.68, 0.12)], smooth=True)
    m.paint(tone(body, 0.15), tone(body, -0.25), shade=0.35)
    c.poly([(0.34, -0.13), (0.2, -0.27), (-0.1, -0.27), (-0.22, -0.12)], (168, 196, 220), (72, 92, 120))
    c.line([(0.68, 0.06), (-0.2, 0.06), (-0.92, -0.02)], 0.04, trim)
    c.poly([(-0.7, -0.02), (-0.86, -0.02), (-1.08, 0.14), (-0.9, 0.12)], body, tone(body, -0.3))
    c.line([(0.16, 0.12), (-0.3, -0.2)], 0.02, (90, 90, 94))
    c.poly([(0.3, -0.31), (-0.04, -0.33), (-0.8, 0.06), (-0.68, 0.2), (0.2, -0.22)], tone(body, 0.2),
           tone(body, -0.15))
    for x in (0.5, 0.02, 0.2):
        c.line([(x, 0.16), (x + 0.02, 0.34)], 0.03, (70, 70, 74))
        c.disc(x + 0.02, 0.36, 0.06, 0.06, (28, 28, 30))
    c.disc(0.76, 0.02, 0.05, 0.05, (70, 70, 76))
    c.disc(0.78, 0.02, 0.015, 0.3, (60, 60, 66), alpha=0.7)


# Ships


def hull(c, colour, keel=(150, 40, 36)):
    """A hull in the current frame, bow to the right, water at y = 0.32."""
    bow, stern, deck = 0.98, -0.92, -0.02
    m = c.mask()
    m.poly([(bow, deck - 0.14), (0.5, deck), (stern + 0.1, deck), (stern, deck - 0.06), (stern + 0.07, 0.34),
            (0.74, 0.34)])
    m.paint(tone(colour, 0.1), tone(colour, -0.25))
    c.poly([(stern + 0.06, 0.25), (0.79, 0.25), (0.74, 0.34), (stern + 0.08, 0.34)], keel)
    c.line([(bow - 0.02, deck - 0.13), (0.5, deck + 0.01), (stern + 0.08, deck + 0.01)], 0.026,
           (240, 240, 240))


def wake(c):
    """Foam and a reflection along the waterline of the current frame."""
    c.poly([(-1, 0.35), (0.84, 0.35), (0.7, 0.56), (-0.86, 0.56)], (16, 28, 44), blur=0.04, alpha=0.4)
    for _ in range(26):
        x = c.rng.uniform(-1.05, 0.85)
        c.disc(x, 0.35 + c.rng.uniform(-0.015, 0.03), c.rng.uniform(0.04, 0.12), 0.014, (236, 242, 246),
               blur=0.006, alpha=0.7)


def liner(c, frame, colour=(28, 36, 66), funnel=(206, 52, 40), funnels=2):
    """A passenger ship from the side."""
    c.frame = frame
    white = (246, 246, 244)
    for i in range(funnels):
        x = 0.12 - 0.36 * i
        c.poly([(x, -0.3), (x - 0.05, -0.64), (x - 0.21, -0.64), (x - 0.18, -0.3)], tone(funnel, 0.1),
               tone(funnel, -0.15))
        c.poly([(x - 0.042, -0.57), (x - 0.05, -0.64), (x - 0.21, -0.64), (x - 0.203, -0.57)], (26, 26, 30))
    c.line([(0.5, -0.1), (0.47, -0.62)], 0.02, (120, 100, 80))
    c.line([(-0.72, -0.1), (-0.75, -0.5)], 0.02, (120, 100, 80))
    c.poly([(0.58, 0.0), (0.5, -0.14), (-0.78, -0.14), (-0.8, 0.0)], white, tone(white, -0.12))
    c.poly([(0.44, -0.13), (0.36, -0.25), (-0.62, -0.25), (-0.62, -0.13)], white, tone(white, -0.1))
    c.poly([(0.3, -0.24), (0.24, -0.34), (-0.46, -0.34), (-0.46, -0.24)], white, tone(white, -0.1))
    for y, x0, x1 in ((-0.07, -0.72, 0.5), (-0.19, -0.56, 0.38), (-0.29, -0.4, 0.24)):
        for i in range(round((x1 - x0) / 0.07)):
            c.disc(x0 + 0.07 * i, y, 0.018, 0.024, (70, 84, 104))
    hull(c, colour)
    wake(c)


def freighter(c, frame, colour=(150, 44, 38)):
    """A cargo ship from the side, bridge aft, laden with containers."""
    c.frame = frame
    white = (240, 238, 230)
    paints = [(190, 70, 50), (50, 96, 150), (214, 160, 60), (70, 128, 96), (160, 164, 170), (120, 60, 48)]
    for i in range(8):
        for j in range(c.rng.choice((1, 2, 2, 3))):
            x, y, paint = -0.36 + 0.125 * i, -0.02 - 0.11 * j, c.rng.choice(paints)
            box = [(x, y), (x + 0.118, y), (x + 0.118, y - 0.105), (x, y - 0.105)]
            c.poly(box, tone(paint, 0.1), tone(paint, -0.2))
    c.poly([(-0.44, 0), (-0.44, -0.4), (-0.82, -0.4), (-0.84, 0)], white, tone(white, -0.15))
    c.poly([(-0.4, -0.38), (-0.42, -0.48), (-0.72, -0.48), (-0.72, -0.38)], white, tone(white, -0.1))
    c.poly([(-0.42, -0.41), (-0.43, -0.455), (-0.7, -0.455), (-0.7, -0.41)], (52, 62, 80))
    for y in (-0.3, -0.19, -0.08):
        for i in range(5):
            c.disc(-0.78 + 0.075 * i, y, 0.02, 0.022, (64, 76, 96))
    c.poly([(-0.66, -0.46), (-0.67, -0.66), (-0.8, -0.66), (-0.81, -0.46)], (40, 44, 52))
    c.poly([(-0.665, -0.54), (-0.668, -0.6), (-0.802, -0.6), (-0.806, -0.54)], colour)
    c.line([(0.82, -0.1), (0.82, -0.4)], 0.02, (90, 90, 90))
    hull(c, colour, keel=tone(colour, -0.4))
    wake(c)


def tug(c, frame, colour=(40, 84, 70), house=(244, 236, 214), funnel=(220, 120, 40)):
    """A small working boat, wheelhouse forward."""
    c.frame = frame
    c.line([(-0.1, -0.2), (-0.1, -0.86)], 0.03, (110, 84, 60))
    c.line([(-0.1, -0.8), (0.7, -0.14)], 0.01, (70, 60, 54))
    c.line([(-0.1, -0.8), (-0.8, -0.06)], 0.01, (70, 60, 54))
    c.poly([(-0.28, -0.1), (-0.3, -0.5), (-0.5, -0.5), (-0.5, -0.1)], tone(funnel, 0.1), tone(funnel, -0.2))
    c.poly([(-0.296, -0.42), (-0.3, -0.5), (-0.5, -0.5), (-0.5, -0.42)], (30, 30, 32))
    c.poly([(0.46, 0), (0.42, -0.24), (-0.6, -0.24), (-0.6, 0)], house, tone(house, -0.15))
    c.poly([(0.34, -0.22), (0.3, -0.54), (-0.16, -0.54), (-0.18, -0.22)], tone(house, 0.3), tone(house, -0.1))
    c.poly([(0.36, -0.52), (0.34, -0.58), (-0.2, -0.58), (-0.2, -0.52)], tone(colour, -0.1))
    for x in (-0.1, 0.05, 0.19):
        c.poly([(x, -0.34), (x, -0.47), (x + 0.1, -0.47), (x + 0.1, -0.34)], (60, 80, 104), (110, 132, 150))
    for x in (-0.46, -0.26, -0.06, 0.14, 0.32):
        c.disc(x, -0.11, 0.035, 0.035, (70, 84, 100))
    hull(c, colour)
    wake(c)


def sailboat(c, frame, colour=(30, 48, 90), cloth=(246, 244, 236)):
    """A sloop under full sail."""
    c.frame = frame
    c.line([(0.06, 0.1), (0.06, -1.02)], 0.024, (120, 92, 66))
    c.poly([(0.02, -0.98), (0.02, 0.0), (-0.66, 0.02), (-0.4, -0.36)], cloth, tone(cloth, -0.15))
    c.poly([(0.1, -0.86), (0.82, 0.0), (0.14, 0.02)], tone(cloth, -0.05), tone(cloth, -0.2))
    for y in (-0.7, -0.45, -0.2):
        c.line([(0.02, y), (-0.34 - 0.4 * (y + 0.7), y + 0.03)], 0.008, tone(cloth, -0.3))
    c.poly([(0.95, 0.06), (-0.8, 0.06), (-0.7, 0.34), (0.66, 0.34)], tone(colour, 0.12), tone(colour, -0.2))
    c.line([(0.93, 0.07), (-0.79, 0.07)], 0.03, (236, 232, 220))
    c.poly([(0.2, 0.06), (0.1, -0.03), (-0.36, -0.03), (-0.4, 0.06)], (236, 232, 222))
    wake(c)


# Vehicles


def boxtruck(c, solid, cab=(240, 240, 236), box=(244, 244, 240), stripe=(40, 84, 160)):
    """A lorry with a flat-fronted cab and a closed box body."""
    s, rear = solid, -1.0
    s.shadow(rear - 0.05, 1.05, 0.46)
    for x in (0.68, rear + 0.3, rear + 0.62):
        s.wheel(x, -0.2, 0.17, 0.16)
    s.extrude([(rear, 0.2, 0.3), (rear, 0.3, 0.3), (0.6, 0.3, 0.3), (0.6, 0.2, 0.3)], (44, 46, 50))
    s.extrude([(0.42, 0.16, 0.36), (0.42, 0.98, 0.36), (0.78, 0.98, 0.35), (0.92, 0.6, 0.36),
               (0.94, 0.16, 0.36)], cab)
    s.poly([(0.8, 0.93, -0.31), (0.915, 0.62, -0.32), (0.915, 0.62, 0.32), (0.8, 0.93, 0.31)], (96, 116, 140),
           (34, 42, 56))
    s.poly([(0.5, 0.62, 0.365), (0.5, 0.9, 0.36), (0.75, 0.9, 0.355), (0.85, 0.62, 0.365)], (110, 130, 152),
           (40, 48, 62))
    s.poly([(0.942, 0.2, -0.34), (0.942, 0.34, -0.34), (0.942, 0.34, 0.34), (0.942, 0.2, 0.34)], (50, 52, 58))
    s.poly([(0.935, 0.4, -0.2), (0.93, 0.54, -0.2), (0.93, 0.54, 0.2), (0.935, 0.4, 0.2)], (70, 72, 78),
           (30, 30, 34))
    for z in (-0.28, 0.28):
        s.poly([(0.945, 0.24, z - 0.06), (0.945, 0.33, z - 0.06), (0.945, 0.33, z + 0.06),
                (0.945, 0.24, z + 0.06)], (255, 244, 200))
    s.extrude([(rear, 0.3, 0.4), (rear, 1.26, 0.4), (0.38, 1.26, 0.4), (0.38, 0.3, 0.4)], box,
              light=(0.4, -0.25, -0.6))
    band = [(rear, 0.62, 0.402), (rear, 0.82, 0.402), (0.38, 0.82, 0.402), (0.38, 0.62, 0.402)]
    s.poly(band, stripe, tone(stripe, -0.15))
    for x in (0.68, rear + 0.3, rear + 0.62):
        s.poly([(x - 0.2, 0.16, 0.362), (x - 0.15, 0.36, 0.362), (x + 0.15, 0.36, 0.362),
                (x + 0.2, 0.16, 0.362)], (22, 22, 24))
        s.wheel(x, 0.36, 0.17, 0.16)


def tractor(c, solid, cab=(196, 36, 34), box=(232, 232, 228), trailer=True):
    """A long-nosed truck, with a trailer or with a tipper behind."""
    s = solid
    s.shadow(-1.1, 1.1, 0.46)
    for x in (0.78, -0.05, -0.75, -0.45):
        s.wheel(x, -0.2, 0.18, 0.16)
    s.extrude([(-0.95, 0.22, 0.28), (-0.95, 0.32, 0.28), (0.9, 0.32, 0.28), (0.9, 0.22, 0.28)], (40, 42, 46))
    high = 1.24 if trailer else 0.95
    s.extrude([(-1.05, 0.34, 0.4), (-1.05, high, 0.4), (0.06, high, 0.4), (0.0, 0.34, 0.4)], box,
              light=(0.4, -0.25, -0.6))
    if not trailer:
        for i in range(6):
            x = -0.95 + 0.18 * i
            s.poly([(x, 0.38, 0.402), (x, 0.9, 0.402), (x + 0.04, 0.9, 0.402), (x + 0.04, 0.38, 0.402)],
                   tone(box, -0.3))
    s.extrude([(0.55, 0.26, 0.3), (0.55, 0.7, 0.3), (1.0, 0.64, 0.27), (1.04, 0.26, 0.27)], cab)
    s.extrude([(0.12, 0.24, 0.36), (0.12, 1.06, 0.34), (0.46, 1.06, 0.34), (0.6, 0.68, 0.36),
               (0.6, 0.24, 0.36)], cab)
    s.poly([(0.475, 1.02, -0.3), (0.595, 0.71, -0.32), (0.595, 0.71, 0.32), (0.475, 1.02, 0.3)],
           (120, 142, 164), (40, 48, 60))
    s.poly([(0.2, 0.7, 0.363), (0.2, 0.98, 0.345), (0.43, 0.98, 0.345), (0.53, 0.7, 0.363)], (120, 142, 164),
           (44, 52, 66))
    s.poly([(1.03, 0.3, -0.2), (1.01, 0.6, -0.2), (1.01, 0.6, 0.2), (1.03, 0.3, 0.2)], (206, 208, 214),
           (96, 98, 104))
    s.extrude([(1.0, 0.16, 0.36), (1.0, 0.28, 0.36), (1.08, 0.28, 0.36), (1.08, 0.16, 0.36)], (196, 198, 204))
    for z in (-0.3, 0.3):
        s.poly([(1.06, 0.32, z - 0.05), (1.06, 0.42, z - 0.05), (1.06, 0.42, z + 0.05),
                (1.06, 0.32, z + 0.05)], (255, 246, 206))
    s.poly([(0.14, 0.6, 0.38), (0.14, 1.3, 0.38), (0.19, 1.3, 0.38), (0.19, 0.6, 0.38)], (214, 216, 222),
           (130, 132, 138))
    for x in (0.78, -0.05, -0.75, -0.45):
        s.wheel(x, 0.37, 0.18, 0.16)


def car(c, solid, paint=(190, 30, 36), glass=(46, 56, 70), estate=False):
    """A saloon or an estate."""
    s = solid
    s.shadow(-1.02, 1.05, 0.46, alpha=0.65)
    for x in (0.62, -0.6):
        s.wheel(x, -0.2, 0.19, 0.18)
    back = [(-0.97, 0.6, 0.4), (-0.85, 0.64, 0.42)] if estate else [(-0.98, 0.56, 0.38), (-0.8, 0.62, 0.42)]
    s.extrude([(-0.98, 0.14, 0.4), (-1.02, 0.3, 0.42), *back, (0.36, 0.6, 0.42), (0.8, 0.52, 0.4),
               (0.98, 0.42, 0.36), (1.02, 0.26, 0.38), (0.98, 0.14, 0.36)], paint)
    roof = [(-0.78, 0.61), (-0.42, 0.9), (0.04, 0.91), (0.48, 0.59)]
    if estate:
        roof = [(-0.92, 0.62), (-0.8, 0.92), (0.02, 0.94), (0.48, 0.59)]
    a, b, d, e = roof
    s.extrude([(*a, 0.4), (*b, 0.3), (*d, 0.3), (*e, 0.4)], paint)
    s.poly([(d[0] + 0.02, d[1] - 0.02, -0.27), (e[0], e[1] + 0.01, -0.37), (e[0], e[1] + 0.01, 0.37),
            (d[0] + 0.02, d[1] - 0.02, 0.27)],
           tone(glass, 0.45), tone(glass, -0.1))
    wa, wb = (a[0] + 0.14, a[1] + 0.03), (b[0] + 0.05, b[1] - 0.05)
    wd, we = (d[0] - 0.02, d[1] - 0.05), (e[0] - 0.12, e[1] + 0.04)
    s.poly([(*wa, 0.39), (*wb, 0.325), (*wd, 0.325), (*we, 0.39)], tone(glass, 0.3), glass)
    mid = (wb[0] + wd[0]) / 2 + 0.05
    s.poly([(mid - 0.02, wa[1], 0.395), (mid - 0.02, wb[1], 0.33), (mid + 0.03, wb[1], 0.33),
            (mid + 0.03, wa[1], 0.395)], paint)
    s.poly([(-0.98, 0.43, 0.425), (-0.98, 0.455, 0.425), (0.9, 0.44, 0.4), (0.9, 0.415, 0.4)],
           tone(paint, -0.35))
    s.poly([(mid - 0.01, 0.18, 0.424), (mid - 0.01, 0.6, 0.424), (mid + 0.005, 0.6, 0.424),
            (mid + 0.005, 0.18, 0.424)], tone(paint, -0.4))
    s.poly([(1.0, 0.2, -0.24), (1.0, 0.36, -0.24), (1.0, 0.36, 0.24), (1.0, 0.2, 0.24)], (40, 42, 46),
           (20, 20, 22))
    for z in (-0.28, 0.28):
        s.poly([(0.99, 0.34, z - 0.07), (0.975, 0.43, z - 0.07), (0.97, 0.43, z + 0.07),
                (0.99, 0.34, z + 0.07)], (255, 250, 226))
    for x in (0.62, -0.6):
        s.poly([(x - 0.24, 0.14, 0.424), (x - 0.19, 0.36, 0.424), (x, 0.43, 0.424), (x + 0.19, 0.36, 0.424),
                (x + 0.24, 0.14, 0.424)],
               (18, 18, 20))
        s.wheel(x, 0.42, 0.19, 0.18, hub=(196, 198, 204))


def solid(c, x=0.0, y=0.55, size=0.8, yaw=30.0, **more):
    """A solid on the canvas's ground; see `Solid`."""
    return Solid(c, x, y, size, yaw, **more)

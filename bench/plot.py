"""Plots as SVG: bars side by side, stacked bars, and lines."""

import math
from xml.sax.saxutils import escape

# Colours that can be told apart by those who see few; ffu has the strong one.
COLOURS = {
    "ffu": "#0b6e4f", "ffu-2": "#4fb286", "ffu-3": "#a3d9b1",
    "database": "#c1666b", "database-2": "#e0a2a0", "database-3": "#8f3b45",
    "application": "#4a6fa5", "application-2": "#9db4d6",
    "limit": "#8a8d91", "limit-2": "#c3c5c8",
}
INK, FAINT, GRID = "#22262a", "#6a7178", "#e3e6e8"
FONT = "font-family='Helvetica, Arial, sans-serif'"


def number(value):
    """A number as one would say it."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


class Canvas:
    def __init__(self, width, height, title, subtitle):
        self.width, self.height, self.parts = width, height, []
        self.text(24, 34, title, size=18, weight="bold")
        self.text(24, 55, subtitle, size=12, colour=FAINT)

    def text(self, x, y, text, size=12, colour=INK, anchor="start", weight="normal"):
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{colour}' "
                          f"text-anchor='{anchor}' font-weight='{weight}'>{escape(text)}</text>")

    def rect(self, x, y, width, height, colour, radius=2):
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0.5):.1f}' "
                          f"height='{height:.1f}' rx='{radius}' fill='{colour}'/>")

    def line(self, x1, y1, x2, y2, colour=GRID, width=1.0):
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
                          f"stroke='{colour}' stroke-width='{width}'/>")

    def polyline(self, points, colour):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' "
                          f"stroke-width='2.2' stroke-linejoin='round'/>")
        for x, y in points:
            self.parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.2' fill='{colour}'/>")

    def svg(self):
        return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.width}' height='{self.height:.0f}' "
                f"viewBox='0 0 {self.width} {self.height:.0f}' {FONT}>\n"
                f"<rect width='100%' height='100%' fill='white'/>\n"
                + "\n".join(self.parts) + "\n</svg>\n")


def ticks(top, count=5):
    """Round numbers from 0 to top."""
    step = 10 ** math.floor(math.log10(top / count))
    step = next(step * f for f in (1, 2, 2.5, 5, 10) if step * f * count >= top)
    return [step * i for i in range(int(top / step + 1e-9) + 1)]


def bars(title, subtitle, groups, colours, better):
    """Horizontal bars: groups is [(name, [(side, median, low, high)])].

    Each group has a scale of its own, since what is in different groups (10 kB,
    1 MB) is not compared.
    """
    left, right, row, gap, width = 190, 90, 19, 30, 860
    height = 84 + sum(gap + row * len(sides) for _, sides in groups) + 14
    canvas = Canvas(width, height, title, f"{subtitle}; {better} is better; the thin line is from the lowest to the highest")
    y = 78
    for name, sides in groups:
        canvas.text(24, y + 14, name, size=13, weight="bold")
        y += gap - 6
        top = max(high for _, _, _, high in sides) or 1
        scale = (width - left - right) / top
        for side, median, low, high in sides:
            strong = colours[side].startswith("ffu")
            canvas.text(left - 8, y + row - 6, side, anchor="end", weight="bold" if strong else "normal")
            canvas.rect(left, y + 2, median * scale, row - 5, COLOURS[colours[side]])
            canvas.line(left + low * scale, y + row / 2, left + high * scale, y + row / 2, INK, 1)
            canvas.text(left + max(high, median) * scale + 6, y + row - 6, number(median), size=11, colour=FAINT)
            y += row
        y += 6
    return canvas.svg()


def stacked(title, subtitle, groups, colours):
    """Horizontal bars made of parts: groups is [(name, [(part, value)])]; one scale."""
    left, right, row, width = 190, 90, 30, 860
    names = []
    for _, parts in groups:
        names += [part for part, _ in parts if part not in names]
    height = 116 + row * len(groups) + 14
    canvas = Canvas(width, height, title, subtitle)
    x = left
    for name in names:
        canvas.rect(x, 72, 11, 11, COLOURS[colours[name]])
        canvas.text(x + 16, 82, name, size=12)
        x += 34 + 6.6 * len(name)
    top = max(sum(value for _, value in parts) for _, parts in groups) or 1
    scale = (width - left - right) / top
    y = 100
    for name, parts in groups:
        canvas.text(left - 8, y + row - 12, name, anchor="end")
        x = left
        for part, value in parts:
            canvas.rect(x, y + 3, value * scale, row - 8, COLOURS[colours[part]], 0)
            x += value * scale
        canvas.text(x + 6, y + row - 12, number(sum(value for _, value in parts)), size=11, colour=FAINT)
        y += row
    return canvas.svg()


def spread(labels, gap):
    """Moves the y of labels [[y, ...]] apart until none is closer than gap."""
    labels.sort(key=lambda label: label[0])
    for above, label in zip(labels, labels[1:]):
        label[0] = max(label[0], above[0] + gap)


def lines(title, subtitle, series, colours, xnames, log=True):
    """Lines: series is {side: [(x index, median)]}, xnames the names along x."""
    left, right, top, bottom, width, height = 70, 180, 84, 44, 860, 430
    canvas = Canvas(width, height, title, subtitle)
    values = [value for points in series.values() for _, value in points if value > 0]
    low, high = min(values), max(values)

    def place(value):
        if log:
            low_log = math.floor(math.log10(low))
            share = (math.log10(value or low) - low_log) / max(math.ceil(math.log10(high)) - low_log, 1)
        else:
            share = value / (high * 1.05)
        return height - bottom - share * (height - bottom - top)

    marks = ([10 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
             if log else ticks(high * 1.05))
    for mark in marks:
        canvas.line(left, place(mark), width - right, place(mark))
        canvas.text(left - 8, place(mark) + 4, number(mark).rstrip("0").rstrip(".") if mark < 1 else f"{mark:,.0f}",
                    anchor="end", size=11, colour=FAINT)
    step = (width - left - right - 40) / max(len(xnames) - 1, 1)
    for index, name in enumerate(xnames):
        canvas.text(left + 20 + index * step, height - bottom + 20, name, anchor="middle", size=11, colour=FAINT)
    labels = []
    for side, points in series.items():
        drawn = [(left + 20 + x * step, place(value)) for x, value in points]
        canvas.polyline(drawn, COLOURS[colours[side]])
        labels.append([drawn[-1][1] + 4, drawn[-1][0] + 10, side])
    spread(labels, 15)
    for y, x, side in labels:
        canvas.text(x, y, side, colour=COLOURS[colours[side]],
                    weight="bold" if colours[side].startswith("ffu") else "normal")
    return canvas.svg()

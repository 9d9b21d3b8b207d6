"""Two kinds of plots: bars beside each other, and cost against depth."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from .svg import Drawing, colour_of

WIDTH = 760
NAMES_WIDTH = 250
BAR, GAP = 15, 5
LONGEST = 8.0


def bars(title: str, note: str, panels: Mapping[str, Mapping[str, float]]) -> str:
    """Draw a panel of bars for each database, all of one scale; what is far longer is cut off.

    Bars are in the order that they are given in. What is ours is written bold.
    """
    rows = sum(len(panel) for panel in panels.values())
    height = 62 + rows * (BAR + GAP) + len(panels) * 34
    drawing = Drawing(WIDTH, height, title)
    drawing.text(0, 18, title, size=16, bold=True)
    drawing.text(0, 38, note, size=12)
    longest = max(value for panel in panels.values() for value in panel.values())
    longest = min(longest, LONGEST)
    room = WIDTH - NAMES_WIDTH - 60
    y = 56.0
    for name, panel in panels.items():
        drawing.text(0, y + 16, name, size=13, bold=True)
        y += 26
        for contender, value in panel.items():
            colour = colour_of(contender)
            is_ours = colour == "ours"
            baseline = y + BAR - 3
            drawing.text(NAMES_WIDTH - 8, baseline, contender, anchor="end", bold=is_ours)
            length = room * min(value, longest) / longest
            drawing.bar(NAMES_WIDTH, y, length - 14 if value > longest else length, BAR, colour)
            if value > longest:
                drawing.bar(NAMES_WIDTH + length - 10, y, 10, BAR, colour)
            shown = f"{value:.2f}" if value < 10 else f"{value:.1f}"
            drawing.text(NAMES_WIDTH + length + 6, baseline, shown, bold=is_ours)
            y += BAR + GAP
        y += 8
    return str(drawing)


LEFT, RIGHT, TOP, BOTTOM = 76.0, 525.0, 62.0, 380.0


def against_depth(title: str, note: str, lines: Mapping[str, Mapping[int, float]]) -> str:
    """Draw milliseconds against the rows before a page, both in a log scale.

    Lines by cursor are solid, those by offset dashed, or dotted without a count; each has its name
    at its end.
    """
    drawing = Drawing(WIDTH, BOTTOM + 48, title)
    drawing.text(0, 18, title, size=16, bold=True)
    drawing.text(0, 38, note, size=12)
    depths = sorted({depth for line in lines.values() for depth in line})
    costs = [cost for line in lines.values() for cost in line.values()]
    low, high = floor(log10(min(costs))), ceil(log10(max(costs)))

    def x_of(depth: float) -> float:
        first, last = log10(depths[0]), log10(depths[-1])
        return LEFT + (RIGHT - LEFT) * (log10(depth) - first) / (last - first)

    def y_of(cost: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (log10(cost) - low) / (high - low)

    for power in range(low, high + 1):
        y = y_of(10**power)
        drawing.line([(LEFT, y), (RIGHT, y)], "grid", 1)
        drawing.text(
            LEFT - 8,
            y + 4,
            f"{10**power:,} ms" if power >= 0 else f"{10**power:g} ms",
            anchor="end",
        )
    for depth in depths:
        drawing.text(x_of(depth), BOTTOM + 20, shown(depth), anchor="middle")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 40, "rows before the page", anchor="middle")

    ends: list[tuple[float, str]] = []
    for name, line in lines.items():
        points = [(x_of(depth), y_of(cost)) for depth, cost in sorted(line.items())]
        width = 3 if colour_of(name) == "ours" else 2
        dash = "" if name.startswith("cursor") else "2 3" if "no count" in name else "6 4"
        drawing.line(points, colour_of(name), width, dash)
        for point in points:
            drawing.dot(*point, colour_of(name))
        ends.append((points[-1][1], name))
    for y, (end, name) in zip(apart([end for end, _ in sorted(ends)]), sorted(ends), strict=True):
        colour = colour_of(name)
        drawing.line([(RIGHT + 5, end), (RIGHT + 16, y)], colour, 1)
        drawing.text(RIGHT + 20, y + 4, name, colour=colour, bold=colour == "ours")
    return str(drawing)


def shown(depth: int) -> str:
    return f"{depth // 1000:,}k" if depth >= 1000 else str(depth)


def apart(places: Sequence[float], least: float = 17) -> list[float]:
    """Return the places, which are sorted, moved until none is nearer to the next than `least`."""
    moved = list(places)
    for _ in range(200):
        for number in range(len(moved) - 1):
            lacking = least - (moved[number + 1] - moved[number])
            if lacking > 0.01:
                moved[number] -= lacking / 2
                moved[number + 1] += lacking / 2
    return moved

"""Writes SVG that is legible on light and dark ground: mid-tones, and brighter ones in the dark."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

# name: on light ground, on dark ground. Where a viewer knows no dark mode, the first is seen on
# both: it is of middle lightness.
COLOURS: Mapping[str, tuple[str, str]] = {
    "text": ("#727b87", "#a7b0bb"),
    "grid": ("#8b949e55", "#8b949e55"),
    "ours": ("#2f81d6", "#58a6ff"),
    "hand": ("#7d8590", "#8b949e"),
    "fastapi-sqla": ("#d0661c", "#f0883e"),
    "fastapi-pagination": ("#9a62d0", "#bc8cff"),
    "sqlakeyset": ("#2c9a55", "#3fb950"),
}


def colour_of(name: str) -> str:
    """Return the class of a contender; each library keeps its colour in all plots."""
    for library in ("fastapi-sqla", "fastapi-pagination", "sqlakeyset"):
        if library in name:
            return library
    return "ours" if "sqla-pages" in name else "hand"


def _style() -> str:
    light, dark = (
        " ".join(
            f".f-{name} {{ fill: {shades[which]} }} .s-{name} {{ stroke: {shades[which]} }}"
            for name, shades in COLOURS.items()
        )
        for which in (0, 1)
    )
    return (
        f"text {{ font-family: {FONT} }} {light} @media (prefers-color-scheme: dark) {{ {dark} }}"
    )


@dataclass(slots=True)
class Drawing:
    """A picture under way."""

    width: float
    height: float
    title: str
    parts: list[str] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        colour: str = "text",
        size: float = 12,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="f-{colour}" font-size="{size:g}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" '
            f'rx="2" class="f-{colour}"/>'
        )

    def line(
        self, points: list[tuple[float, float]], colour: str, width: float = 2, dash: str = ""
    ) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<polyline points="{path}" class="s-{colour}" fill="none" stroke-width="{width:g}" '
            f'stroke-linejoin="round"{dashes}/>'
        )

    def dot(self, x: float, y: float, colour: str) -> None:
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="f-{colour}"/>')

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" role="img">'
        )
        yield f"<title>{escape(self.title)}</title>"
        yield f"<style>{_style()}</style>"
        yield from self.parts
        yield "</svg>\n"

"""A plot of what runs did, as SVG: how long they took, and how many phones they harmed."""

from collections.abc import Callable, Sequence
from html import escape

from sluice.simulation.outcomes import Outcome, Outcomes, percentile

__all__ = ["chart"]

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 40
TICKS = 4
COLOURS = {"rolled back": "#c0392b", "completed": "#2471a3", "open": "#7f8c8d"}


def chart(outcomes: Outcomes, title: str) -> str:
    """Return two plots, one above the other.

    Each shows for a number (minutes to the end, phones harmed) which share of runs had at most
    that; the minutes by how the runs ended.
    """
    by_end = {
        end: outcomes.values(lambda each: each.minutes, end)
        for end in ("rolled back", "completed", "open")
    }
    minutes = _panel(title, "minutes until the run ended", by_end, len(outcomes.runs))
    harmed = {"rolled back": outcomes.values(_harmed)}
    phones = _panel("", "phones harmed", harmed, len(outcomes.runs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{minutes}'
        f'<g transform="translate(0 {HEIGHT})">\n{phones}</g>\n</svg>\n'
    )


def _harmed(each: Outcome) -> int:
    return each.harmed


def _panel(title: str, axis: str, lines: dict[str, list[int]], runs: int) -> str:
    largest = max((max(values) for values in lines.values() if values), default=0)
    most = TICKS * _round_step(largest / TICKS)
    across = _scale(0, most, LEFT, WIDTH - RIGHT)
    up = _scale(0, 1, HEIGHT - BOTTOM, TOP)
    parts = [f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>']
    for i in range(TICKS + 1):
        share, at = i / TICKS, most * i / TICKS
        parts.append(
            f'<path d="M{LEFT} {up(share):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{up(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
            f'<text x="{across(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{at:.0f}</text>"
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    named = [(name, values) for name, values in lines.items() if values]
    for place, (name, values) in enumerate(named):
        parts.append(_line(values, runs, across, up, COLOURS[name]))
        if len(lines) > 1:
            median = percentile(values, 50)
            parts.append(
                f'<text x="{WIDTH - RIGHT}" y="{TOP + 16 * place}" text-anchor="end"'
                f' fill="{COLOURS[name]}">{name}: {len(values) / runs:.1%},'
                f" median {median:.0f}</text>"
            )
    return "\n".join(parts) + "\n"


def _line(
    values: Sequence[int],
    runs: int,
    across: Callable[[float], float],
    up: Callable[[float], float],
    colour: str,
) -> str:
    path = f"M{across(0):.1f} {up(0):.1f}"
    for count, value in enumerate(sorted(values), start=1):
        path += f"H{across(value):.1f}V{up(count / runs):.1f}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, 50, ... that is no less."""
    return next(
        step * 10.0**power
        for power in range(12)
        for step in (1, 2, 5)
        if step * 10.0**power >= least
    )


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)

"""`sluice simulate`: what would a strategy do, before it does?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from sluice.errors import Refused
from sluice.simulation.fleet import Fault, Fleet

__all__ = ["simulate"]

STRATEGY_BYTES_MAX = 64 * 1024
PHONES_MAX = 10_000_000
DAYS_MAX = 30
RUNS_MAX = 10_000


class Share(click.ParamType[float]):
    """A share of phones: `2%` or `0.02`."""

    name = "share"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        text = str(value)
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{text!r} is no share: write 2% or 0.02", param, ctx)
        if not 0 <= share <= 1:
            self.fail(f"{text!r} is not from 0% to 100%", param, ctx)
        return share


SHARE = Share()


@click.command
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--phones", type=click.IntRange(1, PHONES_MAX), default=100_000, show_default=True)
@click.option(
    "--gap",
    type=click.FloatRange(1, 100_000),
    default=240,
    show_default=True,
    help="Minutes between two check-ins of a phone, on average.",
)
@click.option("--heavy-tailed", is_flag=True, help="Some phones check in much more seldom.")
@click.option("--diurnal", type=SHARE, default="0", help="How much check-ins swing over a day.")
@click.option("--base", type=SHARE, default="0.5%", help="Phones that fail with any release.")
@click.option("--drift", type=SHARE, default="0", help="How much that swings in ten hours.")
@click.option("--slow-reports", is_flag=True, help="Median 10 minutes, one in 100 after 3 hours.")
@click.option("--fault", type=SHARE, default="0", help="Phones that crash with it, besides.")
@click.option("--segment-fault", type=SHARE, default="0", help="The same, in 3 % of phones only.")
@click.option("--not-started", type=SHARE, default="0", help="Phones that never report ready.")
@click.option("--silent", type=SHARE, default="0", help="Phones that never come back.")
@click.option("--install-fault", type=SHARE, default="0", help="Phones that can't install it.")
@click.option("--liars", type=click.IntRange(0, 1000), default=0, help="Sources that invent one.")
@click.option("--days", type=click.FloatRange(0.01, DAYS_MAX), default=2, show_default=True)
@click.option("--runs", type=click.IntRange(1, RUNS_MAX), default=200, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--format", "shown", type=click.Choice(["text", "json"]), default="text")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="SVG to write.")
def simulate(file: str, shown: str, plot: Path | None, **options: Any) -> None:
    r"""Roll a release out to an imagined fleet, many times, by the strategy in FILE.

    The decisions are the operator's own. FILE has steps, or a harm budget:

    \b
        steps: [{share: 1%, hold: 1h}, {share: 10%, hold: 1h}, {share: 100%, hold: 1h}]
        early: true
        guard: {falseAlarm: "0.01", lies: 2}
    """
    with click.open_file(file, "rb") as stream:
        data = stream.read(STRATEGY_BYTES_MAX + 1)
    try:
        from sluice.simulation.command import simulated  # noqa: PLC0415 - numpy is an extra
    except ModuleNotFoundError as error:
        message = "The simulator needs numpy: install sluice[simulate]."
        raise click.ClickException(message) from error
    try:
        outcomes = simulated(
            data,
            _fleet(options),
            _fault(options),
            runs=options["runs"],
            seed=options["seed"],
            days=options["days"],
        )
    except (Refused, ValueError) as error:
        name = "standard input" if file == "-" else click.format_filename(file)
        raise click.ClickException(f"{name}: {error}") from error
    if plot is not None:
        plot.write_text(outcomes.plotted(), encoding="utf-8")
    click.echo(json.dumps(outcomes.as_json(), indent=2) if shown == "json" else outcomes.as_text())


def _fleet(options: Mapping[str, Any]) -> Fleet:
    return Fleet(
        phones=options["phones"],
        gap_minutes=options["gap"],
        heavy_tailed=options["heavy_tailed"],
        diurnal=options["diurnal"],
        base=options["base"],
        drift=options["drift"],
        reports="slow" if options["slow_reports"] else "prompt",
        segments=options["segment_fault"] > 0,
    )


def _fault(options: Mapping[str, Any]) -> Fault:
    return Fault(
        crashes=options["fault"],
        segment=options["segment_fault"],
        not_started=options["not_started"],
        silent=options["silent"],
        installs=options["install_fault"],
        liars=options["liars"],
    )

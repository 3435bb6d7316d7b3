"""`sluice simulate`, as a person calls it."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from sluice.cli.main import main
from sluice.simulation.chart import chart
from sluice.simulation.outcomes import Outcome, Outcomes

CONTROLLER = Path(__file__).resolve().parent.parent.parent / "controller"

STRATEGY = """
steps: [{share: 10%, hold: 20m}, {share: 100%, hold: 20m}]
early: true
undecided: Promote
"""
FEW = ("--runs", "10", "--phones", "2000", "--gap", "30")


def simulate(*options: str, given: str = STRATEGY) -> Result:
    return CliRunner().invoke(main, ["simulate", "-", *options], input=given)


def test_a_healthy_release_shows_false_rollbacks_and_minutes() -> None:
    shown = simulate(*FEW)

    assert shown.exit_code == 0, shown.output
    lines = dict(line.split("  ", 1) for line in shown.output.splitlines())
    assert lines["release"].strip() == "healthy"
    assert lines["rolled back falsely"].strip() == "0.0%"
    assert lines["completed"].strip().startswith("100.0%, after ")


def test_a_broken_release_shows_how_many_phones_it_harms() -> None:
    shown = simulate(*FEW, "--fault", "50%", "--format", "json")

    found = json.loads(shown.output)
    assert (found["rolledBack"], found["signals"]) == (1.0, {"crashes": 10})
    assert 6 <= found["harmed"]["median"] <= found["harmed"]["p95"] <= 9
    assert found["fleet"]["phones"] == 2000
    assert found["fault"]["crashes"] == 0.5


def test_the_same_seed_shows_the_same() -> None:
    one, same, other = (simulate(*FEW, "--seed", seed).output for seed in ("3", "3", "4"))

    assert one == same != other


def test_a_plot_is_an_svg_of_both_numbers(tmp_path: Path) -> None:
    file = tmp_path / "plot.svg"

    shown = simulate(*FEW, "--fault", "0.3", "--plot", str(file))

    assert shown.exit_code == 0, shown.output
    words = [each.text for each in ET.fromstring(file.read_text()).iter() if each.text]  # noqa: S314 - we wrote it ourselves
    assert "2000 phones, release: crashes +0.3" in words
    assert {"phones harmed", "minutes until the run ended"} <= set(words)


def test_a_plot_of_hostile_words_stays_an_svg() -> None:
    run = Outcome(
        end="completed",
        reason="",
        minutes=0,
        failed=0,
        harmed=0,
        offered=0,
        signal=None,
        segment=None,
    )
    drawn = chart(Outcomes(runs=(run,)), "</svg><script>&")

    words = [each.text for each in ET.fromstring(drawn).iter() if each.text]  # noqa: S314 - we wrote it ourselves
    assert "</svg><script>&" in words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fault", "150%"), "not from 0% to 100%"),
        (("--fault", "some"), "is no share"),
        (("--phones", "10000001"), "--phones"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: tuple[str, ...], said: str) -> None:
    shown = simulate(*options)

    assert shown.exit_code == 2
    assert said in shown.output


def test_a_strategy_that_has_to_be_mended_is_named_with_its_file() -> None:
    shown = simulate(given="steps: []")

    assert shown.exit_code == 1
    assert "standard input: StrategyInvalid: Mend" in shown.output


def test_without_numpy_the_command_says_what_to_install() -> None:
    script = (
        "import sys\n"
        "sys.modules['numpy'] = None\n"
        "from sluice.cli.main import main\n"
        "main(['simulate', '-'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(CONTROLLER)},
        input=STRATEGY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (
        1,
        "Error: The simulator needs numpy: install sluice[simulate].\n",
    )

"""The table of all attacks, as it stands in README.md: `python -m attacks.table` writes it.

Run it in `tests`, with `controller` and `tests` on the path.
"""

from pathlib import Path
from typing import Final

from attacks import (
    test_approvals,
    test_bundles,
    test_controller,
    test_interfaces,
    test_network,
    test_passes,
    test_policy,
    test_requirements,
    test_store,
    test_words,
)
from support.attacks import Attack, attacks_of

__all__ = ["README", "ROWS", "rendered", "with_table"]

README: Final = Path(__file__).with_name("README.md")
START: Final = "<!-- the table: written by table.py -->"
MODULES: Final = (
    test_approvals,
    test_words,
    test_policy,
    test_requirements,
    test_passes,
    test_bundles,
    test_network,
    test_store,
    test_controller,
    test_interfaces,
)

ROWS: Final[list[tuple[Attack, str, str]]] = [
    (each, module.__name__.removeprefix("attacks."), test)
    for module in MODULES
    for each, test in attacks_of(vars(module))
]
"""Each attack, with the module and the test that mount it."""


def rendered() -> str:
    """Return the table as Markdown."""
    lines = [
        "| # | row | attack | refused with | defence | test |",
        "|---|---|---|---|---|---|",
    ]
    for number, (each, module, test) in enumerate(ROWS, start=1):
        shown = f"`{module}.py`" + ("" if test == "test_attack" else f" `{test}`")
        cells = (number, each.row or "", each.name, f"`{each.reason}`", f"`{each.defence}`", shown)
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """Return the README with the table as it is now."""
    return f"{text.partition(START)[0]}{START}\n{rendered()}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))

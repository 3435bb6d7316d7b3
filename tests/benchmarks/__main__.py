"""Measure everything, print a table, and write build/bench.json.

Each area is a module with a function `rows`. Exits with 0 whatever comes out: a promise that does
not hold on a slow machine is told, not hidden.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks import evaluation, hostile, recording, verification
from benchmarks.measuring import Row

AREAS: Mapping[str, Callable[[], list[Row]]] = {
    "evaluation": evaluation.rows,
    "verification": verification.rows,
    "hostile": hostile.rows,
    "recording": recording.rows,
}

OUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"


def main() -> None:
    """Measure and tell."""
    found: list[Row] = []
    for area, rows in AREAS.items():
        print(f"\n{area}")
        for row in rows():
            print(f"  {_told(row)}", flush=True)
            found.append(row)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
    missed = [row.name for row in found if row.holds is False]
    print(f"\n{len(missed)} promises do not hold here{': ' if missed else '.'}{'; '.join(missed)}")


def _told(row: Row) -> str:
    digits = 0 if row.unit in ("bytes", "per second", "µs") else 2
    value = f"{row.value:,.{digits}f} {row.unit}"
    bar = "" if row.bar is None else f"bar {row.bar:g}: {'holds' if row.holds else 'DOES NOT HOLD'}"
    return f"{row.name:<72} {value:>16}   {bar}".rstrip()


if __name__ == "__main__":
    main()

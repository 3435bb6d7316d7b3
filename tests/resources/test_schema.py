"""The CustomResourceDefinitions that the models make."""

from pathlib import Path

from sluice.cli.crds import manifest
from sluice.resources.kinds import KINDS

CRDS = Path(__file__).resolve().parent.parent.parent / "crds"


def test_the_files_in_the_repository_are_what_the_models_make_now() -> None:
    expected = {f"{kind.plural}.yaml": manifest(kind) for kind in KINDS.values()}

    assert expected == {path.name: path.read_text() for path in CRDS.iterdir()}, "run `make crds`"

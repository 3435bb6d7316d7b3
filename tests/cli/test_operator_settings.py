"""What `sluice operator` refuses before it looks at any cluster."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sluice.cli.main import main
from sluice.serving.seal import generate_private_key
from support.sealing import SshPerson

KEY = SshPerson().public_key


@pytest.mark.parametrize(
    ("genesis", "words"),
    [
        (f"threshold: 2\nowners: [{{name: rita, keys: ['{KEY}']}}]", "more than there are owners"),
        (f"threshold: 1\nowners: [{{name: rita, keys: ['{KEY[:-3]}']}}]", "key 1 of rita"),
        ("owners: [", "line 2, column 1"),
    ],
)
def test_root_owners_that_can_not_be_read_end_the_operator_at_once(
    tmp_path: Path, genesis: str, words: str
) -> None:
    seal, file = tmp_path / "seal.pem", tmp_path / "genesis.yaml"
    seal.write_bytes(generate_private_key())
    file.write_text(genesis)

    done = CliRunner().invoke(
        main,
        [
            "operator",
            f"--store={tmp_path / 'store'}",
            "--cluster=demo",
            f"--seal-key={seal}",
            "--lease-namespace=sluice-system",
            f"--genesis={file}",
        ],
    )

    assert done.exit_code == 1
    assert words in done.output
    assert not (tmp_path / "store").exists()

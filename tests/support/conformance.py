"""The public sigstore conformance suite's data, where it is to be had.

It is not in this repository: it is looked for at $SLUICE_CONFORMANCE, or in `../shared/conformance`
beside the checkout.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["CASES", "KNOWN_FAILURES", "Case", "needs_data"]

HERE = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SLUICE_CONFORMANCE", HERE.parent / "shared" / "conformance"))
CASES_DIR = DATA / "sigstore" / "bundle-verify"

CASES = (
    sorted(path.name for path in CASES_DIR.iterdir() if path.is_dir()) if CASES_DIR.is_dir() else []
)

KNOWN_FAILURES = {
    "intoto-with-custom-trust-root": "sigstore knows no log entries of kind intoto",
}

needs_data = pytest.mark.skipif(not CASES, reason=f"no conformance data at {CASES_DIR}")


@dataclass(frozen=True)
class Case:
    """One case of the suite."""

    name: str

    @property
    def bundle(self) -> bytes:
        return (CASES_DIR / self.name / "bundle.sigstore.json").read_bytes()

    @property
    def root(self) -> bytes:
        own = CASES_DIR / self.name / "trusted_root.json"
        usual = DATA / "sigstore" / "public-good" / "trusted_root.json"
        return (own if own.exists() else usual).read_bytes()

    @property
    def artifact(self) -> bytes:
        own = CASES_DIR / self.name / "artifact"
        return (own if own.exists() else CASES_DIR / "a.txt").read_bytes()

    @property
    def artifact_sha256(self) -> str:
        return hashlib.sha256(self.artifact).hexdigest()

    @property
    def pem(self) -> str | None:
        """The managed key, if the case is about one."""
        path = CASES_DIR / self.name / "key.pub"
        return path.read_text() if path.exists() else None

    def stated(self, name: str, usual: str) -> str:
        """Return what a file of the case says, e.g. its `issuer`."""
        path = CASES_DIR / self.name / name
        return path.read_text().strip() if path.exists() else usual

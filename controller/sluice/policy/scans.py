"""What attested documents found, in one form, whichever tool wrote them.

| predicate type | document |
|---|---|
| cosign's `vuln` | Trivy's or Grype's report, SARIF or CycloneDX |
| in-toto's `vulns` | a scanner's list |
| CycloneDX's `bom` | inventory, vulnerabilities, VEX |
| SPDX's `Document` | inventory |
| OpenVEX's `ns` | what a vulnerability means here |
| SARIF's schema | what a static analysis found |
| in-toto's `test-result` | tests that failed |

Two things must be asked before `findings` is believed to be all: `known`, and `scanned`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sluice.policy.scan_inventories import read_cyclonedx, read_spdx
from sluice.policy.scan_parts import (
    FINDINGS_MAX,
    PACKAGES_MAX,
    Finding,
    Package,
    Part,
    Scan,
    ScanSeverity,
    ScanState,
    unreadable,
)
from sluice.policy.scan_reports import read_cosign_vuln, read_intoto_vulns
from sluice.policy.scan_sarif import read_sarif
from sluice.policy.scan_statements import read_openvex, read_test_result

__all__ = [
    "READABLE_TYPES",
    "Finding",
    "Package",
    "Scan",
    "ScanSeverity",
    "ScanState",
    "normalise",
]


def normalise(predicate_type: str, predicate: Mapping[str, Any]) -> Scan:
    """Return what a statement's predicate found.

    Args:
        predicate_type: as signed; compared exactly.
        predicate: as signed; JSON.

    Returns:
        The scan; with `known=False`, and nothing in it, for a type that is not read.

    Raises:
        Refused: `ScanUnreadable`, when a document of a known type is not what it must be.
    """
    read = _READERS.get(predicate_type)
    if read is None:
        return Scan(known=False)
    scan = read(Part(predicate, "predicate"))
    for what, number, most in (
        ("findings", len(scan.findings), FINDINGS_MAX),
        ("packages", len(scan.packages), PACKAGES_MAX),
    ):
        if number > most:
            raise unreadable("predicate", f"names more than {most} {what}")
    return scan


def _unwrapped(read: Callable[[Part], Scan]) -> Callable[[Part], Scan]:
    """Return a reader of documents that older releases of cosign put into `Data`."""

    def reader(predicate: Part) -> Scan:
        data = predicate.optional("Data")
        if data is not None and isinstance(data.value, str):
            raise unreadable(data.path, "is mere text: attest the JSON form (spdxjson, cyclonedx)")
        return read(data or predicate)

    return reader


def _within(name: str, read: Callable[[Part], Scan]) -> Callable[[Part], Scan]:
    def reader(predicate: Part) -> Scan:
        return read(predicate.member(name))

    return reader


_READERS: Final[Mapping[str, Callable[[Part], Scan]]] = {
    "https://cosign.sigstore.dev/attestation/vuln/v1": read_cosign_vuln,
    "cosign.sigstore.dev/attestation/vuln/v1": read_cosign_vuln,
    "https://in-toto.io/attestation/vulns": read_intoto_vulns,
    "https://in-toto.io/attestation/vulns/v0.1": read_intoto_vulns,
    "https://in-toto.io/attestation/vulns/v0.2": read_intoto_vulns,
    "https://cyclonedx.org/bom": _unwrapped(read_cyclonedx),
    "https://cyclonedx.org/bom/v1.4": _unwrapped(read_cyclonedx),
    "https://cyclonedx.org/bom/v1.5": _unwrapped(read_cyclonedx),
    "https://cyclonedx.org/bom/v1.6": _unwrapped(read_cyclonedx),
    "https://cyclonedx.org/bom/v1.7": _unwrapped(read_cyclonedx),
    "https://spdx.dev/Document": _unwrapped(read_spdx),
    "https://spdx.dev/Document/v2.2": _unwrapped(read_spdx),
    "https://spdx.dev/Document/v2.3": _unwrapped(read_spdx),
    "https://openvex.dev/ns": read_openvex,
    "https://openvex.dev/ns/v0.2.0": read_openvex,
    "https://in-toto.io/attestation/test-result/v0.1": read_test_result,
    # SARIF has no predicate type of its own: its schema's addresses serve, and an attestor's type.
    **dict.fromkeys(
        (
            "https://json.schemastore.org/sarif-2.1.0.json",
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0",
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
            "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        ),
        read_sarif,
    ),
    "https://witness.dev/attestations/sarif/v0.1": _within("report", read_sarif),
}

READABLE_TYPES: Final = frozenset(_READERS)
"""Predicate types that are read."""

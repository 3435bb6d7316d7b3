"""Reports on what is inside bundles: made once, kept under the operator's seal, read back."""

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluice.contents.gathered import ContentsLimits
from sluice.contents.inspect import inspect_bundle, inspector_of
from sluice.contents.vulnerabilities import VulnerabilityData
from sluice.errors import Refused, VerificationError
from sluice.serving.seal import SealPurpose, open_text, seal_text
from sluice.store.database import Database
from sluice.store.inspections import inspection_of, keep_inspection
from sluice.verify.bundle_report import REPORT_BYTES_MAX, BundleReport, report_from_json

__all__ = ["Inspections"]

PURPOSE: Final = SealPurpose(
    prefix=b"sluice.dev/bundle-report/v1\0", what="bundle report", chars_max=REPORT_BYTES_MAX
)

REPORTS_REMEMBERED: Final = 64
"""Reports kept in memory; each channel looks at two."""


class Inspections:
    """Makes and remembers reports, all by the same rules and the same data."""

    def __init__(
        self,
        database: Database,
        key: Ed25519PrivateKey,
        others: Sequence[Ed25519PublicKey] = (),
        known: VulnerabilityData | None = None,
    ) -> None:
        self._database = database
        self._key = key
        self._trusted = (key.public_key(), *others)
        self._known = known
        self._read = functools.lru_cache(REPORTS_REMEMBERED)(self._opened)

    async def of(self, digest: str) -> BundleReport | None:
        """Return the report on a bundle; None when it has to be looked at (again).

        That is so when nobody did, when the rules or the data have changed since, and when the row
        is not what the operator sealed.

        Raises:
            Unavailable: `StoreFailed`.
        """
        sealed = await inspection_of(self._database, digest)
        report = self._read(sealed) if sealed is not None else None
        if report is None or report.bundle_sha256 != digest:
            return None
        return report if report.inspector == inspector_of(self.known) else None

    def look(self, file: BinaryIO, digest: str) -> BundleReport:
        """Look into a bundle; this takes up to a minute, so not in the event loop.

        Raises:
            Refused: the bundle can't be read.
        """
        return inspect_bundle(file, sha256=digest, limits=ContentsLimits(), known=self.known)

    async def keep(self, report: BundleReport, *, epoch: int, at: datetime) -> None:
        """Keep a report under the operator's seal.

        Raises:
            Fenced: another operator leads.
            Unavailable: `StoreFailed`.
        """
        sealed = seal_text(report.as_json().decode(), self._key, PURPOSE)
        await keep_inspection(self._database, report.bundle_sha256, sealed, epoch=epoch, at=at)

    @property
    def known(self) -> VulnerabilityData:
        """Libraries with known weaknesses."""
        if self._known is None:
            self._known = VulnerabilityData.built_in()
        return self._known

    def _opened(self, sealed: str) -> BundleReport | None:
        try:
            return report_from_json(open_text(sealed, self._trusted, PURPOSE).encode())
        except (Refused, VerificationError):
            return None

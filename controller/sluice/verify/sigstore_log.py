"""What sigstore proves about a log entry and its time; its private names are used here alone.

sigstore's own code checks timestamps, inclusion proofs, checkpoints and promises. It does not say
which of a trust root's members may vouch, when: that is decided here.

- Each timestamp in a bundle must hold, under an authority in force at its time: one that does not
  is not skipped, since it shows that somebody changed the bundle or signed elsewhere.
- The entry's log must be one that the trust root names by that very id. sigstore takes the id of a
  log of Rekor v2 for a hint, and tries every key.
- Only logs in force at every moment that is proven count (`trust`).

sigstore's minor version is pinned for the private names.
"""

# ruff: noqa: SLF001 -- sigstore's public names give neither moments nor proofs.

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.x509 import Certificate, load_der_x509_certificate
from sigstore._internal.timestamp import TimestampSource, TimestampVerificationResult
from sigstore._internal.trust import (
    CertificateAuthority,
    CTKeyring,
    Keyring,
    KeyringPurpose,
    RekorKeyring,
)
from sigstore.models import Bundle as SigstoreBundle
from sigstore.models import TimestampVerificationData, TransparencyLogEntry, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.bundle.v1 import Bundle
from sigstore_models.rekor.v1 import TransparencyLogEntry as Entry
from typing_extensions import override

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal
from sluice.verify.trust import InForce, TrustRoot

__all__ = [
    "TIMESTAMPS_MAX",
    "MembersVerifier",
    "Moments",
    "entry_of",
    "prove_entry",
    "prove_moments",
    "retired",
    "unknown_log",
    "verifier_for",
]

TIMESTAMPS_MAX: Final = 4
"""Most timestamps in a bundle, each some 2 ms to check; clients ask one or two authorities."""

MEMBERS_MAX: Final = 64
"""Sets of members kept ready, one for each trust root and what of it is in force: a policy has a
few roots, and a root a few spans."""

_TIME_RESOLUTION: Final = timedelta(microseconds=1)

Moments = tuple[TimestampVerificationResult, ...]


class _Authority(CertificateAuthority):
    """A timestamp authority whose span includes its end, as the trust root's format says."""

    @property
    @override
    def validity_period_end(self) -> datetime | None:
        end = super().validity_period_end
        # sigstore asks for earlier than the end, where the span is closed.
        return None if end is None else end + _TIME_RESOLUTION

    @override
    def certificates(self, *, allow_expired: bool) -> list[Certificate]:
        return self._certificates


class _MembersInForce(TrustedRoot):
    """Some members of a trust root, read once. sigstore's own asks today's clock about each."""

    def __init__(self, root: TrustRoot, in_force: InForce) -> None:
        super().__init__(root.content)
        logs = [root.content.tlogs[place].public_key for place in in_force.logs]
        cert_logs = [root.content.ctlogs[place].public_key for place in in_force.certificate_logs]
        self._log_keys = RekorKeyring(Keyring(logs))
        self._certificate_log_keys = CTKeyring(Keyring(cert_logs))
        self._authorities = [
            load_der_x509_certificate(certificate.raw_bytes)
            for place in in_force.authorities
            for certificate in root.content.certificate_authorities[place].cert_chain.certificates
        ]
        self._timestamp_authorities = [
            _Authority(each) for each in root.content.timestamp_authorities
        ]

    @override
    def rekor_keyring(self, purpose: KeyringPurpose) -> RekorKeyring:
        return self._log_keys

    @override
    def ct_keyring(self, purpose: KeyringPurpose) -> CTKeyring:
        return self._certificate_log_keys

    @override
    def get_fulcio_certs(self) -> list[Certificate]:
        return self._authorities

    @override
    def get_timestamp_authorities(self) -> list[CertificateAuthority]:
        return list(self._timestamp_authorities)


class MembersVerifier(Verifier):
    """sigstore's verifier over some members of a trust root, and over moments already proven."""

    def __init__(self, members: _MembersInForce, moments: Moments) -> None:
        # sigstore's own constructor would make a client for a log; no log is asked here.
        self._trusted_root = members
        self._fulcio_certificate_chain = members.get_fulcio_certs()
        self._moments = moments

    @override
    def _establish_time(self, bundle: SigstoreBundle) -> list[TimestampVerificationResult]:
        return list(self._moments)


@lru_cache(maxsize=MEMBERS_MAX)
def _members(root: TrustRoot, in_force: InForce) -> _MembersInForce:
    return _MembersInForce(root, in_force)


def verifier_for(root: TrustRoot, in_force: InForce, moments: Moments) -> MembersVerifier:
    """Return sigstore's verifier for what was in force at moments that are proven."""
    return MembersVerifier(_members(root, in_force), moments)


def entry_of(bundle: Bundle) -> Entry:
    """Return the one log entry of a bundle that was read by `sigstore_form`."""
    return bundle.verification_material.tlog_entries[0]


def prove_moments(bundle: Bundle, root: TrustRoot) -> Moments:
    """Return the moments at which the bundle's signature existed; one at least.

    The log's own time is among them, and proven only once its entry is (`prove_entry`).

    Raises:
        VerificationError: TimestampInvalid when a timestamp does not hold; TimestampMissing when
            there is neither a timestamp nor a time of the log.
    """
    moments = _timestamps(bundle, root)
    entry = entry_of(bundle)
    if entry.integrated_time and entry.inclusion_promise:
        moments += (
            TimestampVerificationResult(
                source=TimestampSource.TRANSPARENCY_SERVICE,
                time=datetime.fromtimestamp(entry.integrated_time, tz=UTC),
            ),
        )
    if not moments:
        raise refusal(
            "TimestampMissing", "Nobody trusted says when this was signed; sign again with a log."
        )
    return moments


def _timestamps(bundle: Bundle, root: TrustRoot) -> Moments:
    data = bundle.verification_material.timestamp_verification_data
    listed = data.rfc3161_timestamps if data else []
    if data is None or not listed:
        return ()
    texts = {each.signed_timestamp for each in listed}
    if len(listed) > TIMESTAMPS_MAX or len(texts) < len(listed):
        raise refusal(
            "TimestampInvalid",
            f"The bundle has more than {TIMESTAMPS_MAX} timestamps, or the same one twice.",
        )
    if not root.content.timestamp_authorities:
        raise refusal(
            "TimestampInvalid",
            "The trust root names no timestamp authority; use that of the sigstore that signed.",
        )
    signature = _signature(bundle)
    verifier = verifier_for(root, root.always(), ())
    moments: Moments = ()
    for response in TimestampVerificationData(data).rfc3161_timestamps:
        moment = verifier._verify_signed_timestamp(response, signature)
        if moment is None:
            raise refusal(
                "TimestampInvalid",
                "A timestamp of the bundle is not by a timestamp authority of the trust root, for"
                " this signature and within its time; use the trust root of the sigstore that"
                " signed.",
            )
        moments += (moment,)
    return moments


def _signature(bundle: Bundle) -> bytes:
    if bundle.message_signature is not None:
        return bundle.message_signature.signature
    signatures = bundle.dsse_envelope.signatures if bundle.dsse_envelope else []
    if len(signatures) != 1:
        raise refusal(
            "BundleUnreadable", "The statement has no signature or several; sign it by one key."
        )
    return signatures[0].sig


def prove_entry(entry: Entry, root: TrustRoot, in_force: InForce) -> None:
    """Prove that the entry is in a log: inclusion proof, checkpoint, and promise if it has one.

    Raises:
        sigstore.errors.VerificationError: it is not, for a log that is in force.
    """
    keyring = _members(root, in_force).rekor_keyring(KeyringPurpose.VERIFY)
    TransparencyLogEntry(entry)._verify(keyring)


def unknown_log(entry: Entry, root: TrustRoot) -> VerificationError | None:
    """Return the refusal of an entry whose log the trust root does not name, if it is one."""
    if root.logs_named(entry.log_id.key_id):
        return None
    return refusal(
        "LogUntrusted",
        "The trust root names no log with the id in the log entry; use the trust root of the"
        " sigstore that signed.",
    )


def retired(moments: Moments) -> VerificationError:
    """Return the refusal of what would hold, if a key of the trust root were still in force."""
    return refusal(
        "TrustKeyRetired",
        "A key of the trust root was not in force at"
        f" {min(each.time for each in moments).isoformat()} (its validFor); sign again.",
    )

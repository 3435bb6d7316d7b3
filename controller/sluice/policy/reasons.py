"""Why a requirement is met or not: the closed set of reason codes of policy, kind by kind.

The same words appear in verdicts, conditions and the audit log. Evidence that proves nothing has
codes of its own (`sluice.verify.reasons`), which a verdict repeats.
"""

from typing import Literal

from sluice.verify.reasons import Reason as EvidenceReason

__all__ = ["AnyReason", "Reason"]

Reason = Literal[
    # Signatures and statements of machines.
    "Signed",
    "SignatureMissing",
    "SignedByOther",
    "SourceMissing",
    # Provenance.
    "ProvenanceShown",
    "ProvenanceMissing",
    "ProvenanceUnreadable",
    "ProvenanceDiffers",
    # Reviews on the forge.
    "Reviewed",
    "ReviewMissing",
    "ReviewUnreadable",
    "ReviewDiffers",
    "ReviewersMissing",
    # Scans, tests and whatever else is attested.
    "AttestationShown",
    "AttestationMissing",
    "AttestationTooOld",
    "AttestationInFuture",
    "ScanUnknown",
    "ScanUnreadable",
    "ScanMissing",
    "SeverityTooHigh",
    # Expressions.
    "ExpressionTrue",
    "ExpressionFalse",
    "ExpressionFailed",
    "ExpressionInvalid",
    # What is inside of the bundle.
    "BundleFits",
    "BundleNotInspected",
    "BundleNotSeenWhole",
    "LiveBundleNotInspected",
    "SecretsFound",
    "SourceMapsFound",
    "NativeCodeFound",
    "RemoteCodeFound",
    "DynamicCodeFound",
    "ContentSecurityPolicyWeak",
    "VulnerabilitiesFound",
    "OriginsNotListed",
    "OriginsNew",
    "PluginsNotListed",
    "PluginsNew",
    "BundleTooLarge",
    "BundleFilesTooMany",
    # How it did elsewhere.
    "Soaked",
    "SoakMissing",
    "SoakTooShort",
    "SoakDevicesTooFew",
    "SoakTakenBack",
    "SoakOnItself",
    # When, and after what.
    "WindowOpen",
    "WindowClosed",
    "WindowInvalid",
    "VersionFits",
    "VersionTooLow",
    "VersionNotUp",
    "Downgrade",
    "VersionTaken",
    # Approvals.
    "Approved",
    "ApprovalsMissing",
    "AuthorUnknown",
    "Rejected",
    # Why a person's word does not count.
    "ApprovalScope",
    "ApproverUnknown",
    "ApproverNotInRole",
    "SignedInFuture",
    "ApprovalExpired",
    "ApprovalTooOld",
    "ApprovalWithdrawn",
    "ApproverIsAuthor",
    "WordReplaced",
    "MfaNotShown",
    "LifetimeTooLong",
    "AuthorExcepts",
    "ExceptionNotMade",
    "GlassNotOffered",
    "PassIncomplete",
    # Requirements that are passed by, and what is owed for it.
    "Excepted",
    "GlassBroken",
    "Cosigned",
    "CosignDue",
    "CosignMissing",
    # The policies themselves.
    "PolicyUnreadable",
]

AnyReason = Literal[Reason, EvidenceReason]
"""What the finding of a verdict may say."""

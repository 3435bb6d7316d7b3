"""What `kubectl get` shows: what is live, where the rollout is, and what is wrong.

`kubectl get channels,releases,approvals` must read well at 120 columns, also with pre-releases and
names that are not the shortest. So the rest is left for `-o wide`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["COLUMNS", "Column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of `kubectl get`."""

    name: str
    path: str
    about: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    wide: bool = False
    """Shown by `-o wide` alone."""

    def as_json(self) -> dict[str, Any]:
        """Return the column as a CustomResourceDefinition has it."""
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.about,
            **({"priority": 1} if self.wide else {}),
        }


READY: Final = Column(
    name="Ready",
    path='.status.conditions[?(@.type=="Ready")].status',
    about="Whether everything is as the spec wants it.",
)
REASON: Final = Column(
    name="Reason",
    path='.status.conditions[?(@.type=="Ready")].reason',
    about="Why it is ready, or why not yet.",
)
MESSAGE: Final = Column(
    name="Message",
    path='.status.conditions[?(@.type=="Ready")].message',
    about="What to do about it.",
    wide=True,
)
AGE: Final = Column(
    name="Age",
    path=".metadata.creationTimestamp",
    about="Time since the object was made.",
    type="date",
)
POLICY: Final = (
    READY,
    REASON,
    Column(
        name="Revision",
        path=".status.inForce.revision",
        about="The sealed revision in force.",
        type="integer",
    ),
    Column(
        name="Proposed",
        path=".status.proposed.revision",
        about="The revision that git asks for, when it is not in force.",
        type="integer",
    ),
    Column(
        name="Channels",
        path=".status.channels",
        about="Number of channels that it binds.",
        type="integer",
    ),
    AGE,
    MESSAGE,
)

COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "App": (
        Column(name="App-Id", path=".spec.appId", about="Identifier that the phones send."),
        READY,
        REASON,
        Column(name="Held-By", path=".status.heldBy", about="Who holds the appId."),
        AGE,
        MESSAGE,
    ),
    "Release": (
        Column(name="App", path=".spec.app", about="The App."),
        Column(name="Version", path=".spec.version", about="Version that phones report."),
        Column(name="Phase", path=".status.phase", about="What became of it."),
        READY,
        REASON,
        AGE,
        Column(name="Channels", path=".status.channels", about="Who points at it.", wide=True),
        Column(name="Digest", path=".status.digest", about="What approvals sign.", wide=True),
        MESSAGE,
    ),
    "Approval": (
        Column(name="Release", path=".spec.release", about="The Release."),
        Column(name="Signer", path=".status.signer", about="Who signed."),
        Column(name="Decision", path=".status.decision", about="What was decided."),
        REASON,
        AGE,
        Column(name="Role", path=".status.role", about="In which role.", wide=True),
        Column(name="Channel", path=".status.channel", about="For which Channel.", wide=True),
        Column(name="Expires", path=".status.expiresAt", about="When it ends.", wide=True),
        MESSAGE,
    ),
    "Channel": (
        Column(name="Live", path=".status.live.version", about="What phones get."),
        Column(name="Candidate", path=".status.candidate.version", about="What is on its way in."),
        Column(name="Share", path=".status.candidate.share", about="Share that is offered it."),
        Column(name="Step", path=".status.candidate.step", about="Step of the rollout."),
        Column(name="Verdict", path=".status.verdict.answer", about="May it be offered?"),
        READY,
        REASON,
        AGE,
        Column(name="App", path=".spec.app", about="The App.", wide=True),
        Column(name="Release", path=".spec.release", about="What git asks for.", wide=True),
        Column(
            name="Failed",
            path=".status.candidate.candidate.failed",
            about="Phones on which the candidate failed.",
            type="integer",
            wide=True,
        ),
        MESSAGE,
    ),
    "ReleasePolicy": POLICY,
    "ClusterReleasePolicy": POLICY,
}

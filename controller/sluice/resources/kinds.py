"""The six kinds, and how an object of the API becomes a typed resource.

An object that the API server let in may still not fit our model (an older CRD, a newer field). It
is kept as a resource whose `spec` is None and whose `problem` says what to mend, so that one bad
object never hides or blocks another.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from pydantic import ValidationError
from typing_extensions import override

from sluice.errors import Refused
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.channel import ChannelSpec
from sluice.resources.faults import Fault, faults_of, summary
from sluice.resources.fields import Model
from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec
from sluice.resources.status import (
    ApprovalStatus,
    AppStatus,
    ChannelStatus,
    PolicyStatus,
    ReleaseStatus,
    Status,
)

__all__ = [
    "GROUP",
    "KINDS",
    "VERSION",
    "Key",
    "Kind",
    "Resource",
    "Spec",
    "parse_resource",
    "parse_spec",
]

GROUP: Final = "sluice.dev"
VERSION: Final = "v1alpha1"

Spec = AppSpec | ReleaseSpec | ApprovalSpec | ChannelSpec | PolicySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of custom resource."""

    name: str
    plural: str
    short: tuple[str, ...]
    namespaced: bool
    about: str
    """What an object of this kind is, for `kubectl explain`."""
    model: type[Model]
    """What its author writes in `spec`."""
    status: type[Status]
    """What the operator shows in `status`."""


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            name="App",
            plural="apps",
            short=(),
            namespaced=True,
            about="An app whose phones this cluster updates.",
            model=AppSpec,
            status=AppStatus,
        ),
        Kind(
            name="Release",
            plural="releases",
            short=("rel",),
            namespaced=True,
            about="One version of an app's web bundle, with all that is claimed about it.",
            model=ReleaseSpec,
            status=ReleaseStatus,
        ),
        Kind(
            name="Approval",
            plural="approvals",
            short=("apv",),
            namespaced=True,
            about="One person's signed word on one Release.",
            model=ApprovalSpec,
            status=ApprovalStatus,
        ),
        Kind(
            name="Channel",
            plural="channels",
            short=("chan",),
            namespaced=True,
            about="Which Release an audience gets, and how it is rolled out to them.",
            model=ChannelSpec,
            status=ChannelStatus,
        ),
        Kind(
            name="ReleasePolicy",
            plural="releasepolicies",
            short=("rpol",),
            namespaced=True,
            about="What must be shown before a Release may reach phones of this namespace's apps.",
            model=PolicySpec,
            status=PolicyStatus,
        ),
        Kind(
            name="ClusterReleasePolicy",
            plural="clusterreleasepolicies",
            short=("crpol",),
            namespaced=False,
            about="What must be shown before a Release may reach phones of any namespace's apps.",
            model=PolicySpec,
            status=PolicyStatus,
        ),
    )
}


class Key(NamedTuple):
    """Which object: kind, namespace ("" for cluster-scoped kinds) and name."""

    kind: str
    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return (
            f"{self.kind}/{self.namespace}/{self.name}"
            if self.namespace
            else f"{self.kind}/{self.name}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One object of the API: what its author wants, and nothing that we wrote into it."""

    key: Key
    uid: str
    generation: int
    """metadata.generation: grows with each change of spec."""
    resource_version: str
    """For status writes only; never compared or ordered."""
    spec: Spec | None
    """None when the object does not fit the model."""
    problem: Refused | None = None
    """What to mend when `spec` is None."""


def parse_resource(kind: str, body: Mapping[str, Any]) -> Resource:
    """Return the typed form of an API object. Its status and annotations are not looked at.

    It never raises, whatever JSON object it is given.
    """
    meta = body.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    spec = parse_spec(kind, body.get("spec", {}))
    return Resource(
        key=Key(
            kind,
            _text(meta.get("namespace")) if KINDS[kind].namespaced else "",
            _text(meta.get("name")),
        ),
        uid=_text(meta.get("uid")),
        generation=generation if type(generation := meta.get("generation")) is int else 0,
        resource_version=_text(meta.get("resourceVersion")),
        spec=None if isinstance(spec, tuple) else spec,
        problem=Refused("SpecInvalid", summary(spec)) if isinstance(spec, tuple) else None,
    )


def parse_spec(kind: str, value: Any) -> Spec | tuple[Fault, ...]:
    """Return the typed form of an object's `spec`, or what its author has to mend."""
    try:
        return cast("Spec", KINDS[kind].model.model_validate_json(json.dumps(value)))
    except ValidationError as error:
        return faults_of(error, ("spec",))
    except (RecursionError, ValueError):
        return (Fault(path=("spec",), message="this is nested too deep, or holds no JSON"),)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

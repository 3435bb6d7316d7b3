"""What the API server asks before it stores an object: the operator's own words, one step earlier.

A convenience, nothing more. What can never become right is refused (a spec that does not fit its
model); whatever is decided later, by the verdict, is told as a warning, for it may change before
the object is looked at again. The operator verifies everything anew when this is down or bypassed.

An object whose spec stays as it is is let through, fit or not: it must be possible to label it, and
to delete it.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sluice.errors import SluiceError
from sluice.operator.cache import Cache
from sluice.operator.observe import Observer
from sluice.operator.related import related
from sluice.reconcile.observed import ChannelObserved
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import GROUP, KINDS, Key, Resource, parse_resource
from sluice.resources.text import plain

__all__ = ["Admission", "Answer", "response"]

LOG: Final = logging.getLogger("sluice.admission")

CHANNELS_MAX: Final = 4
"""Channels that are judged for one object, the first by name; the operator judges all."""

SECONDS_MAX: Final = 3.0
"""Longest look; the API server waits for five."""

WARNING_CHARS_MAX: Final = 250
"""Longest warning; the API server cuts at 256."""

MESSAGE_CHARS_MAX: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to the API server."""

    allowed: bool
    message: str = ""
    warnings: tuple[str, ...] = ()


class Admission:
    """Answers for one operator process, from what it has seen of the cluster."""

    def __init__(
        self,
        cache: Cache,
        observer_of: Callable[[Cache], Observer],
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare to answer.

        Args:
            cache: what stands in the cluster.
            observer_of: makes an observer that looks at another state of it.
            clock: the time in UTC.
        """
        self._cache = cache
        self._observer_of = observer_of
        self._clock = clock

    async def answer(self, request: Mapping[str, Any]) -> Answer:
        """Return the answer to one `AdmissionReview` request; it raises nothing for its content."""
        kind = _text(_mapping(request, "kind"), "kind")
        group = _text(_mapping(request, "kind"), "group")
        if group != GROUP or kind not in KINDS:
            return Answer(allowed=True)
        match _text(request, "operation"):
            case "CREATE" | "UPDATE":
                return await self._stored(kind, request)
            case "DELETE":
                return Answer(allowed=True, warnings=_deleted(kind))
            case _:
                return Answer(allowed=True)

    async def _stored(self, kind: str, request: Mapping[str, Any]) -> Answer:
        body = _mapping(request, "object")
        if body.get("spec") == _mapping(request, "oldObject").get("spec"):
            return Answer(allowed=True)
        resource = parse_resource(kind, body)
        if resource.problem is not None:
            message = f"{resource.problem.reason}: {resource.problem.message}"
            return Answer(allowed=False, message=plain(message, MESSAGE_CHARS_MAX))
        try:
            async with asyncio.timeout(SECONDS_MAX):
                warnings = [each async for each in self._warnings(resource)]
        except (TimeoutError, SluiceError) as error:
            LOG.info("admission without a verdict", extra={"detail": type(error).__name__})
            warnings = ["Sluice could not judge this in time; its status will tell."]
        return Answer(
            allowed=True, warnings=tuple(plain(each, WARNING_CHARS_MAX) for each in warnings)
        )

    async def _warnings(self, resource: Resource) -> AsyncIterator[str]:
        view = self._cache.over(resource)
        observer = self._observer_of(view)
        for key in list(_channels(view, resource.key))[:CHANNELS_MAX]:
            observed = await observer.channel(key, self._clock())
            if (warning := _warning(observed)) is not None:
                yield warning


def response(request: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """Return the `AdmissionReview` that carries an answer."""
    said: dict[str, Any] = {"uid": _text(request, "uid"), "allowed": answer.allowed}
    if answer.message:
        said["status"] = {"code": 422, "reason": "Invalid", "message": answer.message}
    if answer.warnings:
        said["warnings"] = list(answer.warnings)
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": said}


def _channels(view: Cache, key: Key) -> Iterator[Key]:
    """Yield the channels whose verdict the object may change, and that name a release."""
    for each in sorted(related(view, key)):
        resource = view.get(each) if each.kind == "Channel" else None
        if resource and isinstance(resource.spec, ChannelSpec) and resource.spec.release:
            yield each


def _warning(observed: ChannelObserved) -> str | None:
    where = f"channel {observed.namespace}/{observed.name}"
    problem = observed.app_problem or observed.release_problem
    if problem is not None:
        return f"{where}: {problem.reason}: {problem.message}"
    verdict = observed.verdict
    if verdict is None or verdict.answer == "allowed":
        return None
    return f"{where}: {verdict.answer}: {verdict.reason}: {verdict.message}"


def _deleted(kind: str) -> tuple[str, ...]:
    match kind:
        case "ReleasePolicy" | "ClusterReleasePolicy":
            return ("A sealed policy stays in force: retire it by a revision with retired: true.",)
        case "Channel":
            return ("Phones of the channel keep what they have, and are offered nothing more.",)
        case _:
            return ()


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""

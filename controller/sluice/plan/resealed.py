"""A seal put into a policy's file, comments and all else left as they stand.

The text is edited and read again: only when that is the same policy, with the seals that it is to
have and no others, is it the outcome.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from sluice.errors import Refused
from sluice.plan.drafts import block_lines, ssh_lines
from sluice.plan.manifests import Found
from sluice.resources.canonical import policy_digest
from sluice.resources.manifest import read_manifests, spec_of
from sluice.resources.policy import PolicySpec
from sluice.resources.signed import Seal

__all__ = ["seal_lines", "with_seal"]


def with_seal(
    data: bytes, found: Found, seal: Seal, *, without: frozenset[Seal] = frozenset()
) -> bytes | None:
    """Return a policy's file with one more seal; None when it can't be put in safely.

    Args:
        data: the file, as it was read.
        found: the policy in it.
        seal: what is added.
        without: seals to leave out, since they are of another revision.
    """
    spec = found.spec
    if found.below or not isinstance(spec, PolicySpec):
        return None
    text, place = data.decode(), found.manifest.place(())
    number = [each.place(()) for each in read_manifests(data)].index(place)
    node = _spec_node(text, place.line)
    seals = (*(each for each in spec.seals if each not in without), seal)
    found_ways = _rewritten(text, node, seals) if without else _candidates(text, node, seal)
    for candidate in found_ways:
        if _is_same_with(candidate, text, number, spec, seals):
            return candidate.encode()
    return None


def seal_lines(seal: Seal, column: int) -> list[str]:
    """Return a seal as an item of a list; `column` is where its dash stands, from 0."""
    space = " " * column
    if seal.ssh is not None:
        return [f"{space}- ssh:", *ssh_lines(seal.ssh, column + 2)[1:]]
    bundle = block_lines(seal.sigstore_bundle or "", column + 4)
    return [f"{space}- sigstoreBundle: |-", *bundle]


def _spec_node(text: str, line: int) -> Any:
    """Return the node of `spec` in the document that begins at a line, counted from 1."""
    for root in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        if isinstance(root, yaml.MappingNode) and root.start_mark.line + 1 == line:
            return _value(root, "spec")
    return None


def _value(node: Any, name: str) -> Any:
    return next((value for key, value in node.value if key.value == name), None)


def _candidates(text: str, spec: Any, seal: Seal) -> Iterator[str]:
    if not isinstance(spec, yaml.MappingNode) or spec.flow_style:
        return
    column = spec.start_mark.column
    seals = _value(spec, "seals")
    if seals is None:
        block = [" " * column + "seals:", *seal_lines(seal, column)]
        yield from _inserted(text, spec.end_mark.line, block)
    elif isinstance(seals, yaml.SequenceNode) and not seals.value:
        head, tail = text[: seals.start_mark.index], text[seals.end_mark.index :]
        comment, _, rest = tail.partition("\n")
        item = "\n".join(seal_lines(seal, column))
        yield f"{head.rstrip(' ')}{comment}\n{item}\n{rest}"
    elif isinstance(seals, yaml.SequenceNode) and not seals.flow_style:
        block = seal_lines(seal, seals.start_mark.column)
        yield from _inserted(text, seals.end_mark.line, block)


def _rewritten(text: str, spec: Any, seals: tuple[Seal, ...]) -> Iterator[str]:
    """Yield the text with other seals in place of all that are there."""
    if not isinstance(spec, yaml.MappingNode) or spec.flow_style:
        return
    pairs = [(key, old) for key, old in spec.value if key.value == "seals" and not old.flow_style]
    if len(pairs) != 1:
        return
    [(key, old)] = pairs
    column = key.start_mark.column
    block = [" " * column + "seals:"]
    block += [line for each in seals for line in seal_lines(each, column)]
    lines = text.split("\n")
    for end in _ends(lines, old.end_mark.line):
        yield "\n".join([*lines[: key.start_mark.line], *block, *lines[end:]])


def _ends(lines: list[str], end: int) -> Iterator[int]:
    """Yield where a block may end: before the comments and blank lines that follow, or after."""
    first = end
    while first > 0 and (not lines[first - 1].strip() or lines[first - 1].lstrip()[:1] == "#"):
        first -= 1
    yield from dict.fromkeys((first, end))


def _inserted(text: str, end: int, block: list[str]) -> Iterator[str]:
    """Yield the text with a block before the comments that stand before a line, and after them."""
    lines = text.split("\n")
    if lines[-1]:
        lines.append("")
        end = max(end, len(lines) - 1)
    for at in _ends(lines, end):
        yield "\n".join([*lines[:at], *block, *lines[at:]])


def _is_same_with(
    text: str, before: str, number: int, spec: PolicySpec, seals: tuple[Seal, ...]
) -> bool:
    """Return whether a text is the one before, but for the seals of one of its documents."""
    try:
        old, new = read_manifests(before.encode()), read_manifests(text.encode())
        again = spec_of(new[number])
    except (Refused, IndexError):
        return False
    others = [[each.value for at, each in enumerate(side) if at != number] for side in (old, new)]
    old_rest, new_rest = (
        {name: value for name, value in side[number].value.items() if name != "spec"}
        for side in (old, new)
    )
    return (
        others[0] == others[1]
        and old_rest == new_rest
        and isinstance(again, PolicySpec)
        and policy_digest(again) == policy_digest(spec)
        and again.seals == seals
    )

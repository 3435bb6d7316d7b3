"""What a channel serves after a change: each function makes a whole new table from the old one.

The generation stays as it was: the shell counts it up inside the transaction.
"""

from dataclasses import replace
from typing import Final

from sluice.reconcile.audience import wanted_audience
from sluice.reconcile.observed import ChannelObserved
from sluice.resources.channel import Audience as AudienceSpec
from sluice.resources.release import ReleaseSpec
from sluice.serving.table import ChannelTable, ServedBundle

__all__ = ["first_table", "offering", "promoted", "withdrawn"]

WITHDRAWN_MAX: Final = 256
"""Versions remembered as taken back; a phone that sat on an older one has long moved on."""


def first_table(observed: ChannelObserved) -> ChannelTable:
    """Return the table of a channel on which nothing has been served yet."""
    audience = observed.spec.audience if observed.spec else AudienceSpec()
    return ChannelTable(
        app_id=observed.app_id,
        namespace=observed.namespace,
        channel=observed.name,
        generation=0,
        audience=wanted_audience(audience),
        stable=None,
        candidate=None,
        previous=None,
        share_bp=0,
        rollout_id="",
        salt="",
    )


def offering(
    table: ChannelTable, release: ReleaseSpec, share_bp: int, *, begins: bool
) -> ChannelTable:
    """Return the table that offers a release to a share of phones."""
    native = release.native
    return replace(
        table,
        candidate=ServedBundle(
            version=release.version,
            digest=release.bundle.sha256,
            size=release.bundle.size,
            native_min=native.min if native else None,
            native_max=native.max if native else None,
        ),
        share_bp=share_bp,
        rollout_id="" if begins else table.rollout_id,
        salt="" if begins else table.salt,
        withdrawn=tuple(each for each in table.withdrawn if each != release.version),
    )


def promoted(table: ChannelTable) -> ChannelTable:
    """Return the table in which the candidate has become the stable release."""
    return replace(
        table,
        stable=table.candidate,
        candidate=None,
        previous=table.stable,
        share_bp=0,
        rollout_id="",
        salt="",
    )


def withdrawn(table: ChannelTable, *, gone: frozenset[str], forget_candidate: bool) -> ChannelTable:
    """Return the table without its candidate, and without anything whose digest is in `gone`.

    Args:
        table: what is served now.
        gone: digests that nobody may get any more; the stable release falls back to the one that it
            replaced, or to what is built into the app.
        forget_candidate: the candidate was not bad, only overtaken: phones that have it may keep it
            until they are offered something else.
    """
    left = [each for each in (table.candidate,) if each and not forget_candidate]
    left += [each for each in (table.candidate, table.stable) if each and each.digest in gone]
    stable = table.stable
    previous = table.previous
    if stable is not None and stable.digest in gone:
        stable, previous = previous, None
    if stable is not None and stable.digest in gone:
        stable = None
    names = dict.fromkeys((*table.withdrawn, *(each.version for each in left)))
    if stable is not None:
        names.pop(stable.version, None)
    return replace(
        table,
        stable=stable,
        candidate=None,
        previous=previous,
        share_bp=0,
        rollout_id="",
        salt="",
        withdrawn=tuple(names)[-WITHDRAWN_MAX:],
    )

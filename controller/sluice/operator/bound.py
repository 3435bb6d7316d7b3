"""How many channels a policy binds."""

from sluice.operator.cache import Cache
from sluice.policy.evaluate import binding
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.resources.app import AppSpec
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key

__all__ = ["channels_bound"]


def channels_bound(
    cache: Cache, policy: PolicyInForce | UnreadablePolicy, namespace: str | None
) -> int:
    """Return how many channels a policy binds, in a namespace or (None) in all."""
    count = 0
    for each in cache.of_kind("Channel", namespace):
        if isinstance(each.spec, ChannelSpec):
            where, default = each.key.namespace, each.spec.audience.default
            app = cache.get(Key("App", where, each.spec.app))
            count += (
                app is not None
                and isinstance(app.spec, AppSpec)
                and binding(policy, where, app.spec.app_id, each.key.name, default=default)
            )
    return count

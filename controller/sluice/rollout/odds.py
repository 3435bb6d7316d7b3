"""The one likelihood ratio that all tests here are made of.

Of `trials` things, `hits` fell on one side, each with probability `chance` under the hypothesis. If
the odds are theta times as large, the log likelihood ratio is

    hits log(theta) - trials log(1 + chance (theta - 1)).

Its exponential is a martingale under the hypothesis, for each theta, and so is any mixture over
theta; for theta > 1 it is a supermartingale also where the true chance is less than `chance`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log, log1p

__all__ = ["Prior", "log_mixture", "log_ratios", "log_sum"]


@dataclass(frozen=True, slots=True)
class Prior:
    """Odds ratios that are considered, and how much each is believed.

    It decides how fast an excess is seen, never how often a false alarm is raised.
    """

    thetas: tuple[float, ...]
    weights: tuple[float, ...]
    """Relative to each other."""
    steps: tuple[tuple[float, float], ...] = field(init=False)
    """For each theta, theta - 1 and its logarithm."""
    log_weights: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Compute the logarithms once."""
        whole = sum(self.weights)
        steps = tuple((theta - 1, log(theta)) for theta in self.thetas)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "log_weights", tuple(log(each / whole) for each in self.weights))


def log_ratios(
    prior: Prior, *, hits: int, trials: int, chance: float, onto: tuple[float, ...] = ()
) -> tuple[float, ...]:
    """Return the log likelihood ratio at each theta, added to `onto` if that is given."""
    before = onto or (0.0,) * len(prior.steps)
    # Lists, not generators: this is where a look spends its time.
    return tuple(
        [
            start + hits * log_theta - trials * log1p(chance * excess)
            for start, (excess, log_theta) in zip(before, prior.steps, strict=True)
        ]
    )


def log_mixture(prior: Prior, ratios: tuple[float, ...]) -> float:
    """Return the log of the mean over the prior; `ratios` may be empty, which stands for zeros."""
    if not ratios:
        return 0.0
    return log_sum([ratio + w for ratio, w in zip(ratios, prior.log_weights, strict=True)])


def log_sum(logs: Sequence[float]) -> float:
    """Return the log of the sum of the exponentials, without overflow.

    Args:
        logs: one or more numbers, of which one at least is finite.
    """
    largest = max(logs)
    return largest + log(sum([exp(each - largest) for each in logs]))

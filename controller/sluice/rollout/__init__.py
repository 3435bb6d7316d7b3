"""How far may it go? (strategy, rollout, evidence, now) -> Decision."""

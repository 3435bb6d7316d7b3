"""May it be released? (policies, release, channel, facts, now) -> Verdict."""

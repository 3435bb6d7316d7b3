"""The policy in docs/policy.md is one that is read, and shows every kind of requirement."""

import re
from pathlib import Path

from sluice.policy.cel import compile_expression
from sluice.policy.expressions import STATEMENT_VARIABLES, names_in
from sluice.resources.manifest import read_manifests, spec_of
from sluice.resources.policy import PolicySpec
from sluice.resources.requirements import REQUIREMENT_KINDS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


def documented() -> PolicySpec:
    [text] = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    [manifest] = read_manifests(text.encode())
    spec = spec_of(manifest)
    assert isinstance(spec, PolicySpec)
    return spec


def test_the_documented_policy_is_read() -> None:
    assert documented().exceptions is not None
    assert documented().break_glass is not None


def test_the_documented_policy_shows_every_kind_of_requirement() -> None:
    shown = {
        kind
        for requirement in documented().requirements
        for kind in REQUIREMENT_KINDS
        if getattr(requirement, kind) is not None
    }

    assert shown == set(REQUIREMENT_KINDS)


def test_every_kind_of_requirement_is_explained() -> None:
    text = DOCUMENT.read_text()

    assert [kind for kind in REQUIREMENT_KINDS if f"| `{kind}` |" not in text] == []


def test_the_documented_expressions_speak_of_what_there_is() -> None:
    table = DOCUMENT.read_text().partition("| wish | `expression` |")[2].partition("\n\n")[0]
    expressions = [each.replace("\\|", "|") for each in re.findall(r"`([^`]+)`", table)]

    assert len(expressions) == 4
    for each in expressions:
        compile_expression(each)
        assert set(names_in(each)) <= STATEMENT_VARIABLES

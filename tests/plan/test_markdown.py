"""Whatever manifests hold, the comment mentions nobody, links nowhere and keeps its tables."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.plan.markdown import COMMENT_CHARS_MAX, as_markdown, code, escaped
from sluice.plan.structured import as_json
from sluice.plan.text import as_text
from support.pull_request import plan_of
from support.team import Team

Body = dict[str, Any]

HOSTILE = [
    "@everyone",
    "@acme/security",
    "see #1 and GH-1 and acme/shop#1 and !12 and ~label",
    "[click](https://evil.example.com)",
    "https://evil.example.com and www.evil.example.com and mailto:a@b.c",
    "![x](https://evil.example.com/a.png)",
    "<img src=x onerror=alert(1)>",
    "</details></td></table>",
    "a | b | c",
    "`code` ``more``",
    "line\n\n# Heading\n- item\r\n> quote",
    "**ALLOWED** ~~held~~ __x__ $math$",
    "\u202edetpada\u202c \u2066x\u2069 \u200bzero",
    "&lt;script&gt; &#64;everyone",
    "\x1b[31mred\x07",
    "\\`\\|\\",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_no_markup(hostile: str) -> None:
    shown = escaped(hostile)

    assert "\n" not in shown
    assert not re.search(r"[@#!~](?=\w)", re.sub(r"&#\d+;", "", shown))
    assert not re.search(r"\w://", shown)
    assert not re.search(r"www\.", shown)
    assert not re.search(r"[\\`*_\[\]<>|$~]", shown)
    assert all(each == "\u200b" or each.isprintable() for each in shown)


@given(st.text(max_size=200))
def test_no_text_is_markup(text: str) -> None:
    shown = escaped(text)

    assert "\n" not in shown
    assert not re.search(r"[\\`*_\[\]<>|$~@]", shown)
    assert not re.search(r"&(?!#\d+;)", shown)


@given(st.text(max_size=200))
def test_code_ends_where_it_should_and_parts_no_table(text: str) -> None:
    shown = code(text)
    fence = re.match(r"`+", shown)
    assert fence is not None

    inner = shown[len(fence[0]) : -len(fence[0])]
    assert "|" not in shown
    assert "\n" not in shown
    assert fence[0] not in re.findall(r"`+", inner)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_release_that_is_hostile_everywhere_makes_a_tame_comment(
    team: Team, base: list[Body], hostile: str
) -> None:
    release = team.release_manifest("1.4.2", notes=hostile)
    release["spec"]["source"]["authors"] = [hostile]
    release["spec"]["source"]["repository"] = hostile
    words = [team.approval_manifest("alice", release)]
    head = [each for each in base if each["kind"] != "Channel"]
    head += [team.channel_manifest("shop-1.4.2"), release, *words]

    plan = plan_of(base, head)
    comment = as_markdown(plan)

    for line in comment.splitlines():
        if line.startswith("| "):
            assert line.count("|") == 4, line
        outside = re.sub(r"(`+) ?.*?[^`]\1(?!`)", "", line)
        assert not re.search(r"@\w|\]\(|\w://|<(?!/?(details|summary))", outside), line
    assert "\x1b" not in as_text(plan)
    assert as_json(plan).isascii()


def test_of_many_channels_the_worst_are_shown(team: Team, base: list[Body]) -> None:
    release = base[2]
    many = [team.channel_manifest("shop-1.4.1", name=f"c{number}") for number in range(40)]
    refused = team.approval_manifest("carol", release, decision="reject", channel="c39")

    comment = as_markdown(plan_of(base, [*base, *many, refused]))

    assert "… and 11 more channels, none of them worse." in comment
    assert comment.index("`shop/c39`") < comment.index("`shop/c0`")


def test_a_comment_is_no_longer_than_a_forge_takes(team: Team, base: list[Body]) -> None:
    release = base[2]
    many = [team.approval_manifest("mallory", release) for _ in range(60)]
    for number, each in enumerate(many):
        each["metadata"]["name"] = f"{'x' * 200}-{number}"

    comment = as_markdown(plan_of(base, [*base, *many]))

    assert len(comment) < COMMENT_CHARS_MAX + 200
    assert comment.endswith("\n")

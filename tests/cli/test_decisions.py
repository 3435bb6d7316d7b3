"""Commands about decisions, on a store that a real team has released from."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from sluice.cli.main import main
from sluice.gate.document import Exported, as_document, read_document
from sluice.gate.record import as_record
from sluice.gate.vsa import payload_of, sign_summary
from sluice.serving.seal import generate_private_key, private_key, public_pem
from support.decisions import Decided


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def document(decided: Decided, tmp_path: Path) -> Path:
    """All decisions of the store, exported."""
    file = tmp_path / "decisions.json"
    assert (
        run("audit", "export", "--store", decided.folder, "--last", 99, "--out", file).exit_code
        == 0
    )
    return file


def test_what_is_exported_is_replayed_without_the_store(decided: Decided, document: Path) -> None:
    done = run("replay", document, "--seal-key", decided.public_key)

    assert done.exit_code == 0, done.output
    assert done.output.count(". SAME shop/production") == 4
    assert done.output.count("summary signed by the operator") == 4


def test_without_a_key_a_replay_says_that_no_signature_was_checked(document: Path) -> None:
    done = run("replay", document)

    assert done.exit_code == 0
    assert "its signature was not checked (--seal-key)" in done.output


def test_a_replay_for_machines_is_a_line_for_each_decision(
    decided: Decided, document: Path
) -> None:
    done = run("replay", document, "--seal-key", decided.public_key, "--format", "json")

    lines = [json.loads(line) for line in done.output.splitlines()]
    assert [each["same"] for each in lines] == [True] * 4
    assert all(each["verdict"] == each["again"] for each in lines)


def changed(document: Path, **verdict: Any) -> Path:
    """Write another verdict into the last decision, under digests that fit."""
    kept = read_document(document.read_bytes())[-1]
    record = as_record(kept.read().case, replace(kept.read().verdict, **verdict))
    document.write_text(
        as_document([Exported(record=record.data, summary=kept.summary, pieces=record.pieces)])
    )
    return document


def test_a_replay_says_exactly_what_differs(decided: Decided, document: Path) -> None:
    done = run("replay", changed(document, answer="allowed"), "--seal-key", decided.public_key)

    assert done.exit_code == 1
    assert "1. DIFFERENT shop/production 1.1.0: allowed" in done.output
    assert '   answer\n     recorded: "allowed"\n     again:    "withdrawn"' in done.output
    assert "SummaryOfOther" in done.output


def test_a_piece_that_was_changed_is_told(document: Path) -> None:
    whole = json.loads(document.read_text())
    name = next(iter(whole["pieces"]))
    whole["pieces"][name] += " "
    document.write_text(json.dumps(whole))

    done = run("replay", document)

    assert done.exit_code == 1
    assert f"the piece {name} has other bytes than its name says" in done.output


@pytest.mark.parametrize("given", ["", "{}", "not JSON"])
def test_a_file_that_holds_no_decisions_is_refused(tmp_path: Path, given: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(given)

    done = run("replay", file)

    assert done.exit_code == 1
    assert "DocumentUnreadable" in done.output


def test_one_decision_is_exported_by_its_number_or_digest(decided: Decided) -> None:
    shown = run("audit", "show", "--store", decided.folder, "--last", 99).output.splitlines()
    verdict = next(each for each in map(json.loads, shown) if each["kind"] == "Verdict")

    by_number = run("audit", "export", str(verdict["seq"]), "--store", decided.folder)
    by_digest = run("audit", "export", verdict["body"]["record"], "--store", decided.folder)

    assert by_number.output == by_digest.output
    [found] = json.loads(by_number.output)["decisions"]
    assert found["record"]["verdictSha256"] == verdict["body"]["digest"]


@pytest.mark.parametrize("name", ["1", "99999", "0" * 64, "shop", "-1"])
def test_a_decision_that_is_none_is_told(decided: Decided, name: str) -> None:
    done = run("audit", "export", "--store", decided.folder, "--", name)

    assert done.exit_code == 1
    assert "DecisionMissing" in done.output


def test_the_summary_of_a_decision_is_printed_as_it_was_signed(decided: Decided) -> None:
    done = run("audit", "vsa", "--store", decided.folder, "--channel", "shop/production")

    envelope = json.dumps(json.loads(done.output), sort_keys=True, separators=(",", ":")).encode()
    said = json.loads(payload_of(envelope, (decided.seal_key.public_key(),)))
    assert said["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert said["predicate"]["verificationResult"] == "FAILED"


def test_a_sound_store_is_verified_with_its_decisions(decided: Decided) -> None:
    done = run("audit", "verify", "--store", decided.folder, "--seal-key", decided.public_key)

    assert done.exit_code == 0
    assert "intact " in done.output
    assert "4 decisions complete, their summaries signed" in done.output


def test_verifying_with_the_key_of_somebody_else_fails(decided: Decided, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(private_key(generate_private_key())))

    done = run("audit", "verify", "--store", decided.folder, "--seal-key", other)

    assert done.exit_code == 1
    assert "4 problems" in done.output


def test_a_decision_that_somebody_took_out_is_missed(decided: Decided, tmp_path: Path) -> None:
    shutil.copyfile(decided.folder / "sluice.db", tmp_path / "sluice.db")
    raw = sqlite3.connect(tmp_path / "sluice.db")
    with raw:
        raw.execute("DROP TRIGGER decisions_are_kept")
        raw.execute("DELETE FROM decisions WHERE seq = (SELECT max(seq) FROM decisions)")
    raw.close()

    done = run("audit", "verify", "--store", tmp_path)

    assert done.exit_code == 1
    assert "is a verdict without its decision" in done.output


def test_an_explanation_says_who_did_what_and_what_changed(decided: Decided) -> None:
    done = run("explain", "shop/production", "--store", decided.folder)

    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "shop/production: com.example.shop 1.1.0 is WITHDRAWN: must go"
    assert "  carol rejected this release as release-manager" in done.output
    assert "  ✓ signed-by-ci (Signed): signed by" in done.output
    assert "How far: it does not grow" in done.output
    assert "  answer: allowed (Allowed) → withdrawn (Rejected)" in lines
    assert "  evidence: Approval shop-1.1.0-carol came" in lines


def explained(decided: Decided, answer: str, tmp_path: Path) -> str:
    """The explanation of the first decision with an answer, from a file."""
    entries = [
        json.loads(line)
        for line in run(
            "audit", "show", "--store", decided.folder, "--last", 99
        ).output.splitlines()
    ]
    seq = next(each["seq"] for each in entries if each["body"].get("answer") == answer)
    file = tmp_path / "one.json"
    run("audit", "export", str(seq), "--store", decided.folder, "--out", file)
    return run("explain", "--file", file).output


def test_an_explanation_names_what_is_missing_and_who_could_give_it(
    decided: Decided, tmp_path: Path
) -> None:
    told = explained(decided, "held", tmp_path)

    assert "is HELD: may not grow; what is offered stays offered" in told
    assert "… approved (ApprovalsMissing): 1 of 2 approvals by release-manager: alice." in told
    assert "Still needed: 1 of bob, carol." in told
    assert "Since the decision before" not in told


def test_an_explanation_for_machines_holds_the_verdict(decided: Decided) -> None:
    done = run("explain", "shop/production", "--store", decided.folder, "--format", "json")

    told = json.loads(done.output)
    assert told["verdict"]["answer"] == "withdrawn"
    assert done.output.isascii()


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\nFORGED"


def test_hostile_text_in_a_decision_does_not_steer_the_terminal(
    decided: Decided, document: Path
) -> None:
    kept = read_document(document.read_bytes())[0].read()
    shown = kept.verdict.findings[0]
    finding = replace(shown, policy=HOSTILE, requirement=HOSTILE, message=HOSTILE, by=(HOSTILE,))
    unread = replace(finding, policy="", enforced=False, state="refused")
    evidence = tuple(replace(each, source=HOSTILE) for each in kept.case.evidence)
    record = as_record(
        replace(kept.case, evidence=evidence),
        replace(
            kept.verdict,
            message=HOSTILE,
            namespace=HOSTILE,
            channel=HOSTILE,
            findings=(finding, unread),
        ),
        version=HOSTILE,
    )
    summary = sign_summary(record, decided.seal_key)
    one = Exported(record=record.data, summary=summary, pieces=record.pieces)
    document.write_text(as_document([one]))

    for command, words in (
        (("explain", "--file", document), "is ALLOWED: may grow"),
        (("replay", document), "1. DIFFERENT "),
    ):
        printed = run(*command).output
        assert words in printed
        assert "owned" in printed
        assert all(line.isprintable() for line in printed.splitlines())
        assert not any(line.startswith("FORGED") for line in printed.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [(), ("shop/production",), ("production", "--store", "x"), ("a/b/c", "--store", "x")],
)
def test_an_explanation_of_nothing_in_particular_is_a_wrong_use(
    arguments: tuple[str, ...],
) -> None:
    assert run("explain", *arguments).exit_code == 2


def policy_file(decided: Decided, folder: Path, **changes: Any) -> Path:
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(decided.policy(**changes)))
    return file


def test_a_policy_that_flips_nothing_exits_with_zero(decided: Decided, tmp_path: Path) -> None:
    done = run("whatif", "--policy", policy_file(decided, tmp_path), "--store", decided.folder)

    assert done.exit_code == 0
    assert "0 of 4 decisions would have been another." in done.output
    assert "is not judged here" in done.output


def test_a_policy_that_flips_something_exits_with_three_and_says_why(
    decided: Decided, tmp_path: Path
) -> None:
    file = policy_file(decided, tmp_path, count=3)

    done = run("whatif", "--policy", file, "--store", decided.folder)

    assert done.exit_code == 3
    assert "2 of 4 decisions would have been another." in done.output
    assert "allowed → held" in done.output
    assert "+ ReleasePolicy/releases approved: ApprovalsMissing" in done.output


def test_only_so_many_decisions_are_made_again(decided: Decided, tmp_path: Path) -> None:
    file = policy_file(decided, tmp_path, count=3)

    done = run(
        "whatif", "--policy", file, "--store", decided.folder, "--last", 1, "--format", "json"
    )

    told = json.loads(done.output)
    assert (told["judged"], told["flips"]) == (1, [])
    assert done.exit_code == 0


def test_a_policy_that_names_no_namespace_needs_one(decided: Decided, tmp_path: Path) -> None:
    manifest = decided.policy(count=3)
    del manifest["metadata"]["namespace"]
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(manifest))

    without = run("whatif", "--policy", file, "--store", decided.folder)
    given = run("whatif", "--policy", file, "--store", decided.folder, "--namespace", "shop")

    assert (without.exit_code, given.exit_code) == (1, 3)
    assert "give --namespace" in without.output


@pytest.mark.parametrize("text", ["", "kind: Release", "a: 1\na: 2"])
def test_what_is_no_policy_is_refused(decided: Decided, tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)

    assert run("whatif", "--policy", file, "--store", decided.folder).exit_code == 1

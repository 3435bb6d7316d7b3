import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.serving.classify import (
    CRASHES,
    INSTALL_FAILURES,
    START_FAILURES,
    Event,
    classify,
    sighting,
)
from sluice.serving.report import Failure, Report, Sighting
from sluice.serving.select import select
from support.serving import APP_ID, DEVICE_ID, a_bundle, a_channel, a_device, a_rollout, a_table

CANDIDATE = a_bundle("2.0.0").digest
STABLE = a_bundle("1.1.0").digest

NOT_THE_BUNDLE = [
    "download_fail",
    "finish_download_fail",
    "download_manifest_file_fail",
    "download_manifest_checksum_fail",
    "insufficient_disk_space",
    "low_mem_fail",
    "checksum_required",
    "session_key_required",
    "webview_javascript_error",
    "app_killed_low_memory",
    "set",
    "delete",
    "reset",
    "download_3590",
    "app_launch_ready",
    "rate_limit_reached",
    "anything_new",
]


def in_arm(arm, share_bp=5_000):
    table = a_table(a_rollout(share_bp=share_bp))
    devices = (a_device(device_id=str(uuid.UUID(int=number))) for number in range(100))
    return table, next(each for each in devices if select(table, each).arm == arm)


def failures(table, device, action, version_name):
    event = Event(
        device=replace(device, version_name=version_name), action=action, timestamp_ms=None
    )
    return [each for each in classify(table, event) if isinstance(each, Failure)]


def counted(table, device, action, version_name):
    return [
        (each.rollout_id, each.arm, each.digest)
        for each in failures(table, device, action, version_name)
    ]


def test_every_event_is_a_report():
    event = Event(device=a_device(version_name="2.0.0:a.js"), action="ping", timestamp_ms=7)

    assert classify(a_table(a_channel()), event) == (
        Report(
            app_id=APP_ID,
            device_id=DEVICE_ID,
            action="ping",
            version_name="2.0.0:a.js",
            timestamp_ms=7,
        ),
    )


@pytest.mark.parametrize("action", sorted(START_FAILURES))
def test_a_failed_start_of_the_candidate_is_counted_and_quarantined(action):
    table, device = in_arm("candidate")

    assert failures(table, device, action, "2.0.0") == [
        Failure(
            rollout_id="rollout-1",
            device_id=device.device_id,
            arm="candidate",
            digest=CANDIDATE,
            action=action,
        )
    ]


def test_a_version_may_come_with_the_file_that_failed():
    table, device = in_arm("candidate")

    assert counted(table, device, "set_fail", "2.0.0:a.js") == [
        ("rollout-1", "candidate", CANDIDATE)
    ]


@pytest.mark.parametrize("action", sorted(INSTALL_FAILURES))
@pytest.mark.parametrize("version_name", ["1.0.0", "1.1.0", "2.0.0", "2.0.0:a.js", "builtin", ""])
def test_a_failed_installation_is_of_what_was_offered_whatever_it_names(action, version_name):
    table, device = in_arm("candidate")

    assert counted(table, device, action, version_name) == [("rollout-1", "candidate", CANDIDATE)]


@pytest.mark.parametrize("action", sorted(CRASHES))
def test_a_crash_counts_and_keeps_nobody_from_the_bundle(action):
    table, device = in_arm("candidate")

    assert counted(table, device, action, "2.0.0") == [("rollout-1", "candidate", "")]


@pytest.mark.parametrize("version_name", ["1.1.0", "1.0.0", "builtin", "0.7.0"])
def test_a_crash_without_the_candidate_counts_in_the_control_arm(version_name):
    table, device = in_arm("control")

    assert counted(table, device, "app_crash", version_name) == [("rollout-1", "control", "")]


def test_a_crash_before_the_candidate_is_installed_counts_nowhere():
    table, device = in_arm("candidate")

    assert counted(table, device, "app_crash", "1.1.0") == []


def test_a_failed_start_of_the_stable_release_counts_in_the_control_arm():
    table, device = in_arm("control")

    assert counted(table, device, "update_fail", "1.1.0") == [("rollout-1", "control", STABLE)]


def test_a_phone_that_was_not_offered_the_candidate_cannot_count_against_it():
    """It only keeps itself from it."""
    table, device = in_arm("control")

    assert counted(table, device, "update_fail", "2.0.0") == [("", "control", CANDIDATE)]


def test_without_a_rollout_a_failure_only_quarantines():
    table = a_table(a_channel())

    assert counted(table, a_device(), "update_fail", "1.1.0") == [("", "control", STABLE)]
    assert counted(table, a_device(), "app_crash", "1.1.0") == []


@pytest.mark.parametrize("action", NOT_THE_BUNDLE)
@pytest.mark.parametrize("version_name", ["1.1.0", "2.0.0", ""])
def test_what_network_disk_or_scripts_do_is_no_failure_of_a_bundle(action, version_name):
    for arm in ("candidate", "control"):
        table, device = in_arm(arm)

        assert counted(table, device, action, version_name) == []


def test_a_failure_of_what_is_not_served_is_nobodys():
    table, device = in_arm("candidate")

    assert counted(table, device, "update_fail", "0.1.0") == []
    assert counted(table, device, "update_fail", "") == []


def test_a_failure_in_an_unknown_app_or_channel_is_nobodys():
    table, device = in_arm("candidate")

    for stranger in (replace(device, app_id="com.x"), replace(device, default_channel="x")):
        assert counted(table, stranger, "update_fail", "2.0.0") == []


def test_a_quarantined_phone_does_not_count_again():
    table, device = in_arm("candidate")
    table = replace(table, quarantine=frozenset({(device.device_id, CANDIDATE)}))

    assert counted(table, device, "app_crash", "2.0.0") == []
    assert counted(table, device, "update_fail", "2.0.0") == [("", "control", CANDIDATE)]


@pytest.mark.parametrize(
    ("arm", "version_name", "running"),
    [
        ("candidate", "1.0.0", False),
        ("candidate", "2.0.0", True),
        ("control", "1.0.0", False),
        ("control", "1.1.0", True),
    ],
)
def test_a_check_for_updates_shows_what_the_phone_runs(arm, version_name, running):
    table, device = in_arm(arm)
    device = replace(device, version_name=version_name)

    assert sighting(select(table, device), device) == Sighting(
        rollout_id="rollout-1", device_id=device.device_id, arm=arm, running=running
    )


@pytest.mark.parametrize(
    "channel", [a_channel(), a_channel(stable=None, withdrawn=("1.0.5",)), a_rollout(rollout_id="")]
)
def test_a_phone_in_no_arm_is_not_recorded(channel):
    device = a_device(version_name="1.0.5")

    assert sighting(select(a_table(channel), device), device) is None


@given(
    st.sampled_from(sorted(START_FAILURES | INSTALL_FAILURES | CRASHES) + NOT_THE_BUNDLE),
    st.one_of(st.text(max_size=20), st.sampled_from(["1.1.0", "2.0.0", "2.0.0:x", ":2.0.0"])),
    st.text(max_size=10),
)
def test_any_event_is_classified(action, version_name, build):
    table, device = in_arm("candidate")
    event = Event(
        device=replace(device, version_name=version_name, version_build=build),
        action=action,
        timestamp_ms=None,
    )

    assert isinstance(classify(table, event)[0], Report)

import uuid
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.serving.select import NoUpdate, Offer, Reason, Reset, channel_for, select
from support.serving import (
    APP_ID,
    DEVICE_ID,
    a_bundle,
    a_channel,
    a_device,
    a_rollout,
    a_table,
    an_audience,
)

STABLE = a_bundle("1.1.0")
CANDIDATE = a_bundle("2.0.0")
BETA = a_channel(
    "beta", stable=a_bundle("3.0.0"), audience=an_audience(default=False, self_assign=True)
)
PRIVATE = a_channel("staff", stable=a_bundle("4.0.0"), audience=an_audience(default=False))


def version_for(table, device):
    """What the phone runs once it did as it was told."""
    match select(table, device):
        case Offer(bundle=bundle):
            return bundle.version
        case Reset():
            return device.version_build
        case NoUpdate():
            return device.version_name


def reason_for(table, device):
    answer = select(table, device)
    return answer.reason if isinstance(answer, NoUpdate) else type(answer).__name__


def a_phone_in(arm):
    """A phone that half the phones' share holds, or does not."""
    table = a_table(a_rollout(share_bp=5_000))
    devices = (a_device(device_id=str(uuid.UUID(int=number))) for number in range(100))
    return next(each for each in devices if select(table, each).arm == arm)


@pytest.mark.parametrize(
    ("reason", "channel", "device"),
    [
        ("AppUnknown", {}, {"app_id": "com.example.other"}),
        ("BuildUnknown", {}, {"version_build": "unknown"}),
        ("BuildInvalid", {}, {"version_build": "1.2.3.4"}),
        ("PluginUnsupported", {}, {"plugin_version": "4.17.0"}),
        ("InfoMissing", {}, {"version_name": ""}),
        ("InfoMissing", {}, {"version_build": ""}),
        ("InfoMissing", {}, {"platform": ""}),
        ("NoChannel", {"audience": an_audience(default=False)}, {}),
        ("NoChannel", {"audience": an_audience(platforms=("ios",))}, {}),
        ("NoChannel", {}, {"default_channel": "nowhere"}),
        ("UpToDate", {}, {"version_name": "1.1.0"}),
        ("UpToDate", {}, {"version_name": "1.1.0", "is_prod": False}),
        ("OnBuiltin", {"stable": None}, {}),
        ("OnBuiltin", {"stable": None}, {"version_name": "builtin"}),
        ("NothingServed", {"stable": None}, {"version_name": "1.0.5"}),
        (
            "PlatformDisabled",
            {"audience": an_audience(platforms=("ios",))},
            {"default_channel": "production"},
        ),
        (
            "ChannelPrivate",
            {"audience": an_audience(default=False)},
            {"default_channel": "production"},
        ),
        ("NativeTooOld", {"stable": a_bundle(native_min="1.0.1")}, {}),
        ("NativeTooNew", {"stable": a_bundle(native_max="0.9.0")}, {}),
        ("NativeTooOld", {"stable": a_bundle(native_min="x")}, {}),
        ("NativeTooNew", {"stable": a_bundle(native_max="x")}, {}),
        ("ProductionDisabled", {"audience": an_audience(production=False)}, {}),
        ("DevelopmentDisabled", {"audience": an_audience(development=False)}, {"is_prod": False}),
        ("DeviceDisabled", {"audience": an_audience(device=False)}, {}),
        ("EmulatorDisabled", {"audience": an_audience(emulator=False)}, {"is_emulator": True}),
        (
            "PluginCannotReset",
            {"stable": None, "withdrawn": ("1.0.5",)},
            {"version_name": "1.0.5", "plugin_version": "6.1.9"},
        ),
        ("Reset", {"stable": None, "withdrawn": ("1.0.5",)}, {"version_name": "1.0.5"}),
        ("Offer", {}, {}),
        ("Offer", {}, {"version_name": "9.9.9"}),
        ("Offer", {"stable": a_bundle(native_min="1.0.0", native_max="1.0.0")}, {}),
        ("Offer", {"stable": a_bundle(native_min="1")}, {"version_build": "1.0"}),
    ],
)
def test_each_reason_has_its_case(reason, channel, device):
    assert reason == reason_for(a_table(a_channel(**channel)), a_device(**device))


def test_the_reasons_have_messages():
    assert "" not in {NoUpdate(reason=reason).message for reason in get_args(Reason)}


def test_what_comes_first_in_the_protocol_is_the_reason_given():
    """Platform, private channel, native version, kind of build, quarantine: in that order."""
    audience = an_audience(default=False, platforms=("ios",), production=False)
    device = a_device(default_channel="production")
    channel = a_channel(audience=audience, stable=a_bundle(native_min="2.0.0"))
    reasons = []
    for change in (
        {},
        {"audience": replace(audience, platforms=("android",))},
        {"audience": an_audience(production=False)},
        {"stable": STABLE},
        {"audience": an_audience()},
    ):
        channel = replace(channel, **change)
        table = a_table(channel, quarantine=[(DEVICE_ID, channel.stable.digest)])
        reasons.append(reason_for(table, device))

    assert reasons == [
        "PlatformDisabled",
        "ChannelPrivate",
        "NativeTooOld",
        "ProductionDisabled",
        "Quarantined",
    ]


@pytest.mark.parametrize(
    ("channel", "overrides", "device"),
    [
        ("production", {}, {}),
        ("beta", {}, {"default_channel": "beta"}),
        ("staff", {}, {"default_channel": "staff"}),
        ("beta", {(APP_ID, DEVICE_ID): "beta"}, {}),
        ("beta", {(APP_ID, DEVICE_ID): "beta"}, {"default_channel": "staff"}),
        ("production", {(APP_ID, DEVICE_ID): "gone"}, {}),
        ("production", {("com.example.other", DEVICE_ID): "beta"}, {}),
        # Whoever can write such a row could move any phone to it.
        ("production", {(APP_ID, DEVICE_ID): "staff"}, {}),
    ],
)
def test_the_channel_is_the_assigned_one_else_the_named_one_else_the_default(
    channel, overrides, device
):
    table = a_table(BETA, a_channel(), PRIVATE, overrides=overrides)

    assert channel == channel_for(table, a_device(**device)).channel


def test_each_platform_has_its_own_default_channel():
    ios, android = (
        a_channel(name, audience=an_audience(platforms=(name,))) for name in ("ios", "android")
    )
    table = a_table(android, ios)

    assert channel_for(table, a_device(platform="ios")) == ios
    assert channel_for(table, a_device(platform="android")) == android


def test_only_a_share_is_offered_the_candidate():
    table = a_table(a_rollout(share_bp=5_000))

    assert select(table, a_phone_in("candidate")) == Offer(
        channel=a_rollout(share_bp=5_000), bundle=CANDIDATE, arm="candidate"
    )
    assert select(table, a_phone_in("control")) == Offer(
        channel=a_rollout(share_bp=5_000), bundle=STABLE, arm="control"
    )


def test_without_a_rollout_nobody_is_in_an_arm():
    assert select(a_table(a_channel()), a_device()).arm is None
    assert select(a_table(a_rollout(rollout_id="")), a_device()).arm is None


def test_a_phone_that_runs_what_its_arm_is_given_is_seen_doing_so():
    table = a_table(a_rollout(share_bp=5_000))
    drawn = replace(a_phone_in("candidate"), version_name="2.0.0")
    other = replace(a_phone_in("control"), version_name="1.1.0")

    assert (select(table, drawn).reason, select(table, drawn).arm) == ("UpToDate", "candidate")
    assert (select(table, other).reason, select(table, other).arm) == ("UpToDate", "control")


def test_a_phone_ahead_of_its_turn_keeps_the_candidate_and_proves_nothing():
    phone = replace(a_phone_in("control"), version_name="2.0.0")
    answer = select(a_table(a_rollout(share_bp=5_000)), phone)

    assert (answer.reason, answer.arm) == ("UpToDate", None)


def test_a_quarantined_phone_gets_the_stable_release_and_is_in_no_arm():
    table = a_table(a_rollout(), quarantine=[(DEVICE_ID, CANDIDATE.digest)])

    assert select(table, a_device()) == Offer(channel=a_rollout(), bundle=STABLE, arm=None)


def test_quarantine_is_of_one_device_and_one_digest():
    other = "00000000-0000-4000-8000-000000000000"
    table = a_table(
        a_rollout(), quarantine=[(other, CANDIDATE.digest), (DEVICE_ID, a_bundle("1.9.0").digest)]
    )

    assert select(table, a_device()).bundle == CANDIDATE


@pytest.mark.parametrize(
    "candidate",
    [a_bundle("2.0.0", native_min="1.0.1"), a_bundle("2.0.0", native_max="0.9.9")],
)
def test_a_phone_that_cannot_run_the_candidate_gets_the_stable_release(candidate):
    channel = a_rollout(candidate=candidate)

    assert select(a_table(channel), a_device()) == Offer(channel=channel, bundle=STABLE, arm=None)


def test_phones_outside_the_audience_are_in_no_arm():
    channel = a_rollout(audience=an_audience(emulator=False))
    answer = select(a_table(channel), a_device(is_emulator=True))

    assert (answer.reason, answer.arm) == ("EmulatorDisabled", None)


def test_while_nobody_can_record_it_nobody_new_is_offered_the_candidate():
    table = a_table(a_rollout())
    running = replace(a_device(), version_name="2.0.0")

    assert select(table, a_device(), candidates=False) == Offer(
        channel=a_rollout(), bundle=STABLE, arm=None
    )
    assert select(table, running, candidates=False).reason == "UpToDate"


def test_a_phone_on_a_withdrawn_version_steps_back_to_the_stable_one():
    channel = a_channel(withdrawn=("2.0.0",))
    answer = select(a_table(channel), a_device(version_name="2.0.0"))

    assert answer == Offer(channel=channel, bundle=STABLE, arm=None)


@pytest.mark.parametrize(
    ("channel", "quarantine"),
    [
        (a_channel(stable=None, withdrawn=("2.0.0",)), []),
        (a_channel(stable=a_bundle(native_min="9.0.0"), withdrawn=("2.0.0",)), []),
        (a_channel(withdrawn=("2.0.0",)), [(DEVICE_ID, STABLE.digest)]),
        (a_channel(withdrawn=("2.0.0",), audience=an_audience(production=False)), []),
        (a_channel(stable=a_bundle("2.0.0", native_max="0.9.0")), []),
        (a_rollout(stable=None, candidate=a_bundle("2.0.0", native_max="0.9.0")), []),
    ],
)
def test_who_must_leave_and_can_be_given_nothing_goes_back_to_what_is_built_in(channel, quarantine):
    table = a_table(channel, quarantine=quarantine)

    assert select(table, a_device(version_name="2.0.0")) == Reset(channel=channel)


@pytest.mark.parametrize("version_name", ["builtin", "1.0.0"])
def test_a_phone_that_may_be_on_the_built_in_version_is_not_reset(version_name):
    """In direct-update mode it would reload at each check."""
    channel = a_channel(stable=None, withdrawn=("1.0.0", "builtin"))

    assert reason_for(a_table(channel), a_device(version_name=version_name)) == "OnBuiltin"


def test_what_is_served_again_is_not_withdrawn_any_more():
    channel = a_channel(withdrawn=("1.1.0",))

    assert reason_for(a_table(channel), a_device(version_name="1.1.0")) == "UpToDate"


BUNDLES = st.one_of(
    st.none(),
    st.builds(
        a_bundle,
        st.sampled_from(["0.9.0", "1.0.0", "1.1.0", "2.0.0"]),
        native_min=st.sampled_from([None, "0.5.0", "1.0.0", "1.5.0"]),
        native_max=st.sampled_from([None, "0.7.0", "1.0.0", "3.0.0"]),
    ),
)
AUDIENCES = st.builds(
    an_audience,
    default=st.booleans(),
    self_assign=st.booleans(),
    platforms=st.sampled_from([("android",), ("ios",), ("android", "ios")]),
    production=st.booleans(),
    development=st.booleans(),
    emulator=st.booleans(),
    device=st.booleans(),
)
CHANNELS = st.builds(
    a_channel,
    st.sampled_from(["production", "beta"]),
    audience=AUDIENCES,
    stable=BUNDLES,
    candidate=BUNDLES,
    share_bp=st.sampled_from([0, 3_000, 10_000]),
    rollout_id=st.sampled_from(["", "rollout-1"]),
    salt=st.sampled_from(["a", "b"]),
    withdrawn=st.sampled_from([(), ("1.1.0",), ("2.0.0", "0.9.0"), ("1.0.0",)]),
)
TABLES = st.builds(
    lambda channels, quarantined, assigned: a_table(
        *channels,
        quarantine=[(DEVICE_ID, a_bundle(version).digest) for version in quarantined],
        overrides={(APP_ID, DEVICE_ID): assigned} if assigned else {},
    ),
    st.lists(CHANNELS, min_size=1, max_size=2, unique_by=lambda each: each.channel),
    st.sets(st.sampled_from(["0.9.0", "1.0.0", "1.1.0", "2.0.0"])),
    st.sampled_from(["", "production", "beta"]),
)
DEVICES = st.builds(
    a_device,
    version_name=st.sampled_from(["builtin", "0.9.0", "1.0.0", "1.1.0", "2.0.0", "7.0.0"]),
    version_build=st.sampled_from(["1.0.0", "1", "0.6.0", "2.0.0"]),
    plugin_version=st.sampled_from(["8.51.23", "6.1.0", "5.9.0", "0.0.1"]),
    platform=st.sampled_from(["android", "ios"]),
    is_emulator=st.booleans(),
    is_prod=st.booleans(),
    default_channel=st.sampled_from(["", "production", "beta"]),
)


@given(TABLES, DEVICES)
def test_a_phone_is_never_sent_in_a_circle(table, device):
    """Doing as it is told twice, a phone is where it stays."""
    once = replace(device, version_name=version_for(table, device))
    settled = replace(once, version_name=version_for(table, once))

    assert settled.version_name == version_for(table, settled)
    assert settled.version_name == once.version_name


@given(TABLES, DEVICES)
def test_no_offer_is_for_a_phone_that_may_not_or_cannot_have_it(table, device):
    answer = select(table, device)
    if not isinstance(answer, Offer):
        return
    bundle, channel = answer.bundle, answer.channel

    assert bundle in (channel.stable, channel.candidate)
    assert (device.device_id, bundle.digest) not in table.quarantine
    assert device.platform in channel.audience.platforms
    assert channel.audience.production if device.is_prod else channel.audience.development
    assert channel.audience.emulator if device.is_emulator else channel.audience.device
    assert bundle.version != device.version_name
    if bundle is channel.candidate and bundle != channel.stable:
        assert channel.rollout_id
        assert channel.share_bp


@given(TABLES, DEVICES)
def test_what_is_served_stays_served_when_the_share_grows(table, device):
    """A phone that was given the candidate is not taken it away by growth."""
    grown = replace(
        table,
        channels={APP_ID: tuple(replace(each, share_bp=10_000) for each in table.channels[APP_ID])},
    )
    before = select(table, device)

    if isinstance(before, Offer) and before.arm == "candidate":
        assert select(grown, device).bundle == before.bundle

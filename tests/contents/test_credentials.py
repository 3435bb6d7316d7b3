"""Secrets are found whatever stands around them, what is public by design is not, none is told."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.bundles import found, kinds, look_into, look_into_script


def token(claims: dict[str, object]) -> str:
    """Return a JSON Web Token with these claims."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(each, separators=(",", ":")).encode()).rstrip(b"=")
        for each in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    return b".".join([*parts, b"c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"]).decode()


# Put together here, so that nobody who scans this repository is alarmed.
PEM = "-----BEGIN {}-----\\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" * 2 + "\\n"
SECRETS = {
    "AWS access key": "AKIA" + "QWERTYUIOPASDFGH",
    "AWS secret key": 'awsSecretKey:"' + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz" + '"',
    "GitHub token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "GitHub token (fine-grained)": "github_pat_" + "A" * 22 + "_" + "b1" * 29 + "c",
    "GitLab token": "glpat-" + "aBcDeFgHiJkLmNoPqRsT",
    "JSON Web Token": token({"sub": "1234", "role": "service_role"}),
    "private key": PEM.format("RSA PRIVATE KEY"),
    "private key (PKCS 8)": PEM.format("PRIVATE KEY"),
    "private key (SSH)": PEM.format("OPENSSH PRIVATE KEY"),
    "Slack token": "xoxb-" + "123456789012-123456789012-" + "AbCdEfGhIjKlMnOpQrStUvWx",
    "Slack webhook": "https://hooks.slack.com/services/" + "T0AAAAAAA/B0AAAAAAA/abcdefghijklmnop",
    "Stripe secret key": "sk_live_" + "abcdefghijklmnopqrstuvwx",
    "Twilio key": "SK" + "0123456789abcdef" * 2,
    "SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "npm token": "npm_" + "a1b2c3d4e5f6g7h8i9j0" + "k1l2m3n4o5p6q7r8",
    "npm token (.npmrc)": "//npm.example.com/:_authToken=" + "npm_abcdefgh",
    "password in URL": "https://deploy:" + "hunter2hunter" + "@db.example.com/x",
    "Azure storage key": "AccountKey=" + "a" * 86 + "==",
    "OpenAI key": "sk-" + "a" * 20 + "T3BlbkFJ" + "b" * 20,
    "Anthropic key": "sk-ant-" + "api03-" + "a" * 90,
    "Google client secret": "GOCSPX-" + "a1b2c3d4e5f6g7h8i9j0k1l2m3n4",
    "Mapbox secret token": "sk.eyJ1Ijoic2hvcCIsImEiOiJ4In0aaaa.abcdefghijklmnopqrstuv",
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("around", ['var a="{}",b=1;', "x({{k:`{}`}})", "'{}'", '{{"a":"{}"}}'])
def test_a_secret_is_found_and_not_told(case: str, around: str) -> None:
    report = look_into_script(f"!function(){{}}();\n{around.format(SECRETS[case])}")

    assert found(report.secrets) == [("app.js", case.partition(" (")[0], 2)]
    assert SECRETS[case].encode() not in report.as_json()
    assert SECRETS[case][8:40].encode() not in report.as_json()


def test_a_secret_that_is_known_by_its_quotes_is_found_in_any() -> None:
    for quote in "'\"`":
        script = SECRETS["AWS secret key"].replace('"', quote)
        assert kinds(look_into_script(script).secrets) == ["AWS secret key"]


def test_two_secrets_side_by_side_are_both_found() -> None:
    key, other = SECRETS["AWS access key"], SECRETS["Stripe secret key"]

    report = look_into_script(f"['{key}','{key}','{other}']")

    assert [(each.kind, each.offset) for each in report.secrets] == [
        ("AWS access key", 2),
        ("AWS access key", 25),
        ("Stripe secret key", 48),
    ]


@pytest.mark.parametrize("name", ["app.js.map", "config.json", ".env", "assets/data.bin", "a.css"])
def test_secrets_are_looked_for_in_every_kind_of_file(name: str) -> None:
    report = look_into({name: b"\0\1\n" + SECRETS["AWS access key"].encode()})

    assert found(report.secrets) == [(name, "AWS access key", 2)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_in_utf_16_is_read(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""

    report = look_into_script(mark + f"k='{SECRETS['GitLab token']}'".encode(encoding))

    assert kinds(report.secrets) == ["GitLab token"]


def test_slashes_that_json_escapes_hide_nothing() -> None:
    escaped = [SECRETS[each].replace("/", "\\/") for each in ("Slack webhook", "password in URL")]

    report = look_into({"config.json": json.dumps(escaped).replace("\\\\", "\\")})

    assert kinds(report.secrets) == ["Slack webhook", "password in URL"]


NO_SECRETS = {
    "a Firebase web key, which names a project": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "a publishable Stripe key": "pk_live_" + "abcdefghijklmnopqrstuvwx",
    "a Stripe key for tests": "sk_test_" + "abcdefghijklmnopqrstuvwx",
    "a Sentry DSN": "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42",
    "a token for everybody of Supabase": token({"iss": "supabase", "role": "anon"}),
    "a public token of Mapbox": "pk.eyJ1Ijoic2hvcCIsImEiOiJ4In0." + "abcdefghijklmnopqrstuv",
    "the key in AWS's documentation": "AKIA" + "IOSFODNN7EXAMPLE",
    "the header of a key without a key": "-----BEGIN PRIVATE KEY-----\\n",
    "a header that a library writes": '-----BEGIN RSA PRIVATE KEY-----\\n"+t.match(/.{1,64}/g)',
    "a placeholder for a login": "postgres://user:password@db.example.com/x",
    "a login of stars": "https://user:****@db.example.com/",
    "a login that is filled in": "https://${user}:${password}@db.example.com/",
    "a time in a URL": "https://db.example.com/a@12:30:00",
    "a digest": "sha512-" + "Ab9+/" * 17 + "Q==",
    "a Git commit": "0123456789abcdef0123456789abcdef01234567",
    "a UUID": "123e4567-e89b-12d3-a456-426614174000",
    "a picture as data": "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAUA" * 40,
    "what looks like a token and is not JSON": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".c",
    "a token with a header that is not JSON": "eyJ"
    + "a" * 21
    + "."
    + token({"a": 1}).split(".", 1)[1],
    "a word that begins like a token": "tghp_" + "a" * 36,
}


@pytest.mark.parametrize("case", NO_SECRETS)
def test_what_is_no_secret_is_not_told(case: str) -> None:
    assert look_into_script(f'var a="{NO_SECRETS[case]}";').secrets == ()


MINIFIED = (
    '"use strict";var e=Object.defineProperty,t=(e,t)=>()=>(t||e((t={exports:{}}).exports,t),t.'
    "exports);const n=Symbol.for('react.element'),r={key:!0,ref:!0,__self:!0,__source:!0};function"
    ' o(e,t,i){let a,s={},l=null,u=null;for(a in void 0!==i&&(l=""+i),t)hasOwnProperty.call(t,a)&&'
    '!r.hasOwnProperty(a)&&(s[a]=t[a]);return{$$typeof:n,type:e,key:l,ref:u,props:s}}var p={token:"'
    'abstract",password:"input[type=password]",secret:void 0,apiKey:t.apiKey,auth:{basic:"Basic "+'
    'btoa(e+":"+t)}};const K="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",'
    'h=["0x6a09e667","0xbb67ae85"],SKU="AC-0123456789",q=/^(?:[a-z]+:)?\\/\\/([^:@]+):([^@]+)@/i;'
)


def test_ordinary_minified_code_has_no_secrets() -> None:
    assert look_into_script(MINIFIED * 50).secrets == ()


def test_what_the_command_of_detect_secrets_finds_is_found(tmp_path: Path) -> None:
    lines = [f"var a{number} = '{SECRETS[case]}';" for number, case in enumerate(SECRETS)]
    (tmp_path / "app.js").write_text("\n".join(lines))
    command = [sys.executable, "-m", "detect_secrets", "scan", "--no-verify", "app.js"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    theirs = {
        each["line_number"]
        for each in json.loads(done.stdout)["results"]["app.js"]
        if not each["type"].endswith(("High Entropy String", "Secret Keyword"))
    }
    ours = {each.line for each in look_into_script("\n".join(lines)).secrets}
    assert len(theirs) > 12
    assert theirs <= ours

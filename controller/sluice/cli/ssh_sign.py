"""Signatures by the real `ssh-keygen`: it knows agents, passphrases and security keys."""

import subprocess
from pathlib import Path
from typing import Final

from sluice.errors import Refused
from sluice.resources.text import plain
from sluice.verify.ssh import APPROVAL_NAMESPACE

__all__ = ["public_key", "ssh_sign"]

PUBLIC_KEY_BYTES_MAX: Final = 64 * 1024


def ssh_sign(key: Path, text: bytes) -> str:
    """Return the armored signature over a text.

    ssh-keygen asks the terminal for a passphrase or PIN, and says there when to touch a key.

    Args:
        key: a private key, or the public half of one that an agent or a security key holds.
        text: what is signed.

    Raises:
        Refused: `SigningFailed`.
    """
    command = ["ssh-keygen", "-Y", "sign", "-n", APPROVAL_NAMESPACE, "-f", str(key.absolute())]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the path is absolute, so no option
            command, input=text, stdout=subprocess.PIPE, check=False
        )
    except FileNotFoundError as error:
        message = "The program ssh-keygen is needed: install OpenSSH 8.9 or later."
        raise Refused("SigningFailed", message) from error
    if done.returncode != 0 or not done.stdout:
        message = (
            f"ssh-keygen did not sign with {plain(str(key), 256)}: it says why above. The file is a"
            " private key, or the .pub file of one that ssh-agent holds."
        )
        raise Refused("SigningFailed", message)
    return done.stdout.decode("ascii", errors="replace")


def public_key(key: Path) -> str | None:
    """Return the public half of a key as policies write it; None when its file is not there."""
    path = key if key.suffix == ".pub" else key.with_name(key.name + ".pub")
    try:
        with path.open("rb") as stream:
            words = stream.read(PUBLIC_KEY_BYTES_MAX).decode(errors="replace").split()
    except OSError:
        return None
    return " ".join(words[:2]) or None

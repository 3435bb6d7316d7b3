"""SSH signatures put together piece by piece, so that any can lie; and the real ssh-keygen."""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Keygen", "SshSig", "armor", "mpint", "read_strings", "string", "to_be_signed"]


def string(data: bytes) -> bytes:
    """Return bytes as an SSH string."""
    return len(data).to_bytes(4, "big") + data


def mpint(number: int) -> bytes:
    """Return a positive number as SSH writes it."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def read_strings(data: bytes) -> list[bytes]:
    """Return the strings that data are made of."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def to_be_signed(namespace: bytes, hash_name: bytes, digest: bytes, reserved: bytes = b"") -> bytes:
    """Return the bytes that a key signs in place of a message."""
    return b"SSHSIG" + b"".join(map(string, (namespace, reserved, hash_name, digest)))


def armor(blob: bytes, width: int = 70) -> bytes:
    """Return a signature's bytes in text form."""
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join(
        ["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]
    ).encode()


@dataclass(frozen=True, kw_only=True)
class SshSig:
    """The pieces of a signature; `dataclasses.replace` makes one of them lie."""

    key: bytes
    namespace: bytes
    hash_name: bytes
    signature: bytes
    magic: bytes = b"SSHSIG"
    version: int = 1
    reserved: bytes = b""
    trailing: bytes = b""

    def blob(self) -> bytes:
        pieces = (self.key, self.namespace, self.reserved, self.hash_name, self.signature)
        start = self.magic + self.version.to_bytes(4, "big")
        return start + b"".join(map(string, pieces)) + self.trailing

    def armored(self) -> bytes:
        return armor(self.blob())

    @classmethod
    def of(cls, armored: bytes) -> Self:
        """Take an honest signature apart."""
        blob = base64.b64decode(b"".join(armored.splitlines()[1:-1]))
        key, namespace, _, hash_name, signature = read_strings(blob[10:])
        return cls(key=key, namespace=namespace, hash_name=hash_name, signature=signature)


class Keygen:
    """The real ssh-keygen, with its files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def as_seen(self) -> bool:
        """Return whether it is of the version whose leniency the tests tell of."""
        done = subprocess.run(["ssh", "-V"], capture_output=True, check=True)
        return done.stderr.startswith(b"OpenSSH_9.2")

    def key(self, key_type: str, bits: int | None = None) -> Path:
        """Make a key pair and return the path of its private half."""
        path = self._folder / f"{key_type}-{bits}"
        size = [] if bits is None else ["-b", str(bits)]
        self._run("-q", "-t", key_type, *size, "-N", "", "-C", "", "-f", str(path))
        return path

    def sign(self, key: Path, message: bytes, namespace: str, hash_name: str = "sha512") -> bytes:
        """Return the armored signature of a message."""
        option = f"hashalg={hash_name}"
        done = self._run("-Y", "sign", "-f", str(key), "-n", namespace, "-O", option, given=message)
        return done.stdout

    def fingerprint(self, public_key: str) -> str:
        """Return the fingerprint of a public key in text form."""
        path = self._folder / "shown.pub"
        path.write_text(public_key + "\n")
        return self._run("-l", "-f", str(path)).stdout.decode().split()[1]

    def accepts(self, armored: bytes, message: bytes, namespace: str) -> bool:
        """Return whether the signature holds under the key inside it."""
        path = self._folder / "checked.sig"
        path.write_bytes(armored)
        arguments = ("-Y", "check-novalidate", "-n", namespace, "-s", str(path))
        return self._run(*arguments, given=message, may_fail=True).returncode == 0

    def verifies(self, armored: bytes, message: bytes, namespace: str, public_key: str) -> bool:
        """Return whether the signature is by that key, enrolled for that namespace."""
        path, allowed = self._folder / "checked.sig", self._folder / "allowed"
        path.write_bytes(armored)
        allowed.write_text(f'alice namespaces="{namespace}" {public_key}\n')
        arguments = ("-Y", "verify", "-f", str(allowed), "-I", "alice", "-n", namespace)
        done = self._run(*arguments, "-s", str(path), given=message, may_fail=True)
        return done.returncode == 0

    def _run(
        self, *arguments: str, given: bytes = b"", may_fail: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=given, capture_output=True, check=not may_fail
        )

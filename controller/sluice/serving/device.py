"""What a phone says about itself when it asks."""

from dataclasses import dataclass

__all__ = ["BUILTIN", "Device"]

BUILTIN = "builtin"
"""How plugins and protocol name the bundle that is part of the app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One phone and one app on it. Nothing of it is proven."""

    app_id: str
    device_id: str
    """UUID, in lower case."""
    platform: str
    version_name: str
    """Version of the bundle that it runs; on the built-in one `builtin` or `version_build`."""
    version_build: str
    """Version of the native app."""
    plugin_version: str
    is_emulator: bool
    is_prod: bool
    default_channel: str = ""
    """Channel that the phone names for itself, or empty."""
    version_code: str = ""
    version_os: str = ""
    custom_id: str = ""
    key_id: str = ""

    @property
    def on_builtin(self) -> bool:
        """Whether it runs, or may run, the built-in bundle.

        Current plugins send `version_build` there, so a bundle of that very version looks the same.
        """
        return self.version_name in (BUILTIN, "", self.version_build)

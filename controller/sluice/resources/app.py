"""App: one appId, claimed for one namespace."""

from sluice.resources.fields import AppId, Model, Text

__all__ = ["AppSpec"]


class AppSpec(Model):
    """An app whose phones this cluster updates."""

    app_id: AppId
    """Identifier that the phones send, e.g. com.example.shop (appId in capacitor.config). The first
    App to claim it in the cluster keeps it; a second one gets the condition Conflict. Immutable."""

    description: Text | None = None
    """What the app is, for people."""

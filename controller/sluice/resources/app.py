"""App: one appId, claimed for one namespace."""

from typing import Annotated

from pydantic import Field

from sluice.resources.fields import AppId, Model, Text
from sluice.resources.rules import immutable

__all__ = ["AppSpec"]


class AppSpec(Model):
    """An app whose phones this cluster updates."""

    app_id: Annotated[
        AppId, Field(json_schema_extra=immutable("appId never changes: make another App"))
    ]
    """Identifier that the phones send, e.g. com.example.shop (appId in capacitor.config). The first
    App to claim it in the cluster keeps it; a second one gets the condition Conflict. Immutable."""

    description: Text | None = None
    """What the app is, for people."""

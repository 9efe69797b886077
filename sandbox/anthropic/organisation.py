"""The organisation behind the generated data: its workspaces, keys, people, and the models they use. Invented."""

from __future__ import annotations

import attrs


@attrs.frozen
class Key:
    """Who calls: an API key in a workspace (None is the default one), or the Console, which has no key."""

    id: str | None
    workspace: str | None

    @property
    def dimensions(self) -> dict[str, str]:
        """Who a record is for; what is absent is null on the wire."""
        named = {"api_key_id": self.id, "workspace_id": self.workspace}
        return {name: value for name, value in named.items() if value is not None}


@attrs.frozen
class Model:
    """How a model is used: its name on a bill, its ways of being called, and where it is computed."""

    name: str
    title: str
    tiers: tuple[str, ...] = ("standard",)
    geos: tuple[str, ...] = ("global",)
    large: bool = False
    searches: bool = False


KEYS = (
    Key("apikey_01StorefrontAlpha", "wrkspc_01Storefront"),
    Key("apikey_01StorefrontBravo", "wrkspc_01Storefront"),
    Key("apikey_01SupportAlpha", "wrkspc_01Support"),
    Key("apikey_01ResearchAlpha", "wrkspc_01Research"),
    Key("apikey_01ResearchBravo", "wrkspc_01Research"),
    Key("apikey_01DefaultAlpha", None),
    Key(None, None),
)
MODELS = (
    Model("claude-opus-5-5", "Claude Opus 5.5", ("standard", "batch"), ("global", "us"), searches=True),
    Model("claude-opus-5", "Claude Opus 5", ("standard", "priority")),
    Model("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", ("standard", "batch"), ("not_available",), large=True),
    Model("claude-haiku-4-5-20251001", "Claude Haiku 4.5", ("standard", "batch"), ("not_available",), searches=True),
    Model("claude-nova-preview", "Claude Nova"),  # in no price list yet
)
PEOPLE = ("ada@acme.example", "grace@acme.example", "alan@acme.example", "barbara@acme.example")
TERMINALS = ("iTerm.app", "vscode", "tmux")
ORGANISATION = "8f1c6a52-6d0f-4c1e-9a3b-5e7d2c4b9a10"

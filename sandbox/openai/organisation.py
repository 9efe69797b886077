"""The organisation behind the generated data: its projects, keys, users, and the models they use. Invented."""

from __future__ import annotations

import attrs


@attrs.frozen
class Key:
    """An API key with the project and user it is for."""

    id: str
    project: str
    user: str

    @property
    def dimensions(self) -> dict[str, str]:
        """Who a record is for."""
        return {"project_id": self.project, "user_id": self.user, "api_key_id": self.id}


@attrs.frozen
class Model:
    """How a model is used: its largest cached share, its input beside text, and its ways of being called."""

    name: str
    cached_percent: int = 0
    cache_writes: bool = False
    audio: bool = False
    images: bool = False
    batch: bool = False
    tiers: tuple[str, ...] = ()


KEYS = (
    Key("key_wEb0fRoNt1", "proj_storefront", "user-ada"),
    Key("key_wEb0fRoNt2", "proj_storefront", "user-grace"),
    Key("key_wEb0cArT3", "proj_storefront", "user-alan"),
    Key("key_sUpP0rT4", "proj_support", "user-barbara"),
    Key("key_sUpP0rT5", "proj_support", "user-edsger"),
    Key("key_v01cE6", "proj_voice", "user-ada"),
    Key("key_v01cE7", "proj_voice", "user-donald"),
    Key("key_rEsEaRcH8", "proj_research", "user-grace"),
    Key("key_rEsEaRcH9", "proj_research", "user-tony"),
    Key("key_n1gHtLy10", "proj_research", "user-donald"),
)
MODELS = (
    Model("gpt-4o-mini-2024-07-18", cached_percent=50, batch=True, tiers=("priority",)),
    Model("gpt-4o-2024-08-06", cached_percent=40, images=True, batch=True),
    Model("gpt-5-mini-2025-08-07", cached_percent=70, batch=True, tiers=("flex",)),
    Model("gpt-5.4-2026-03-05", cached_percent=80, images=True, batch=True, tiers=("flex", "priority")),
    Model("gpt-6-sol", cached_percent=85, cache_writes=True, batch=True, tiers=("flex",)),
    Model("o4-mini-2025-04-16", cached_percent=30, batch=True, tiers=("flex",)),
    Model("ft:gpt-4o-mini-2024-07-18:acme:triage:B7xQ2m9K"),
    Model("gpt-realtime-2025-08-28", cached_percent=20, audio=True),
    Model("gpt-nova-preview", cached_percent=60),  # in no price list yet
)
EMBEDDING_MODELS = ("text-embedding-3-small", "text-embedding-3-large")
MODERATION_MODELS = ("omni-moderation-latest",)
IMAGE_MODELS = ("gpt-image-1", "dall-e-3")
SPEECH_MODELS = ("tts-1", "gpt-4o-mini-tts")
TRANSCRIPTION_MODELS = ("whisper-1", "gpt-4o-transcribe")
SEARCH_MODELS = ("gpt-4o-mini-2024-07-18", "gpt-5.4-2026-03-05")
VECTOR_STORES = ("vs_handbook", "vs_tickets")

"""What a message lacks for this contact: no platform would take it, so none is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Message

_TOKEN = re.compile(r"\{(?:name|phone|attributes\.\w+)\}")


def unfilled(message: Message) -> str | None:
    """Why the message cannot be sent to this contact; None if nothing is missing."""
    token = _TOKEN.search(message.media_url or "")
    if token:
        return f"the media URL has no value for {token[0]}; {_remedy(token[0])}"
    components = (message.template or {}).get("components")
    for component in components if isinstance(components, list) else []:
        place = _empty_parameter(component)
        if place:
            kind = component.get("type") or "component"
            return (
                f"parameter {place} of the template's {kind} is empty, which Meta refuses;"
                f" {_remedy('{name}')}"
            )
    return None


def _remedy(token: str) -> str:
    return f"give the contact one, or the placeholder a fallback: {token[:-1]}|…}}"


def _empty_parameter(component: Any) -> int | None:
    """The place of the first text parameter without a text, counted from 1."""
    parameters = component.get("parameters") if isinstance(component, dict) else None
    for place, parameter in enumerate(parameters if isinstance(parameters, list) else [], 1):
        text = parameter.get("text") if isinstance(parameter, dict) else None
        if isinstance(text, str) and not text.strip():
            return place
    return None

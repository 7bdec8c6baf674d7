"""What is known of one LLM: figures and properties, and how people say them in a few words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one LLM; accuracy and latency are those of the split and K on the screen.

    `weight` is what its samples together weigh in the learned vote of the pool, in nats; None where votes are equal.
    `variant_of` is the LLM that it shares its weights with, where it is a variant.
    """

    accuracy: float | None = None
    latency: float | None = None
    chat: bool | None = None
    specialised: str | None = None
    parameters: float | None = None
    prompt: str | None = None
    weight: float | None = None
    variant_of: str = ""

    @property
    def size(self) -> str:
        """Parameters: 7B, 135M."""
        if not self.parameters:
            return ""
        return f"{self.parameters:g}B" if self.parameters >= 1 else f"{1000 * self.parameters:.0f}M"

    @property
    def tag(self) -> str:
        """The shortest word that sets the LLM apart."""
        return self.specialised or ("chat" if self.chat else "")

    @property
    def sentence(self) -> str:
        """Everything but the figures."""
        parts = [
            self.size,
            {True: "chat", False: "base", None: ""}[self.chat],
            self.specialised or "",
            self.prompt or "",
        ]
        return " · ".join(part for part in parts if part)

"""What samples cost at an LLM's price, before they are made and as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.benchmarks import Benchmark
from selectllm_engine.generation.plan import with_overrides
from selectllm_engine.generation.prompts import build_prompt, sampling_of

if TYPE_CHECKING:
    from selectllm_engine.generation.plan import Item, Plan
    from selectllm_engine.llms import Price

__all__ = ["planned_dollars"]

LOOKED_AT = 20  # questions whose prompts' lengths stand for all
BYTES_PER_TOKEN = 4  # an estimate: only the server has the tokenizer


def planned_dollars(plan: Plan) -> float | None:
    """What the missing samples cost at most, each as long as it may be; None where no LLM of the plan has a price."""
    known = [_dollars(item, plan, item.llm.price) for item in plan.items if item.llm.price is not None and item.open]
    return sum(known) if known else None


def _dollars(item: Item, plan: Plan, price: Price) -> float:
    llm = with_overrides(item.llm, item.source.terse, plan.request)
    chat = llm.chat is not False
    style = llm.prompt or ("zero-shot" if chat else "few-shot")
    source = item.source
    benchmark = Benchmark(source.name, source.questions, source.exemplars, source.terse)
    length = 0
    looked_at = source.questions.head(LOOKED_AT)
    for row in looked_at.iter_rows(named=True):
        exemplars = benchmark.exemplars_for(row["subject"]) if style == "few-shot" else ()
        if style == "few-shot" and not exemplars:
            return 0.0  # its worker will refuse them
        prompt = build_prompt(
            row,
            style=style,
            chat=chat,
            exemplars=exemplars,
            terse=source.terse,
            wording=llm.wording,
            language=source.language,
        )
        said = prompt.text or "".join(each["content"] for each in prompt.messages or ())
        length += len(said.encode()) // BYTES_PER_TOKEN + 1
    prompt_tokens = length / max(1, looked_at.height)
    new = sampling_of(llm, terse=source.terse).max_tokens
    return item.missing * (prompt_tokens * price.input + new * price.output) / 1e6

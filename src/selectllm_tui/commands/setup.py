"""The commands of the main screen that change the setup: pool, router, policy; and those that compare setups."""

from __future__ import annotations

from selectllm_tui import preconditions
from selectllm_tui import transitions as to
from selectllm_tui.commands.command import Command
from selectllm_tui.llm_names import DIGITS, LETTERS

__all__ = ["SETUP"]


def _switch(at: int, sign: str) -> Command:
    """Digits are heard on all of the main screen, letters where the cursor is in the pool."""
    digit = sign in DIGITS
    where = "number on or off" if digit else "letter, where the cursor is in the pool and there is one"
    return Command(
        f"llm_{at + 1}",
        (sign,),
        "toggle",
        f"Switch the LLM with that {where}.",
        "Pool",
        "main" if digit else "pool",
        palette=False,
        do=to.toggle(at),
        rank=None if at else 1,
        llm=at,
        family="1-9" if digit else "b-z A-Z",
    )


SETUP: tuple[Command, ...] = (
    # Pool
    *(_switch(at, sign) for at, sign in enumerate(DIGITS + LETTERS)),
    Command("switch_llm", ("semicolon",), "LLM", "Then an LLM's digit or letter, from anywhere, to switch it.", "Pool"),
    Command(
        "toggle_here",
        ("space",),
        "toggle",
        "Switch the LLM under the cursor on or off.",
        "Pool",
        reason=preconditions.no_llm,
        do=to.toggle_here,
    ),
    Command(
        "all",
        ("a",),
        "all",
        "Switch all LLMs on.",
        "Pool",
        reason=preconditions.all_on,
        do=to.on_setup(lambda setup, _: setup.with_pool(setup.pool.run)),
        rank=18,
    ),
    Command(
        "search_pool",
        ("slash",),
        "search the pool",
        "In the pool: list only LLMs whose names have some words; {back} lists all.",
        "Pool",
        "pool",
    ),
    Command(
        "toggle_listed",
        ("ampersand",),
        "toggle the listed",
        "Switch all LLMs off that the pool lists, all or those of a search; on where one of them is off.",
        "Pool",
        reason=preconditions.listed,
        do=to.toggle_listed,
    ),
    Command(
        "only",
        ("x",),
        "only this",
        "Leave only the LLM under the cursor on.",
        "Pool",
        reason=preconditions.only,
        do=to.only,
    ),
    Command(
        "undo",
        ("u",),
        "undo",
        "Take the last change back: of the setup, of a mark or note, or of the benchmark.",
        "Pool",
        reason=preconditions.undo,
        rank=13,
    ),
    Command("redo", ("U",), "redo", "Take the last undo back.", "Pool", reason=preconditions.redo),
    # Setup
    Command(
        "router",
        ("r",),
        "router",
        "The next router.",
        "Router and policy",
        reason=preconditions.routers,
        do=to.on_setup(lambda setup, space: setup.with_router(space, 1)),
        rank=11,
    ),
    Command(
        "router_back",
        ("R",),
        "previous router",
        "The router before.",
        "Router and policy",
        reason=preconditions.routers,
        do=to.on_setup(lambda setup, space: setup.with_router(space, -1)),
    ),
    Command(
        "policy",
        ("p",),
        "policy",
        "The next policy.",
        "Router and policy",
        reason=preconditions.policies,
        do=to.on_setup(lambda setup, space: setup.with_policy(space, 1)),
        rank=12,
    ),
    Command(
        "policy_back",
        ("P",),
        "previous policy",
        "The policy before.",
        "Router and policy",
        reason=preconditions.policies,
        do=to.on_setup(lambda setup, space: setup.with_policy(space, -1)),
    ),
    Command(
        "more",
        ("equals_sign", "plus"),
        "parameter up",
        "The policy's parameter (λ, τ or m) one step up.",
        "Router and policy",
        reason=preconditions.parameter(1),
        do=to.on_setup(lambda setup, space: setup.with_parameter(space, 1)),
    ),
    Command(
        "less",
        ("minus",),
        "parameter down",
        "The policy's parameter one step down.",
        "Router and policy",
        reason=preconditions.parameter(-1),
        do=to.on_setup(lambda setup, space: setup.with_parameter(space, -1)),
    ),
    Command(
        "k_more",
        ("full_stop",),
        "K up",
        "Vote over one sample more per LLM.",
        "Router and policy",
        reason=preconditions.k(1),
        do=to.on_setup(lambda setup, space: setup.with_k(space, 1)),
    ),
    Command(
        "k_less",
        ("comma",),
        "K down",
        "Vote over one sample less.",
        "Router and policy",
        reason=preconditions.k(-1),
        do=to.on_setup(lambda setup, space: setup.with_k(space, -1)),
    ),
    Command(
        "split",
        ("t",),
        "split",
        "The next split: test, train, validation.",
        "Router and policy",
        reason=preconditions.splits,
        do=to.on_setup(lambda setup, space: setup.with_split(space)),
        rank=19,
    ),
    Command(
        "protocol",
        ("C",),
        "protocol",
        "Between the corrected protocol and the released code's arithmetic (paper).",
        "Router and policy",
        do=to.on_setup(lambda setup, _: setup.with_protocol()),
        rank=20,
    ),
    Command(
        "vote",
        ("V",),
        "vote",
        "Between equal votes and the vote whose weights are learned from train and validation.",
        "Router and policy",
        reason=preconditions.learned_vote,
        do=to.on_setup(lambda setup, _: setup.with_vote()),
        rank=13,
    ),
    Command(
        "against",
        ("A",),
        "compare with",
        "Compare all rows with the one under the cursor; again: with best-single.",
        "Router and policy",
        tabs=("results",),
        reason=preconditions.reference,
        do=to.compare_with,
    ),
    # Comparing
    Command(
        "pin",
        ("B",),
        "pin",
        "Pin this setup, to compare others with; on a pinned one: pin it no more. Up to four.",
        "Comparing",
        reason=preconditions.pin,
        rank=16,
    ),
    Command(
        "compare",
        ("D",),
        "compare",
        "The pinned setup and this one side by side, and the questions that only one of them gets right.",
        "Comparing",
        reason=preconditions.pinned,
        rank=16,
    ),
)

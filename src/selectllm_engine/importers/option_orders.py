"""Options that LLMs saw in different orders, brought into one: the first that was seen of a question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks import LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Orders", "reread"]

_LETTER = re.compile(r"\(?([A-Za-z])\)?\.?")


class Orders:
    """The order of every question's options.

    Attributes:
        reordered: how many rows had another one.
    """

    def __init__(self, stored: pl.DataFrame | None) -> None:
        self.reordered = 0
        self._known: list[pl.DataFrame] = []
        if stored is not None and stored["choices"].null_count() < stored.height:
            self._known.append(stored.select("question_id", "choices", "gold").drop_nulls("choices"))

    def align(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series | None]:
        """Rows with question_id, choices and gold in the known order, and per row the letters that stand for others.

        A row's letters are those that its first, second, … option has in the known order; null where nothing is
        reordered, None where no row is.
        """
        if rows["choices"].null_count() == rows.height:
            return rows, None
        given = rows.select("question_id", "choices", "gold").drop_nulls("choices")
        first = given.unique("question_id", keep="first", maintain_order=True)
        known = pl.concat(self._known) if self._known else None
        new = first if known is None else first.join(known, on="question_id", how="anti")
        if not new.is_empty():
            self._known.append(new)
            known = new if known is None else pl.concat([known, new])
        assert known is not None  # noqa: S101  # what is not new is known
        seen = rows.select("question_id", "choices").join(
            known.rename({"choices": "known", "gold": "known gold"}),
            on="question_id",
            how="left",
            maintain_order="left",
        )
        differing = (seen["choices"] != seen["known"]).fill_null(value=False).arg_true().to_list()
        letters: list[str | None] = [None] * rows.height
        choices, golds = rows["choices"].to_list(), rows["gold"].to_list()
        for row in differing:
            order = _letters(choices[row], seen["known"][row].to_list())
            if order is None:  # other options, which is a contradiction
                continue
            gold, known_gold = reread(golds[row], order, choices[row]), seen["known gold"][row]
            alike = _bare(gold) is not None and _bare(gold) == _bare(known_gold)
            golds[row] = known_gold if alike else gold  # "B" and "(B)" say the same
            letters[row], choices[row] = order, seen["known"][row].to_list()
        if not any(letters):
            return rows, None
        self.reordered += sum(each is not None for each in letters)
        aligned = [pl.Series("choices", choices, rows.schema["choices"]), pl.Series("gold", golds, pl.String)]
        return rows.with_columns(aligned), pl.Series("letters", letters, dtype=pl.String)


def _letters(options: Sequence[str], known: Sequence[str]) -> str | None:
    """The known letters of the options in their order; None where they are others, repeat, or are too many."""
    if len(set(options)) < len(options) or sorted(options) != sorted(known) or len(options) > len(LETTERS):
        return None
    return "".join(LETTERS[known.index(option)] for option in options)


def reread(letter: str | None, order: str, options: Sequence[str] = ()) -> str | None:
    """A bare letter, or one in parentheses, as that of the same option in the known order; other texts as they are."""
    found = None if letter in options else _bare(letter)
    place = -1 if found is None else LETTERS.find(found)
    return f"({order[place]})" if 0 <= place < len(order) else letter


def _bare(letter: str | None) -> str | None:
    match = None if letter is None else _LETTER.fullmatch(letter.strip())
    return match[1].upper() if match else None

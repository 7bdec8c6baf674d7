r"""The answers of whole columns of texts: the same as `extract_answer`'s, text by text, in a fraction of the time.

Most texts end with a plain statement of their answer ("The answer is 12.", "#### 12", `\boxed{12}`, "(B)") and hold
nothing that could turn it into something else. Those are decided by a few patterns for a column at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.answers.ends import QUESTIONS
from selectllm_engine.answers.extract import canonical, extract_answer

if TYPE_CHECKING:
    import polars as pl

    from selectllm_engine.answers.kinds import Kind

__all__ = ["canonical_answers", "extract_answers"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What may be a mark of thought, channel or end, a next question, or a key of an object: not decided here.
_SPECIAL = (
    r"<[A-Za-z/|｜]|\[[A-Z/]|◁|[|｜]|assistant\s?final|(?:thought process|my response):|[\"']\s{0,8}:"
    r"|\A\s*(?:assistant|analysis|commentary|final)"
    rf"|\n[ \t>#*_=~\[-]{{0,12}}(?:[0-9]{{1,3}}[.)][ ])?(?:{QUESTIONS})"
)
_BEGINS = r"(?:\A|\n|[.?!] )(?:(?:So|Thus|Therefore|Hence),? )?[Tt]he (?:final |correct )?answer is:? "
_LABEL = r"(?:\A|\n)(?:Final )?[Aa]nswer: ?"
_ENDS = r"[ \n\r\t]*\z"
_NUMBER = r"\$?(-?[1-9][0-9]{0,14}|-?[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}|0)"
_LETTER = r"[(*]{0,3}([A-Z])[)*]{0,3}"
_WORD = r"([A-Za-z]{2,30})"
_PATTERNS = {
    "number": (
        rf"(?:{_BEGINS}|{_LABEL}|\n#### |\nA: ){_NUMBER}\.?{_ENDS}",
        rf"\\boxed\{{{_NUMBER}\}}[ \n\r\t$.)\]\\]*\z",
        rf"\A[ \n\t]*{_NUMBER}\.?{_ENDS}",
    ),
    "letter": (
        rf"(?:{_BEGINS}|{_LABEL}){_LETTER}\.?[*]{{0,2}}{_ENDS}",
        r"\\boxed\{(?:\\text\{)?([A-Z])\}{1,2}[ \n\r\t$.)\]\\]*\z",
        rf"\A[ \n\t(*]*([A-Z])[).*]*{_ENDS}",
    ),
    "word": (rf"{_BEGINS}{_WORD}\.?{_ENDS}", rf"\A[ \n\t]*{_WORD}\.?{_ENDS}"),
}
# Words that announce an answer, and are none.
_NO_WORD = r"\A(?:answer|ans|antwort|endergebnis|respuesta|risposta|resposta|jawaban|jawabannya|jibu|reponse)\z"


def extract_answers(texts: pl.Series, kinds: pl.Series, choices: pl.Series) -> pl.Series:
    """The canonical answer of every text, as `extract_answer` finds it; null where there is none.

    Args:
        texts: of length N; no nulls.
        kinds: of each; null for a text that isn't looked at.
        choices: how many letters are options, of each.

    Raises:
        UnknownNameError: there is no such kind.
    """
    import polars as pl  # the rest of the room needs none

    text, kind = pl.col("text"), pl.col("kind")
    plain = ~text.str.contains(_SPECIAL)

    def ending(of: str) -> pl.Expr:
        return pl.coalesce(text.str.extract(pattern) for pattern in _PATTERNS[of])

    letter = ending("letter")
    offered = pl.lit(_LETTERS).str.slice(pl.col("choices").clip(1, 26) - 1, 1)
    word = ending("word").str.to_lowercase()
    quick = (
        pl.when(plain & (kind == "number"))
        .then(ending("number").str.replace_all(",", "", literal=True))
        .when(plain & (kind == "letter"))
        .then(pl.when((letter <= offered) & (pl.col("choices") > 0)).then(letter))
        .when(plain & (kind == "word"))
        .then(pl.when(~word.str.contains(_NO_WORD)).then(word))
    )
    rows = pl.DataFrame({"text": texts, "kind": kinds, "choices": choices})
    found = rows.select(answer=quick)["answer"]
    left = found.is_null() & rows["kind"].is_not_null()
    if not left.any():
        return found
    slow = [extract_answer(text, kind=kind, choices=options) for text, kind, options in rows.filter(left).iter_rows()]
    return found.scatter(left.arg_true(), pl.Series(slow, dtype=pl.String))


# What is canonical as it stands.
_CANONICAL = {"number": r"^(?:-?[1-9][0-9]{0,14}|0)$", "word": r"^[a-z]{2,30}$"}


def canonical_answers(texts: pl.Series, kind: Kind) -> pl.Series:
    """The canonical form of bare answers of one kind, as `canonical` gives it; null where a text is none, or null."""
    import polars as pl

    plain = texts.str.contains(_CANONICAL.get(kind, r"\A\z")).fill_null(value=False)
    others = texts.filter(~plain).drop_nulls().unique()
    forms = pl.Series([canonical(each, kind) for each in others], dtype=pl.String)
    rest = texts.replace_strict(others, forms, default=None, return_dtype=pl.String) if len(others) else None
    found = pl.DataFrame({"text": texts, "plain": plain}).select(pl.when("plain").then("text"))["text"]
    return found if rest is None else found.fill_null(rest)

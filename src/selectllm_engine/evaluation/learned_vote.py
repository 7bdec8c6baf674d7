"""The learned vote: one weight per LLM, fitted jointly, so that LLMs that make the same mistakes share one voice.

Of every candidate answer a of question q, with s_l(a) the share of LLM l's K samples that gave it,

    score(a) = Σ_l (β_l + τ·z_l + σ + γ·opinion_l(q))·s_l(a) + η·(part, part², [more votes than one LLM can give])(a)
    score(none) = g₀ + g₁·ln(1 + candidates) + g₂·mean_l opinion_l(q)

go into a conditional logit (`conditional_logit`): its probabilities are the answers' confidences. `part` is the
answer's share of all votes cast; an opinion is what a router reads from the question's text
(`labelled_questions.opinions`); z_l is the logit of LLM l's accuracy, so that where labels are few, who is better is
known from one τ.
β is drawn to 0 by the penalty λ, τ and η by a tenth of it, β of the most accurate LLM by a thousandth: where labels are
few the vote is between the pooled one and that LLM alone. At λ → ∞ only σ is left, and that is the pooled vote.
Log-odds weights (Nitzan and Paroush 1982), one LLM at a time, count a mistake that twenty LLMs share twenty times.

Q questions, N LLMs of the run, K samples, M candidates, L labelled questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.candidates import Candidates, candidates_of
from selectllm_engine.evaluation.conditional_logit import Design, best_ridge, fit, folds_of, posterior
from selectllm_engine.evaluation.vote_weights import POPULARITY, VoteWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.labelled_questions import Labelled
    from selectllm_engine.evaluation.votes import Tally

__all__ = [
    "PENALTIES",
    "Voted",
    "choose_penalty",
    "design_from",
    "design_of",
    "learn",
    "merits_of",
    "ridge_of",
    "unpacked",
    "vote",
]

PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
FREE = 1e-3  # the penalty of what is not penalised: it keeps the fit from wandering off
BEST = 1e-3  # of λ, the penalty of the most accurate LLM's weight
FEWEST_JUDGES = 100  # questions of validation: fewer choose λ by luck


def design_of(
    found: Candidates,
    gold: NDArray[np.int16],
    asked: NDArray[np.bool_],
    views: NDArray[np.float64] | None,
    merits: NDArray[np.float64],
    *,
    popularity: bool = True,
) -> Design:
    """The candidates as features: one per LLM that is asked, τ, σ, popularity, text; "none" as in the module's formula.

    Args:
        found: the candidates.
        gold: int16 [Q].
        asked: what `found` was made with.
        views: opinions [Q, N]; None leaves the text out.
        merits: z of the LLMs that are asked.
        popularity: False leaves popularity out.
    """
    columns = _columns(asked)
    place = np.cumsum(_ever(asked)) - 1
    total = found.votes / found.ballots
    features = np.zeros((len(columns) + 2 + POPULARITY * popularity + (views is not None), len(found.question)))
    features[place[found.llm], found.candidate] = found.share
    features[len(columns)] = found.summed(found.share * merits[place[found.llm]])
    features[len(columns) + 1] = total
    if popularity:
        features[len(columns) + 2 : len(columns) + 2 + POPULARITY] = _popularity(found)
    if views is not None:
        features[-1] = found.summed(found.share * views[found.question[found.candidate], found.llm])
    right = found.code == gold[found.question]
    return Design(found.questions, found.question, features, _none(found, asked, views), right)


def _popularity(found: Candidates) -> NDArray[np.float64]:
    """The share of all votes cast, its square, and is it more votes than one LLM can give: [3, M]."""
    part = found.votes / np.maximum(found.cast[found.question], 1)
    return np.stack([part, part**2, found.votes > found.ballots])


def _none(found: Candidates, asked: NDArray[np.bool_], views: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The features of "no candidate is right", [2 or 3, Q]; the mean opinion is of the LLMs asked on the question."""
    count = np.bincount(found.question, minlength=found.questions)
    of_text = []
    if views is not None and asked.ndim == 1:
        of_text = [views[:, asked].mean(axis=1)]
    elif views is not None:
        of_text = [(views * asked).sum(axis=1) / np.maximum(asked.sum(axis=1), 1)]
    return np.stack([np.ones(found.questions), np.log1p(count), *of_text])


def ridge_of(design: Design, merits: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    """λ for the LLMs' weights, λ/1000 for the best LLM's, λ/10 for τ and popularity, nearly 0 for the rest: [F + G]."""
    llms = len(merits)
    ridge = np.full(len(design.features) + len(design.none), FREE)
    ridge[:llms] = np.where(merits == merits.max(), BEST * penalty, penalty)  # all that are best, in whatever order
    ridge[llms] = penalty / 10
    if len(design.features) > llms + 1 + POPULARITY:
        ridge[llms + 2 : llms + 2 + POPULARITY] = penalty / 10
    return ridge


def merits_of(known: Labelled, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Z of the LLMs of a mask: the logit of each one's accuracy, beyond their mean.

    Of (right + 1) / (questions + 2), which is never 0 or 1 (Laplace).
    """
    right = (known.rates[_columns(mask)] * known.questions + 1) / (known.questions + 2)
    logits = np.log(right / (1 - right))
    return np.asarray(logits - logits.mean())


def _ever(asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return asked if asked.ndim == 1 else np.asarray(asked.any(axis=0))


def _columns(asked: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.flatnonzero(_ever(asked))


def choose_penalty(known: Labelled, mask: NDArray[np.bool_]) -> float:
    """The λ with the smallest log loss on validation after learning on train; ties: the larger.

    Where one of the two is missing or validation has fewer than 100 questions, λ is judged in five folds of all.
    A few questions choose λ by luck, so that λ is taken to be 10, give or take a factor of 10 (log-normal), before any
    are seen: that adds (log₁₀ λ − 1)²/2 to the sum of their losses.
    """
    design, merits = design_from(known, mask), merits_of(known, mask)
    ridges = [ridge_of(design, merits, penalty) for penalty in PENALTIES]
    if known.validation.sum() >= FEWEST_JUDGES and not known.validation.all():
        parts = [known.validation]
    else:
        fold = folds_of(known.questions)
        parts = [fold == each for each in range(fold.max() + 1)]
    pairs = [(design.rows(~part), design.rows(part)) for part in parts]
    return PENALTIES[best_ridge(pairs, ridges, (np.log10(PENALTIES) - 1) ** 2 / 2)]


def learn(
    known: Labelled,
    mask: NDArray[np.bool_],
    penalty: float,
    *,
    popularity: bool = True,
    start: VoteWeights | None = None,
) -> VoteWeights:
    """The vote of a pool's LLMs learned on train and validation together at a given λ.

    `mask` is bool [N], or bool [L, N] where a policy asks different ones. `start`,
    the weights of another pool at the same λ, saves steps and changes nothing.
    """
    columns = _columns(mask)
    design = design_from(known, mask, popularity=popularity)
    names = [known.llms[llm] for llm in columns]
    begin = None
    if start is not None and (start.text is None) == (known.opinions is None) and bool(start.popularity) == popularity:
        begin = _flat(start, names)
    ridge = ridge_of(design, merits_of(known, mask), penalty)
    return unpacked(fit(design, ridge, begin), known, columns, penalty, popularity)


def design_from(known: Labelled, mask: NDArray[np.bool_], *, popularity: bool = True) -> Design:
    """The labelled questions as features, for the LLMs of a mask."""
    found = candidates_of(known.tally, mask)
    return design_of(found, known.gold, mask, known.opinions, merits_of(known, mask), popularity=popularity)


def unpacked(
    flat: NDArray[np.float64], known: Labelled, columns: NDArray[np.intp], penalty: float, popularity: bool
) -> VoteWeights:
    """Weights [F + G] of a design, by their names."""
    count, text = len(columns), known.opinions is not None
    own = flat[:count] + flat[count] * merits_of(known, np.isin(np.arange(len(known.llms)), columns))
    values = iter(flat[count + 1 :].tolist())
    return VoteWeights(
        llms=tuple(known.llms[llm] for llm in columns),
        own=tuple(own.tolist()),
        every=next(values),
        popularity=tuple(next(values) for _ in range(POPULARITY * popularity)),
        text=next(values) if text else None,
        rates=tuple(known.rates[columns].tolist()) if text else (),
        none=tuple(values),
        penalty=penalty,
        benchmark=known.benchmark,
        questions=known.questions,
        samples=known.tally.samples,
    )


def _flat(weights: VoteWeights, names: Sequence[str]) -> NDArray[np.float64]:
    own = dict(zip(weights.llms, weights.own, strict=True))
    text = [] if weights.text is None else [weights.text]
    each = [own.get(name, 0.0) for name in names]
    return np.array([*each, 0.0, weights.every, *weights.popularity, *text, *weights.none])


@dataclass(frozen=True, slots=True, eq=False)
class Voted:
    """What a learned vote answered.

    Attributes:
        code: int16 [Q], the answer's code; NOT_FOUND where nobody gave any.
        confidence: float64 [Q], P of that answer; 0 where there is none.
        none: float64 [Q], P of "no candidate is right".
        candidates: all candidates.
        chance: float64 [M], P of each of them.
        score: float64 [M], in nats.
    """

    code: NDArray[np.int16]
    confidence: NDArray[np.float64]
    none: NDArray[np.float64]
    candidates: Candidates
    chance: NDArray[np.float64]
    score: NDArray[np.float64]


def vote(
    weights: VoteWeights,
    counted: Tally,
    llms: Sequence[str],
    asked: NDArray[np.bool_],
    views: NDArray[np.float64] | None = None,
) -> Voted:
    """Answer every question by a learned vote of the asked LLMs; those without a weight don't vote.

    Args:
        weights: from `learn`, or another benchmark's.
        counted: the questions' votes.
        llms: names of the run's N LLMs.
        asked: bool [Q, N], or bool [N] for the same LLMs everywhere.
        views: opinions float64 [Q, N], needed exactly where the weights have a text term.

    Raises:
        NotAvailableError: no asked LLM has a weight, or opinions are missing.
    """
    own = np.array([dict(zip(weights.llms, weights.own, strict=True)).get(name, np.nan) for name in llms])
    known = ~np.isnan(own)
    if not _ever(asked & known).any():
        raise NotAvailableError(f"the vote learned on {weights.benchmark} knows none of these LLMs")
    if weights.text is not None and views is None:
        raise NotAvailableError("the vote was learned with a router's probabilities; they are missing here")
    found = candidates_of(counted, asked & known)
    each = np.nan_to_num(own)[found.llm] + weights.every
    if weights.text is not None and views is not None:
        each = each + weights.text * views[found.question[found.candidate], found.llm]
    score = found.summed(each * found.share)
    if weights.popularity:
        score += np.einsum("f,fm->m", np.array(weights.popularity), _popularity(found))
    features = _none(found, asked & known, None if weights.text is None else views)
    return _voted(found, score, np.einsum("g,gq->q", np.array(weights.none), features))


def _voted(found: Candidates, score: NDArray[np.float64], none: NDArray[np.float64]) -> Voted:
    # The model's own posterior, with score and "none" as the only features.
    design = Design(found.questions, found.question, score[None], none[None], np.zeros(len(score), dtype=bool))
    chance = posterior(design, np.ones(2))
    winners = found.winners(score)
    confidence = np.where(winners >= 0, chance.candidate[winners], 0.0) if len(score) else np.zeros(found.questions)
    return Voted(found.codes(winners), confidence, chance.none, found, chance.candidate, score)

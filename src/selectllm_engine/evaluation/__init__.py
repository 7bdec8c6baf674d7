"""The evaluation: arrays of answers → a selection of LLMs per question → rows of accuracy, latency and cost.

In: `Outcomes` of a split and a router's `RouterScores`. Out: a `Table` of `Row`s. Nothing here reads or writes files.
Read `policies` first, then `pool_view`: every figure of a table comes from a selection.
"""

from selectllm_engine.evaluation.arguments import Policies, Policy, Router, Routers, as_routers, as_spec, as_specs
from selectllm_engine.evaluation.baselines import REPEATABLE
from selectllm_engine.evaluation.best_m import cross_fitted_among, cross_fitted_vote
from selectllm_engine.evaluation.cascade_value import learn_cascade
from selectllm_engine.evaluation.comparison import Reference, TwoByTwo, two_by_two
from selectllm_engine.evaluation.conditional_logit import folds_of
from selectllm_engine.evaluation.contamination import Gap
from selectllm_engine.evaluation.curves import LAMBDAS, pareto_front
from selectllm_engine.evaluation.details import Details, detail
from selectllm_engine.evaluation.figures import known
from selectllm_engine.evaluation.labelled_questions import Labelled, labelled
from selectllm_engine.evaluation.learned_vote import vote
from selectllm_engine.evaluation.learner import Learner
from selectllm_engine.evaluation.margin import learn_margin, with_margin
from selectllm_engine.evaluation.metrics import Quality, TradeOff, quality, trade_off
from selectllm_engine.evaluation.notebook import html_table, percent
from selectllm_engine.evaluation.outcomes import (
    NOT_FOUND,
    NOT_SAMPLED,
    Expected,
    LeftOut,
    Outcomes,
    Unanswered,
    unanswered_of,
)
from selectllm_engine.evaluation.policies import (
    POLICIES,
    By,
    PolicyInputs,
    PolicySpec,
    chain_of,
    parse_policy,
    select,
)
from selectllm_engine.evaluation.policy_inputs import ByQuestion
from selectllm_engine.evaluation.pool_view import PoolView, Verdicts
from selectllm_engine.evaluation.prepared import Prepared
from selectllm_engine.evaluation.router_scores import NO_ROUTER, RouterScores, as_probabilities, silent_scores
from selectllm_engine.evaluation.selection import Selection
from selectllm_engine.evaluation.statistics import (
    detectable_difference,
    holm,
    mcnemar,
    needed_questions,
    newcombe,
    wilson,
)
from selectllm_engine.evaluation.stop_rules import StopRule, next_round, parse_stop, reach
from selectllm_engine.evaluation.table import BADGES, Row, Saving, Table, badged
from selectllm_engine.evaluation.tabulation import (
    PROTOCOLS,
    PlannedRow,
    baselines,
    compared_with,
    planned_row,
    tabulate,
    view_of,
)
from selectllm_engine.evaluation.vote_rules import EQUAL, LEARNED, VOTE_RULES, VoteRule
from selectllm_engine.evaluation.vote_weights import VoteWeights
from selectllm_engine.evaluation.votes import (
    Tally,
    Vote,
    Votes,
    entries_by_llm,
    llm_votes,
    majority_vote,
    pooled_votes,
    prefix_leading_votes,
    samples_up_to,
    tally,
)
from selectllm_engine.evaluation.weighed_vote import weighed_vote

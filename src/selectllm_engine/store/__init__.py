"""The store: questions, generations, verdicts and routers on disk, and what is read from them.

In: rows of generations, other tools' verdicts, trained routers. Out: `Outcomes` and `RouterScores` for the evaluation.
Read `cache` first: what lies where, and who may write it.
"""

from selectllm_engine.store.agreement import VerdictChoice
from selectllm_engine.store.cache import Cache, open_cache
from selectllm_engine.store.confidence_forest import ConfidenceForest, mean_over_trees
from selectllm_engine.store.expected_tokens import ExpectedTokens, read_expected_tokens
from selectllm_engine.store.files import (
    Progress,
    digest,
    folder_name,
    name_of,
    read_file,
    refuse_twin,
    write_atomic,
)
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.judges import both_verdicts, judges_of, verdict_counts
from selectllm_engine.store.manifests import MANIFEST, MOST, TOKENS, router_manifest, stop_of, variant_of
from selectllm_engine.store.merges import merge
from selectllm_engine.store.outcome_arrays import load_outcomes
from selectllm_engine.store.parts import GENERATION_SCHEMA, MEASURED, REORDERED, TOLD
from selectllm_engine.store.question_marks import LONGEST_NOTE, MARKS, Change, Mark, changed
from selectllm_engine.store.question_table import QuestionIds
from selectllm_engine.store.scores import UNSEEN, own_seconds, read_scores, read_table
from selectllm_engine.store.sealed_json import write_sealed
from selectllm_engine.store.verdicts import VERDICT_SCHEMA
from selectllm_engine.store.verification import Problem
from selectllm_engine.store.vote_files import Voting, as_vote_rule
from selectllm_engine.store.writer import Writer

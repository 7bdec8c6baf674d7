"""simple-evals' results: reports on examples as a packaged copy of the tool renders them (see data/README.md)."""

import json

import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.simple_evals import import_simple_evals
from selectllm_engine.store.outcome_arrays import load_outcomes

RESULTS = DATA / "simple-evals"
STRONG, WEAK = "fake-strong_high", "fake-weak"


def example(asked="What is 1+1?", said=("Answer: 2",), score=1.0, right="2", extracted="2"):
    """A conversation and the report on it."""
    conversation = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": asked}]
    conversation += [{"role": "assistant", "content": text} for text in said]
    report = f"<h3>Results</h3>\n<p>Correct Answer: {right}</p>\n<p>Extracted Answer: {extracted}</p>\n"
    return conversation, f"{report}<p>Score: {score}</p>\n"


@pytest.fixture
def write_simple_evals(tmp_path):
    def write_simple_evals(examples, name="mgsm_one_20260102_030405_allresults.json", told=None):
        path = tmp_path / "results" / name
        path.parent.mkdir(exist_ok=True)
        whole = {
            "score": 0.5,
            "metrics": {"chars": 9.0},
            "htmls": [report for _, report in examples],
            "convos": [conversation for conversation, _ in examples],
            "metadata": {"example_level_metadata": told or [None] * len(examples)},
        }
        path.write_text(json.dumps(whole, indent=2))
        return path

    return write_simple_evals


def test_numbers(cache):
    done = import_simple_evals(cache, RESULTS, "b", tasks=["mgsm"])
    assert (done.llms, done.rows, done.splits) == ((STRONG, WEAK), 12, {"test": 3})
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 2  # the questions were repeated
    assert outcomes.questions["text"].to_list() == ["What is 2+3?", "What is 4+4?", "What is 7+8?"]
    assert outcomes.questions["gold"].to_list() == ["5", "8", "15"]
    assert outcomes.labels.tolist() == [[True, True], [True, True], [True, False]]
    verdicts = cache.verdicts("b", WEAK)
    assert dict(zip(verdicts["answer"], verdicts["score"], strict=True)) == {"5": 1.0, "8": 1.0, "16": 0.0}
    assert import_simple_evals(cache, RESULTS, "b", tasks=["mgsm"]).unchanged


def test_choices(cache):
    import_simple_evals(cache, RESULTS, "b", tasks=["mmlu"])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["choices"][0].to_list() == ["animal", "tree", "metal", "flower"]
    assert outcomes.questions["gold"].to_list() == ["A", "B", "C", "D"]
    assert outcomes.questions["subject"].to_list() == ["mmlu"] * 4
    assert outcomes.labels.tolist() == [[True, False], [True, False], [True, True], [True, False]]
    assert cache.verdicts("b", WEAK)["score"].to_list() == [0.0, 0.0, 1.0, 0.0]
    assert cache.generations("b", WEAK)["text"].to_list() == ["Let me think.\nAnswer: C"] * 4


@pytest.mark.parametrize(
    ("written", "score"), [("True", 1.0), ("False", 0.0), ("0.25", 0.25), ("None", None), ("nan", None), ("2", None)]
)
def test_scores(cache, write_simple_evals, written, score):
    import_simple_evals(cache, write_simple_evals([example(score=written), example("b?")]), "b")
    scores = cache.verdicts("b", "one")["score"].to_list()
    assert scores == [1.0] if score is None else [score, 1.0]


def test_metadata_come_first(cache, write_simple_evals):
    """Rubrics give scores below 0; usage counts tokens; an answer that is the text itself is none."""
    told = [{"score": -0.5, "usage": {"input_tokens": 9, "output_tokens": 4}}, {"score": 0.75, "usage": None}]
    examples = [example(right="", extracted="Answer: 2"), example("b?", right="")]
    path = write_simple_evals(examples, "healthbench_hard_org_m_20260102_030405_allresults.json", told)
    done = import_simple_evals(cache, path, "b")
    assert done.llms == ("org_m",)
    assert "1 scores are below 0: taken as 0" in done.notes
    assert cache.questions("b")["subject"].to_list() == ["healthbench_hard"] * 2
    assert cache.verdicts("b", "org_m").select("score", "answer").rows() == [(0.0, None), (0.75, "2")]
    assert cache.generations("b", "org_m").select("prompt_tokens", "output_tokens").rows() == [(9, 4), (None, None)]


def test_several_tries_share_a_score(cache, write_simple_evals):
    tries = example("Write add().", ("return a", "return a+b"), 0.5, "[1, 1]", "[0, 1]")
    import_simple_evals(cache, write_simple_evals([tries], "humaneval_one_20260102_0304_allresults.json"), "b")
    assert cache.questions("b")["gold"].to_list() == [None]
    assert cache.generations("b", "one")["text"].to_list() == ["return a", "return a+b"]
    assert cache.verdicts("b", "one").select("sample", "score", "answer").rows() == [(0, 0.5, None)]


@pytest.mark.parametrize(
    ("right", "gold"), [("[&#39;7&#39;]", "7"), ("[&#39;7&#39;, &#39;seven&#39;]", None), ("1 &lt; 2", "1<2")]
)
def test_gold_answers(cache, write_simple_evals, right, gold):
    import_simple_evals(cache, write_simple_evals([example(right=right)]), "b")
    assert cache.questions("b")["gold"].to_list() == [gold]


def test_messages_of_parts_and_without_words(cache, write_simple_evals):
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "1+1?"}]
    done = import_simple_evals(cache, write_simple_evals([example(parts), example(" ")]), "b")
    assert cache.questions("b")["text"].to_list() == ["What is\n1+1?"]
    assert done.skipped == {"examples without a question in words": 1}


def test_the_newest_file_counts(cache, write_simple_evals):
    write_simple_evals([example(score=0.0)], "mgsm_one_20250102_030405_allresults.json")
    done = import_simple_evals(cache, write_simple_evals([example()]).parent, "b")
    assert "1 older files of the same LLM and evaluation passed over: the newest counts" in done.notes
    assert cache.verdicts("b", "one")["score"].to_list() == [1.0]


def test_files_that_are_something_else(cache, write_simple_evals, tmp_path):
    with pytest.raises(ImportFormatError, match=r"holds no results of simple-evals; .*older versions wrote averages"):
        import_simple_evals(cache, DATA / "inspect", "b")
    path = write_simple_evals([example(), example("b?")])
    with pytest.raises(UnknownNameError, match="no task 'mmlu'; choose from mgsm"):
        import_simple_evals(cache, path, "b", tasks=["mmlu"])
    content = path.read_text()
    path.write_text(content[:-80])
    with pytest.raises(ImportFormatError, match="is no whole JSON"):
        import_simple_evals(cache, path, "b")
    path.write_text(content.replace("null,\n", ""))
    with pytest.raises(ImportFormatError, match="example 2 has no report or metadata"):
        import_simple_evals(cache, path, "b")
    path.write_text('{"score": 0.5}')
    with pytest.raises(ImportFormatError, match="holds no conversations of simple-evals"):
        import_simple_evals(cache, path, "b")
    other = tmp_path / "results.json"
    other.write_text(content)
    with pytest.raises(ImportFormatError, match="doesn't say evaluation and LLM"):
        import_simple_evals(cache, other, "b")
    assert not cache.benchmarks()

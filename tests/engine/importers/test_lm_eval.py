"""lm-eval's sample logs: real ones, of two LLMs on our own questions (see `local_tasks`), and what may be wrong."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paths import DATA
from selectllm_engine.errors import ImportFormatError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.importers.documents import gold_of, letter_of, options_of, question_of
from selectllm_engine.importers.lm_eval import import_lm_eval
from selectllm_engine.importers.records import Options
from selectllm_engine.store import VerdictChoice
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes

LOGS = DATA / "lm-eval"
LLMS = ("llms/qwen2.5-coder-0.5b-it", "llms/smollm2-135m-it")


@pytest.fixture
def logs(tmp_path):
    """A copy of the real logs, to change."""
    shutil.copytree(LOGS, tmp_path / "logs")
    return tmp_path / "logs"


def rows(llm, task, filter_name=None, folder=LOGS):
    [path] = (folder / llm.replace("/", "__")).glob(f"samples_{task}_*.jsonl")
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in found if filter_name in (None, row["filter"])]


def change(folder, edit, llm=LLMS[0], task="local_sums"):
    """Edit every row of a file."""
    [path] = (folder / llm.replace("/", "__")).glob(f"samples_{task}_*.jsonl")
    changed = [edit(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in changed if row is not None))
    return path


def by_document(cache, llm, frame):
    """Rows of a frame by the first 16 digits of their document's hash."""
    found = {}
    for row in frame.sort("sample").iter_rows(named=True):
        found.setdefault(row["question_id"].rpartition("-")[2], []).append(row)
    return found


def test_the_texts_of_a_document_are_samples_and_its_metric_the_verdict(cache):
    own = Options(verdicts=VerdictChoice("own"))
    done = import_lm_eval(cache, LOGS, "b", tasks=["local_sums"], options=own)
    assert done.llms == LLMS
    assert (done.rows, done.splits) == (24, {"test": 6})  # 6 documents, 2 filters, 2 LLMs
    assert done.skipped == {"further filters of the same texts": 12}
    assert "local_sums: filter maj@3, metric exact_match (others: first)" in done.notes
    for llm in LLMS:
        logged = rows(llm, "local_sums", "maj@3")
        generations = by_document(cache, llm, cache.generations("b", llm))
        verdicts = by_document(cache, llm, cache.verdicts("b", llm))
        assert len(logged) == len(generations) == 6
        for row in logged:
            key = row["doc_hash"][:16]
            assert [each["text"] for each in generations[key]] == row["resps"][0]
            [verdict] = verdicts[key]
            assert (verdict["sample"], verdict["score"]) == (0, row["exact_match"])
            assert verdict["answer"] == row["filtered_resps"][0]
    questions = cache.questions("b")
    assert sorted(questions["text"]) == sorted(row["doc"]["question"] for row in logged)
    assert set(questions["subject"]) == {"local_sums"}
    assert set(questions["kind"]) == {"number"}
    assert sorted(questions["gold"]) == sorted(row["target"] for row in logged)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.answers.shape == (6, 2, 3)
    assert outcomes.left_out_total == 0


def test_another_filter(cache):
    done = import_lm_eval(cache, LOGS, "b", tasks=["local_sums"], filter_name="first")
    assert "local_sums: filter first, metric exact_match (others: maj@3)" in done.notes
    for llm in LLMS:
        right = sum(row["exact_match"] for row in rows(llm, "local_sums", "first"))
        assert cache.verdicts("b", llm)["score"].sum() == right
    with pytest.raises(UnknownNameError, match="maj@3"):
        import_lm_eval(cache, LOGS, "c", filter_name="maj3")
    assert cache.benchmarks() == ["b"]


@pytest.mark.parametrize("metric", ["acc", "acc_norm"])
def test_the_likeliest_choice_is_the_vote(cache, metric):
    done = import_lm_eval(cache, LOGS, "b", tasks=["local_words"], metric=metric)
    way = {"acc": "log-likelihood", "acc_norm": "log-likelihood per character"}[metric]
    assert f"local_words: the likeliest choice by {way}, metric {metric}" in done.notes
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 1
    golds = dict(cache.questions("b").select("question_id", "gold").iter_rows())
    for place, llm in enumerate(LLMS):
        logged = {row["doc_hash"][:16]: row for row in rows(llm, "local_words")}
        assert golds == {f"local_words-{key}": "ABCD"[int(row["target"])] for key, row in logged.items()}
        right = dict(zip(outcomes.questions["question_id"], outcomes.labels[:, place], strict=True))
        assert right == {f"local_words-{key}": bool(row[metric]) for key, row in logged.items()}
        verdicts = dict(cache.verdicts("b", llm).select("question_id", "score").iter_rows())
        assert verdicts == {f"local_words-{key}": row[metric] for key, row in logged.items()}
    choices = dict(cache.questions("b").select("question_id", "choices").iter_rows())
    assert choices == {f"local_words-{key}": row["doc"]["choices"] for key, row in logged.items()}


def test_of_one_text_the_first_filter_counts(cache, logs):
    """As flexible-extract and strict-match, of which none is a majority."""
    names = {"first": "strict", "maj@3": "maj-like"}
    for llm in LLMS:
        change(logs, lambda row: {**row, "resps": [row["resps"][0][:1]], "filter": names[row["filter"]]}, llm)
    done = import_lm_eval(cache, logs, "b", tasks=["local_sums"])
    assert "local_sums: filter strict, metric exact_match (others: maj-like)" in done.notes


def test_the_majority_of_all_texts_counts(cache, logs):
    names = {"first": "maj@2", "maj@3": "maj@3"}
    change(logs, lambda row: {**row, "filter": names[row["filter"]]})
    done = import_lm_eval(cache, logs / LLMS[0].replace("/", "__"), "b", tasks=["local_sums"])
    assert "local_sums: filter maj@3, metric exact_match (others: maj@2)" in done.notes


def test_tasks_of_different_depth_are_said(cache):
    done = import_lm_eval(cache, LOGS, "b", options=Options(split_by=(50, 0, 50)))
    assert sum(done.splits.values()) == 12
    assert any("local_sums 3, local_words 1" in each for each in done.notes)
    again = import_lm_eval(cache, LOGS, "b", options=Options(split_by=(50, 0, 50)))
    assert again.unchanged


def test_one_file_and_another_name(cache):
    [path] = (LOGS / "llms__smollm2-135m-it").glob("samples_local_sums_*.jsonl")
    assert import_lm_eval(cache, path, "b").llms == ("llms/smollm2-135m-it",)
    assert import_lm_eval(cache, path, "c", llm="small", latency={"small": 0.5}).llms == ("small",)
    assert load_outcomes(cache, "c", "test").latency.tolist() == [[0.5]] * 6
    with pytest.raises(UsageError, match="one LLM"):
        import_lm_eval(cache, LOGS, "d", llm="small")


@pytest.mark.parametrize(("latency", "error"), [({"x": 1.0}, UnknownNameError), ({LLMS[0]: -1.0}, UsageError)])
def test_impossible_latencies(cache, latency, error):
    with pytest.raises(error):
        import_lm_eval(cache, LOGS, "b", latency=latency)
    assert not cache.root.exists()


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("org__name", "plain"), {"org/name", "plain"}),
        (("__models__tiny",), {"tiny"}),
        (("__a__tiny", "__b__tiny"), {"__a__tiny", "__b__tiny"}),  # not told apart by the end of the path
    ],
)
def test_llms_from_folders(cache, tmp_path, folders, names):
    for folder in folders:
        shutil.copytree(LOGS / "llms__smollm2-135m-it", tmp_path / "out" / folder)
    assert set(import_lm_eval(cache, tmp_path / "out", "b").llms) == names


def test_llms_of_files_that_are_links(cache, tmp_path):
    """A hub's cache keeps files under other names elsewhere."""
    for number, folder in enumerate(sorted(LOGS.iterdir())):
        [path] = folder.glob("samples_local_sums_*.jsonl")
        blob, link = tmp_path / "blobs" / f"{number}", tmp_path / "snapshot" / folder.name / path.name
        blob.parent.mkdir(exist_ok=True)
        link.parent.mkdir(parents=True)
        shutil.copy(path, blob)
        link.symlink_to(blob)
    assert import_lm_eval(cache, tmp_path / "snapshot", "b").llms == LLMS


def test_llms_that_share_a_folder_are_named_by_their_averages(cache, tmp_path):
    """So `--output_path out/run.json` writes them."""
    for place, folder in enumerate(sorted(LOGS.iterdir())):
        [path] = folder.glob("samples_local_sums_*.jsonl")
        shutil.copy(path, tmp_path)
        time = path.stem.rpartition("_")[2]
        averages = {"results": {}, "model_name_sanitized": f"org__{place}"}
        (tmp_path / f"run_{time}.json").write_text(json.dumps(averages))
    assert import_lm_eval(cache, tmp_path, "b").llms == ("org/1", "org/0")  # the older run first
    (tmp_path / f"run_{time}.json").write_text("{")
    done = import_lm_eval(cache, tmp_path, "c")
    assert done.llms == (tmp_path.name,)
    assert any("1 older files" in each for each in done.notes)


def test_the_newest_run_counts(cache, logs):
    [path] = (logs / "llms__smollm2-135m-it").glob("samples_local_sums_*.jsonl")
    old = path.with_name("samples_local_sums_2001-01-01T00-00-00.123456.jsonl")
    old.write_text("damaged, and not read")
    done = import_lm_eval(cache, logs, "b")
    assert done.rows == 24 + 12
    assert any("1 older files" in each for each in done.notes)


def test_llms_are_joined_on_the_document_whatever_the_prompt(cache, logs):
    def chat(row):
        for each in row["arguments"].values():
            each["arg_0"] = f"<|user|>{each['arg_0']}"
        if row["doc_id"] == 0:
            return None  # this LLM lacks a question
        return {**row, "doc": {"id": row["doc"]["n"]}}  # no field that is known to be the question

    change(logs, chat, LLMS[0])
    change(logs, lambda row: {**row, "doc": {"id": row["doc"]["n"]}}, LLMS[1])
    done = import_lm_eval(cache, logs, "b", tasks=["local_sums"])
    assert sum(done.splits.values()) == 6
    assert any(f"{LLMS[0]} lacks 1 of 6 questions" in each for each in done.notes)
    texts = cache.questions("b")["text"]
    assert texts.str.starts_with("<|user|>Question:").sum() == 5  # of the LLM that came first
    assert load_outcomes(cache, "b", "test").questions.height == 5


def test_the_question_of_a_conversation(cache, logs):
    """Where lm-eval asks a server for chats, it logs each prompt as a list of one text, which is JSON."""
    chat = [{"role": "user", "content": "An example?"}, {"role": "assistant", "content": "Yes."}]

    def asked(row):
        for each in row["arguments"].values():
            each["arg_0"] = [json.dumps([*chat, {"role": "user", "content": f"Question {row['doc_id']}"}])]
        return {**row, "doc": {"id": row["doc"]["n"]}}

    change(logs, asked, LLMS[0])
    import_lm_eval(cache, logs / LLMS[0].replace("/", "__"), "b", tasks=["local_sums"])
    assert sorted(cache.questions("b")["text"]) == [f"Question {number}" for number in range(6)]


def test_documents_that_repeat_count_once(cache, logs):
    path = change(logs, lambda row: row, LLMS[0], "local_words")
    path.write_text(path.read_text() * 2)
    done = import_lm_eval(cache, logs, "b", tasks=["local_words"])
    assert sum(done.splits.values()) == 6
    assert done.skipped == {"the same sample of the same question again": 6}


def test_old_logs(cache, logs):
    """Before 0.4.3 there were no hashes, arguments were lists, likelihoods numbers, and metrics had no list."""

    def old(row):
        row["arguments"] = [list(each.values()) for each in row["arguments"].values()]
        row["resps"] = [[[float(pair[0]), pair[1] == "True"] for pair in each] for each in row["resps"]]
        return {name: value for name, value in row.items() if name not in {"doc_hash", "metrics", "filter"}}

    for llm in LLMS:
        change(logs, old, llm, "local_words")
    import_lm_eval(cache, logs, "b", tasks=["local_words"])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions.height == 6
    assert outcomes.labels.sum(axis=0).tolist() == [sum(r["acc"] for r in rows(llm, "local_words")) for llm in LLMS]


def test_what_cannot_be_used_is_counted(cache, logs):
    def rolling(row):
        """As perplexity tasks log."""
        return {
            **row,
            "arguments": {"gen_args_0": {"arg_0": "a text"}},
            "resps": [["-12.5"]],
            "metrics": ["word_perplexity"],
            "word_perplexity": [-12.5, 3],
        }

    def many(row):
        row["arguments"] = {f"gen_args_{n}": {"arg_0": "Q", "arg_1": f" {n}"} for n in range(27)}
        return {**row, "resps": [[[str(-n), "False"]] for n in range(27)]}

    change(logs, lambda row: rolling(row) if row["doc_id"] == 0 else row, LLMS[0], "local_words")
    change(logs, lambda row: many(row) if row["doc_id"] == 1 else row, LLMS[1], "local_words")
    change(
        logs,
        lambda row: {
            **row,
            "resps": [*row["resps"]] * 2,
            "arguments": {"a": {"0": "Q", "1": {}}, "b": {"0": "Q", "1": {}}},
        },
    )
    done = import_lm_eval(cache, logs, "b")
    assert done.skipped["documents with neither a text nor choices, such as perplexities"] == 1
    assert done.skipped["documents with more than 26 choices"] == 1
    assert done.skipped["documents with no text, or with several requests"] == 6
    assert done.rows == 36


def test_likelihoods_beyond_all_numbers(cache, logs):
    huge = 10**400
    change(logs, lambda row: {**row, "resps": [[[huge, "True"]] for _ in row["resps"]]}, LLMS[0], "local_words")
    done = import_lm_eval(cache, logs, "b", tasks=["local_words"])
    assert done.llms == LLMS[1:]
    assert done.skipped == {"documents with neither a text nor choices, such as perplexities": 6}


def test_metrics_that_are_no_verdict(cache, logs):
    for llm in LLMS:
        change(logs, lambda row: {**row, "exact_match": [1, 2], "metrics": ["exact_match", "bleu"], "bleu": 37.5}, llm)
    done = import_lm_eval(cache, logs, "b", tasks=["local_sums"])
    assert any(each.startswith("12 documents have no metric from 0 to 1") for each in done.notes)
    assert not any(len(cache.verdicts("b", llm) if cache.verdicts("b", llm) is not None else []) for llm in LLMS)
    assert load_outcomes(cache, "b", "test").samples == 3
    with pytest.raises(UnknownNameError, match="exact_match"):
        import_lm_eval(cache, logs, "c", metric="exact_mach")


def test_the_metric_is_the_same_for_all_documents(cache, logs):
    """truthfulqa_gen's first metric is a score up to 100, which may happen to be below 1."""
    for number, llm in enumerate(LLMS):
        more = {"metrics": ["bleu_max", "bleu_acc"], "bleu_max": 0.7, "bleu_acc": number}
        change(logs, lambda row, more=more: {**row, **more}, llm)
    import_lm_eval(cache, logs, "b", tasks=["local_sums"])
    assert [cache.verdicts("b", llm)["score"].unique().to_list() for llm in LLMS] == [[0.0], [1.0]]


def test_where_several_choices_are_right_a_share_of_the_likelihood_decides(cache, logs):
    """truthfulqa_mc2 logs the target 0, whichever choices are right; its acc is the likelihood of all those."""
    shares = (0.7, 0.2)
    for llm, share in zip(LLMS, shares, strict=True):
        change(logs, lambda row, share=share: {**row, "target": "0", "acc": share}, llm, "local_words")
    import_lm_eval(cache, logs, "b", tasks=["local_words"])
    assert cache.questions("b")["gold"].null_count() == 6
    assert load_outcomes(cache, "b", "test").labels.all(axis=0).tolist() == [True, False]


def test_a_gold_answer_that_contradicts_the_metric_is_dropped(cache, logs):
    wrong = rows(LLMS[0], "local_words")[0]
    for llm in LLMS:
        change(
            logs,
            lambda row: {**row, "target": "[0, 1]"} if row["doc_hash"] == wrong["doc_hash"] else row,
            llm,
            "local_words",
        )
    done = import_lm_eval(cache, logs, "b", tasks=["local_words"])
    assert any(each.startswith("2 documents name no right choice") for each in done.notes)
    outcomes = load_outcomes(cache, "b", "test")  # the metric decides
    assert outcomes.labels.sum(axis=0).tolist() == [sum(r["acc"] for r in rows(llm, "local_words")) for llm in LLMS]


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def lines(*rows):
    return lambda path: path.write_text("".join(f"{row}\n" for row in rows))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (cut, "copy it again"),
        (lines("{"), "no JSON"),
        (lines("[1]"), "no JSON object"),
        (lines('{"doc": {}}'), "has no resps, arguments"),
        (lines('{"doc": {}, "resps": 1, "arguments": {}}'), "do not fit"),
        (lines('{"doc": {}, "resps": [1], "arguments": {"a": {"b": "Q"}, "c": {"d": "Q"}}}'), "do not fit"),
        (lines('{"doc": {}, "resps": [], "arguments": []}'), "do not fit"),
        (lines("[" * 100_000), "no JSON"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "no UTF-8 text"),
        (lambda path: path.write_bytes(b""), None),
    ],
)
def test_damaged_files_change_nothing(cache, logs, damage, says):
    import_lm_eval(cache, LOGS, "before")
    [path] = (logs / "llms__smollm2-135m-it").glob("samples_local_sums_*.jsonl")
    damage(path)
    if says is None:
        with pytest.raises(ImportFormatError, match="nothing to import"):
            import_lm_eval(cache, path, "b")
    else:
        with pytest.raises(ImportFormatError, match=says) as found:
            import_lm_eval(cache, logs, "b")
        assert path.name in str(found.value)
        assert "\n" not in str(found.value)
    assert cache.benchmarks() == ["before"]
    assert not list(cache.root.glob(".tmp-*"))


def test_places_without_samples(cache, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (empty, tmp_path / "none"):
        with pytest.raises(ImportFormatError):
            import_lm_eval(cache, path, "b")
    averages = empty / "results_2026-01-01T00-00-00.json"
    averages.write_text("{}")
    for path in (empty, averages):
        with pytest.raises(ImportFormatError, match=r"averages.*--log_samples"):
            import_lm_eval(cache, path, "b")
    with pytest.raises(UnknownNameError, match="local_sums"):
        import_lm_eval(cache, LOGS, "b", tasks=["local_sum"])
    assert not cache.root.exists()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(
        ["doc", "resps", "arguments", "target", "filtered_resps", "filter", "metrics", "doc_hash", "exact_match"]
    ),
    st.sampled_from(["local_sums", "local_words"]),
)
def test_whatever_a_field_holds_is_read_or_refused(tmp_path_factory, value, field, task):
    folder = tmp_path_factory.mktemp("fuzz")
    row = {**rows(LLMS[0], task)[0], field: value}
    path = folder / "samples_x.jsonl"
    path.write_text(json.dumps(row) + "\n")
    try:
        import_lm_eval(Cache(folder / "cache"), path, "b")
    except SelectLLMError as error:
        assert str(error)  # noqa: PT017


def test_progress_is_in_bytes(cache):
    seen = []
    import_lm_eval(cache, LOGS, "b", progress=lambda done, total: seen.append((done, total)))
    total = sum(path.stat().st_size for path in LOGS.rglob("*.jsonl"))
    assert {each for _, each in seen} == {total}
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("target", "gold"),
    [
        ("18", "18"),
        ("She has 9 + 9 of them.\n#### 1,800", "1800"),
        (r"So it is \boxed{42}.", "42"),
        (r"\boxed{1} and \boxed{-\frac{3}{4}}", "-0.75"),
        (r"\boxed{\$11,\! 222\text{ a year}}", "11222"),
        (r"\boxed{(1, 2)}", r"\boxed{(1, 2)}"),  # no number: it is dropped later, and recorded scores decide
        (r"\boxed{1, 2}", r"\boxed{1, 2}"),
        (r"\boxed{2n + 1}", r"\boxed{2n + 1}"),
        ("['yes']", "yes"),
        ("['yes', 'no']", None),
        ("[]", None),
        ("[3.0]", "3"),
        ("[unreadable", "[unreadable"),
        ("", None),
    ],
)
def test_gold_answers(target, gold):
    assert gold_of(target) == gold


@pytest.mark.parametrize(
    ("target", "picked", "right", "letter"),
    [
        ("1", "A", None, "B"),  # a place
        ("blue", "A", None, "C"),  # a text
        ("d", "A", None, "D"),  # a letter
        ("1", "D", True, "D"),  # a text, as the verdict says; the fourth option is "1"
        ("1", "B", True, "B"),
        ("1", "B", False, "D"),
        ("9", "B", True, "B"),  # so the verdict says
        ("9", "B", False, None),
        ("9", "B", None, None),
        ("[0, 1]", "B", True, None),
        ("[2]", "B", False, "C"),
    ],
)
def test_right_choices(target, picked, right, letter):
    choices = ("red", "2", "blue", "1")
    assert letter_of(target, choices, [f" {each}" for each in choices], picked=picked, right=right) == letter


@pytest.mark.parametrize(("right", "letter"), [(True, "A"), (False, "B"), (None, None)])
def test_of_two_sentences_the_verdict_tells_which_is_right(right, letter):
    """The options are what comes before; the target is what follows either."""
    assert letter_of("left", ("It was he", "It was she"), ("left", "left"), picked="A", right=right) == letter


def test_where_documents_keep_their_question_and_options():
    assert question_of({"passage": "Hens lay eggs.", "question": "Do they?"}) == "Hens lay eggs.\n\nDo they?"
    assert question_of({"question": " ", "goal": "Boil an egg"}) == "Boil an egg"
    assert question_of({"question": {"stem": "x"}}) is None
    letters = (" A", " B")
    assert options_of({"choices": {"text": ["x", "y"], "label": ["A", "B"]}}, ("Q", "Q"), letters) == ("x", "y")
    assert options_of({"choices": ["x", "y", "z"]}, ("Q", "Q"), letters) == ("A", "B")
    assert options_of({}, ("It was he", "It was she"), (" who left", " who left")) == ("It was he", "It was she")


def test_options_that_are_letters_themselves(cache, tmp_path):
    """The right letter is B: its text is "A", and the text "B" is option C."""
    row = rows(LLMS[0], "local_words")[0]
    row |= {"doc": {"question": "Which?", "choices": ["O", "A", "B", "AB"]}, "target": "1", "acc": 1.0}
    row["arguments"] = {f"gen_args_{n}": {"arg_0": "Which?", "arg_1": f" {each}"} for n, each in enumerate("ABCD")}
    row["resps"] = [[[str(value), "False"]] for value in (-3, -1, -2, -4)]
    path = tmp_path / "samples_blood.jsonl"
    path.write_text(json.dumps(row) + "\n")
    import_lm_eval(cache, path, "b")
    assert cache.questions("b")["gold"].to_list() == ["B"]
    assert load_outcomes(cache, "b", "test").labels.all()
    assert cache.generations("b", cache.llms("b")[0])["text"].to_list() == ["(B)"]
    assert np.array_equal(cache.verdicts("b", cache.llms("b")[0])["score"], pl.Series([1.0]))

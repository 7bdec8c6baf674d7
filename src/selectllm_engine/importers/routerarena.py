"""RouterArena's files: a router's predictions, and the cached results of LLMs.

- `router_inference/predictions/<router>.json`, a list: which LLM the router chose (`prediction`), what it generated
  (`generated_result`), and once evaluated `accuracy` and `cost`. There is no gold answer.
- `cached_results/<LLM>.jsonl`: what one LLM generated, with the gold answer, score and cost of `evaluation_result`.

The LLMs that answered are imported, `for_optimality` entries included; routers often share cached answers, which count
once. As a router asks few LLMs each question, with `routers` each file of predictions is one LLM instead, named after
the router. The data set is the subject, the global index is the question's id, and options are read from the prompt.
Failed calls, and questions without a generation or verdict, are unknown. `-robustness` files ask other wordings of the
same questions: in a folder they are passed over. RouterArena records no latency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.json_members import has_member, lines, members
from selectllm_engine.importers.lettered_options import options_in
from selectllm_engine.importers.records import FirstFiles, Reading, Record, origin_of
from selectllm_engine.importers.values import count, mapping, number, score, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_routerarena"]

_FILES = "name a file of router_inference/predictions or cached_results, or such a folder"
_OTHER_WORDINGS = "-robustness.json"


@importer("routerarena")
def import_routerarena(path: Path, reading: Reading, progress: Progress, *, routers: bool = False) -> Recorded:
    """Read RouterArena's predictions or cached results: a file, or a folder with such files at any depth.

    With `routers` each router is one LLM, instead of the LLMs that answered.
    """
    files = _files(path, reading, routers=routers)
    return _records(files, reading, progress, routers=routers), origin_of(files, routers=routers)


def _files(path: Path, reading: Reading, *, routers: bool) -> list[Path]:
    """The files to read; cached results come first, as they know the gold answers."""
    if not path.is_dir():
        if not _is_ours(path):
            raise ImportFormatError(f"{path} holds no predictions or cached results of RouterArena", _FILES)
        return [path]
    paths = [each for each in sorted(path.rglob("*.json*")) if each.suffix in (".json", ".jsonl") and each.is_file()]
    wordings = [each for each in paths if each.name.endswith(_OTHER_WORDINGS)]
    found = [each for each in paths if each not in wordings and _is_ours(each)]
    if routers:
        found = [each for each in found if each.suffix == ".json"]
    if not found:
        raise ImportFormatError(
            f"{path} holds no predictions{'' if routers else ' or cached results'} of RouterArena", _FILES
        )
    if wordings:
        reading.note(f"{len(wordings):,} files with other wordings of the questions (robustness) passed over")
    if other := len(paths) - len(found) - len(wordings):
        reading.note(f"{other:,} other JSON files passed over")
    return sorted(found, key=lambda each: (each.suffix != ".jsonl", each))


def _is_ours(path: Path) -> bool:
    if path.suffix == ".jsonl":
        first = mapping(next(lines(path), (0, None))[1])
        return "llm_selected" in first
    if not has_member(path):
        return False
    place, entry = next(members(path), ("", None))
    return place == "0" and "prediction" in mapping(entry) and _index(mapping(entry)) is not None


def _records(files: Sequence[Path], reading: Reading, progress: Progress, *, routers: bool) -> Iterator[Record]:
    once = FirstFiles()
    for place, path in enumerate(files):
        rows = lines(path) if path.suffix == ".jsonl" else members(path)
        for where, row in rows:
            if not isinstance(row, dict):
                raise ImportFormatError(f"{path.name}, entry {where} is no JSON object", _FILES)
            if routers and row.get("for_optimality"):
                reading.skip("answers of LLMs that the router didn't choose")
                continue
            record = _record(row, reading, router=path.stem if routers else None)
            if record is not None and once.first(record.llm, record.key or "", place):
                yield record
        progress(place + 1, len(files))
    if once.passed:
        reading.note(f"{once.passed:,} answers of an LLM that another file has too: passed over")


def _index(row: Mapping[str, object]) -> str | None:
    found = row.get("global index") or row.get("global_index")
    return str(found) if isinstance(found, (str, int)) else None


def _record(row: Mapping[str, object], reading: Reading, *, router: str | None) -> Record | None:
    """The record of an entry of either kind of file; None where there is nothing to record."""
    cached = "llm_selected" in row
    generated = row if cached else mapping(row.get("generated_result"))
    index, text = _index(row), words(generated.get("generated_answer"))
    asked = words(row.get("question") if cached else row.get("prompt") or row.get("prompt_formatted"))
    llm = router or words(row.get("llm_selected") if cached else row.get("prediction"))
    if index is None or not llm or not asked or not asked.strip():
        reading.skip("entries without an index, a prompt or an LLM")
        return None
    if not generated or generated.get("success") is False or text is None:
        reading.skip("calls that failed" if generated else "not generated yet")
        return None
    judged = mapping(row.get("evaluation_result"))
    head, _, tail = index.rpartition("_")
    tokens, run = mapping(generated.get("token_usage")), count(row.get("run_number"))
    options = options_in(asked)
    gold, answer = judged.get("ground_truth"), words(judged.get("extracted_answer"))
    return Record(
        llm=llm,
        key=index,
        question=asked,
        choices=options,
        gold=str(gold) if isinstance(gold, (str, int, float)) and not isinstance(gold, bool) else None,
        kind="letter" if options else None,
        subject=head if head and tail.isdecimal() else None,
        sample=run - 1 if run else 0,
        text=text,
        answer=answer if answer != text else None,  # RouterArena repeats the text where it extracts nothing
        score=score(judged.get("score") if judged else row.get("accuracy")),
        cost=number(judged.get("inference_cost") if judged else row.get("cost")),
        prompt_tokens=count(tokens.get("input_tokens", tokens.get("prompt_tokens"))),
        output_tokens=count(tokens.get("output_tokens", tokens.get("completion_tokens"))),
    )

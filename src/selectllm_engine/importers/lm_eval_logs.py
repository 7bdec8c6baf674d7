"""lm-eval's sample files: which there are at a path, and their rows, checked."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.importers.records import Reading

__all__ = ["METRICS", "File", "Row", "find_files", "likelihood", "newest", "rows_of"]

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl")
_LONGEST = 1 << 26  # bytes of a row
_LOG = "run lm-eval with --log_samples, and name its output folder or one of its samples_*.jsonl files"
METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "f1")  # taken first, in this order


@dataclass(frozen=True, slots=True)
class File:
    """A file of samples: of which LLM, of which task, and when the run ended, "" where its name doesn't say."""

    path: Path
    llm: str
    task: str
    time: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log whose fields have the right types."""

    document: Mapping[str, Any]
    hash: str
    target: str
    prompts: tuple[str, ...]  # what was asked, per request
    continuations: tuple[Any, ...]  # per request: the choice, or settings of the generation
    responses: Sequence[Any]  # per request, per repetition
    filtered: Any  # of the first request
    filter: str
    metrics: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def generated(self) -> bool:
        """Whether the LLM wrote texts; else it compared choices."""
        return isinstance(self.continuations[0], dict)


def find_files(path: Path, llm: str | None) -> list[File]:
    """All sample files at a path."""
    if path.is_dir():
        paths = sorted(each for each in path.rglob("samples_*.jsonl") if each.is_file())
        if not paths:
            averages = any(path.rglob("results*.json"))
            problem = f"{path} holds lm-eval's averages only" if averages else f"{path} holds no samples of lm-eval"
            raise ImportFormatError(problem, _LOG)
    else:
        if path.name.startswith("results") and path.suffix == ".json":
            raise ImportFormatError(f"{path} holds lm-eval's averages, not its samples", _LOG)
        paths = [path]
    folders = _folders(paths)
    names = _llms(set(folders.values()))
    if llm is not None:
        if len(names) > 1:
            raise UsageError(
                f"--llm {llm} names one LLM, there are {len(names)}: {', '.join(sorted(names.values()))}",
                "import the folder of each on its own",
            )
        names = dict.fromkeys(names, llm)
    files = []
    for each in paths:
        match = _NAME.fullmatch(each.name)
        task, time = (match["task"], match["time"] or "") if match else (each.stem, "")
        files.append(File(each, names[folders[each]], task, time))
    return files


def _folders(paths: Sequence[Path]) -> dict[Path, str]:
    """The folder that names the LLM of each file: the file's own, links aside, as a hub's cache keeps them elsewhere.

    With `--output_path FILE.json` lm-eval makes no folders: there `FILE_<time>.json` says whose run that was. It is
    asked where one folder holds runs of several LLMs.
    """
    own = {each: each.parent.resolve().name for each in paths}
    runs: dict[Path, dict[str, str]] = {}  # folder -> time -> LLM
    for each in paths:
        match = _NAME.fullmatch(each.name)
        if match and match["time"] and match["time"] not in (known := runs.setdefault(each.parent, {})):
            known[match["time"]] = _model(each.parent, match["time"])
    for each in paths:
        known = runs.get(each.parent, {})
        match = _NAME.fullmatch(each.name)
        if match and len(set(known.values()) - {""}) > 1:
            own[each] = known.get(match["time"] or "") or own[each]
    return own


def _model(folder: Path, time: str) -> str:
    """The LLM that the averages of a run name, written as a folder would be; "" where none do."""
    for path in sorted(folder.glob(f"*_{time}.json")):
        try:
            found = json.loads(path.read_bytes()) if path.stat().st_size < _LONGEST else None
        except (OSError, ValueError, RecursionError):
            continue
        name = found.get("model_name_sanitized") if isinstance(found, dict) else None
        if isinstance(name, str) and name:
            return name
    return ""


def _llms(folders: set[str]) -> dict[str, str]:
    """The LLM of every folder. lm-eval writes `org/name` as `org__name`, and `/a/b` as `__a__b`: of a path, the end."""
    names = {
        folder: (folder.rpartition("__")[2] or folder) if folder.startswith("__") else folder.replace("__", "/")
        for folder in folders
    }
    shared = Counter(names.values())
    return {folder: name if shared[name] == 1 else folder for folder, name in names.items()}


def newest(files: Sequence[File], tasks: Sequence[str] | None, reading: Reading) -> list[File]:
    """The newest file of every LLM and task; raises UnknownNameError for a task that there is not."""
    known = sorted({file.task for file in files})
    for task in tasks or ():
        if task not in known:
            raise UnknownNameError("task", task, known)
    best: dict[tuple[str, str], File] = {}
    for file in files:
        if tasks is None or file.task in tasks:
            old = best.get((file.llm, file.task))
            best[file.llm, file.task] = file if old is None or file.time >= old.time else old
    older = len([file for file in files if tasks is None or file.task in tasks]) - len(best)
    if older:
        reading.note(f"{older:,} older files of the same LLM and task passed over: the newest counts")
    return list(best.values())


def rows_of(file: File) -> Iterator[tuple[int, Row]]:
    """The rows of a file, each with the bytes read so far."""
    try:
        with file.path.open("rb") as lines:
            done = number = 0
            while line := lines.readline(_LONGEST):
                done, number = done + len(line), number + 1
                if len(line) == _LONGEST:
                    raise ImportFormatError(f"{file.path}, line {number} is longer than 64 MiB", _LOG)
                if line.strip():
                    yield done, _row(file.path, number, line)
    except OSError as error:
        raise ImportFormatError(f"cannot read {file.path} ({error.strerror})", _LOG) from error


def _row(path: Path, number: int, line: bytes) -> Row:
    where = f"{path}, line {number}"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        cut = not line.endswith(b"\n")
        remedy = "the file ends in the middle of a row: copy it again" if cut else _LOG
        raise ImportFormatError(f"{where} is no JSON", remedy) from error
    if not isinstance(found, dict):
        raise ImportFormatError(f"{where} is no JSON object", _LOG)
    missing = [name for name in ("doc", "resps", "arguments") if name not in found]
    if missing:
        raise ImportFormatError(f"{where} has no {', '.join(missing)}", _LOG)
    responses, document = found["resps"], found["doc"]
    requests = _requests(found["arguments"])
    if not isinstance(responses, list) or requests is None or len(requests) != len(responses) or not requests:
        raise ImportFormatError(f"{where}: 'resps' and 'arguments' do not fit each other", _LOG)
    filtered = found.get("filtered_resps")
    hashed, metrics = found.get("doc_hash"), found.get("metrics")
    document = document if isinstance(document, dict) else {"text": str(document)}
    if not isinstance(hashed, str) or not hashed:  # logs of before 0.4.3
        from selectllm_engine.store import digest

        hashed = digest(json.dumps(document, sort_keys=True).encode())
    if not isinstance(metrics, list):
        known = {*METRICS}
        metrics = [name for name in found if name in known]
    return Row(
        document=document,
        hash=hashed[:16],
        target=str(found.get("target", "")),
        prompts=tuple(_prompt(each[0]) for each in requests),
        continuations=tuple(each[1] if len(each) > 1 else None for each in requests),
        responses=responses,
        filtered=filtered[0] if isinstance(filtered, list) and filtered else None,
        filter=str(found.get("filter", "none")),
        metrics=tuple(str(each) for each in metrics),
        values=found,
    )


def _requests(arguments: Any) -> list[list[Any]] | None:
    """What every request was made of: today {gen_args_0: {arg_0: …, arg_1: …}, …}, once a list of lists."""
    if isinstance(arguments, dict):
        arguments = [list(each.values()) if isinstance(each, dict) else each for each in arguments.values()]
    if not isinstance(arguments, list) or not all(isinstance(each, list) and each for each in arguments):
        return None
    return arguments


def _prompt(asked: Any) -> str:
    """What was asked; of a conversation, logged as [JSON of its messages], what was asked last."""
    if not (isinstance(asked, list) and len(asked) == 1 and isinstance(asked[0], str)):
        return str(asked)
    whole = asked[0]
    try:
        last = [each["content"] for each in json.loads(whole) if each["role"] == "user"][-1]
    except (ValueError, TypeError, LookupError, RecursionError):
        return whole
    return last if isinstance(last, str) else whole


def likelihood(repetitions: Any) -> float | None:
    """The log-likelihood of [["-1.5", "False"], …], which are numbers in old logs; None for something else."""
    try:
        first = repetitions[0]
        value = float(first[0] if isinstance(first, list) else first)
    except (TypeError, ValueError, LookupError, OverflowError):
        return None
    return None if math.isnan(value) else value

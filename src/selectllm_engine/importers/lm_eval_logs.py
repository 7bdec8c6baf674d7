"""lm-eval's sample files: which there are at a path, and their rows, checked."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError, UsageError
from selectllm_engine.importers.configurations import flattened, joined_names, settings_of_text
from selectllm_engine.importers.records import of_tasks
from selectllm_engine.importers.values import last_written, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.importers.records import Reading

__all__ = ["METRICS", "LogFile", "LogRow", "find_files", "likelihood", "newest", "rows_of"]

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl?(?:\.gz)?")
# Up to 0.4.2 the model's arguments name the file, "/" as "__": pretrained=org__name,dtype=float_gsm8k.jsonl
_OLD_NAME = re.compile(r"(?P<args>(?!samples_|results)[a-z_]+=.+)_(?P<task>[^=,]+?)\.jsonl?(?:\.gz)?")
_SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
_LONGEST = 1 << 26  # bytes of a row
_WHOLE = 1 << 30  # bytes of a file that is one array
_LOG = "run lm-eval with --log_samples, and name its output folder or one of its samples_* files"
METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "f1")  # taken first, in this order


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of samples: of which LLM, of which task, and when the run ended, "" where its name doesn't say."""

    path: Path
    llm: str
    task: str
    time: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the log whose fields have the right types."""

    document: Mapping[str, object]
    hash: str
    target: str
    prompts: tuple[str, ...]  # what was asked, per request
    continuations: tuple[object, ...]  # per request: the choice, or settings of the generation
    responses: Sequence[object]  # per request, per repetition
    filtered: object  # of the first request
    filter: str
    metrics: tuple[str, ...]
    values: Mapping[str, object]

    @property
    def generated(self) -> bool:
        """Whether the LLM wrote texts; else it compared choices."""
        return isinstance(self.continuations[0], dict)


def find_files(path: Path, llm: str | None) -> list[LogFile]:
    """All sample files at a path."""
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if _is_log(each) and each.is_file())
        if not paths:
            averages = any(path.rglob("results*.json"))
            problem = f"{path} holds lm-eval's averages only" if averages else f"{path} holds no samples of lm-eval"
            raise ImportFormatError(problem, _LOG)
    else:
        if path.name.startswith("results") and path.suffix == ".json" and _NAME.fullmatch(path.name) is None:
            raise ImportFormatError(f"{path} holds lm-eval's averages, not its samples", _LOG)
        paths = [path]
    old = {each: found for each in paths if (found := _old(each)) is not None}
    folders = _folders([each for each in paths if each not in old])
    names = _llms(set(folders.values())) | {found.llm: found.llm for found in old.values()}
    if llm is not None:
        if len(names) > 1:
            raise UsageError(
                f"--llm {llm} names one LLM, there are {len(names)}: {', '.join(sorted(names.values()))}",
                "import the folder of each on its own",
            )
        names = dict.fromkeys(names, llm)
    files = []
    for each in paths:
        if each in old:
            files.append(replace(old[each], llm=names[old[each].llm]))
            continue
        match = _NAME.fullmatch(each.name)
        task, time = (match["task"], match["time"] or "") if match else (each.stem, "")
        files.append(LogFile(each, names[folders[each]], task, time))
    return _told_apart(files) if llm is None else files


def _is_log(path: Path) -> bool:
    if not path.name.endswith(_SUFFIXES):
        return False
    return _NAME.fullmatch(path.name) is not None or _OLD_NAME.fullmatch(path.name) is not None


def _old(path: Path) -> LogFile | None:
    """A file that its model's arguments name; where they end and the task begins the averages beside it say."""
    if (match := _OLD_NAME.fullmatch(path.name)) is None:
        return None
    whole = f"{match['args']}_{match['task']}"
    averages = mapping(_averages(path.parent / "results.json").get("results"))
    for task in sorted(averages, key=len, reverse=True):
        if whole.endswith(f"_{task}"):
            written = whole.removesuffix(f"_{task}")
            break
    else:  # the model's name is taken to have no "_" but in place of "/"
        *first, last = whole.split(",")
        owner, slash, rest = last.rpartition("__")
        name, _, task = rest.partition("_")
        written = ",".join([*first, f"{owner}{slash}{name}"])
    settings = settings_of_text(written.replace("__", "/"))
    llm = next((settings[name] for name in _WEIGHTS if name in settings), written)
    return LogFile(path, llm, task, "")


_WEIGHTS = ("peft", "delta", "pretrained", "model", "path", "engine")  # arguments that name the LLM


def _told_apart(files: Sequence[LogFile]) -> list[LogFile]:
    """The files, where one LLM's runs of a task differ in settings with names that tell."""
    shared = Counter((file.llm, file.task) for file in files)
    if not any(count > 1 for count in shared.values()):
        return list(files)
    several = {llm for (llm, _), count in shared.items() if count > 1}
    told = {llm: all(_of_run(file) for file in files if file.llm == llm) for llm in several}
    runs = [(file.llm, file.task, _settings(file, told[file.llm]) if file.llm in told else {}) for file in files]
    return [replace(file, llm=name) for file, name in zip(files, joined_names(runs), strict=True)]


def _of_run(file: LogFile) -> dict[str, object]:
    """The averages beside a file, with all that they say of the run."""
    return _averages(file.path.parent / (f"results_{file.time}.json" if file.time else "results.json"))


def _settings(file: LogFile, told: bool) -> dict[str, str] | None:
    """How a run was made: what its first row shows, and where they are `told` of all runs its averages say.

    None where the file can't be read.
    """
    averages = _of_run(file) if told else {}
    config = mapping(averages.get("config"))
    model = config.get("model_args")
    model = settings_of_text(model) if isinstance(model, str) else mapping(model)
    if (match := _OLD_NAME.fullmatch(file.path.name)) is not None:
        model = {**settings_of_text(match["args"].replace("__", "/")), **model}
    model = {name: value for name, value in model.items() if name not in {"pretrained", "model"}}
    generation = config.get("gen_kwargs")
    found: dict[str, object] = {
        **model,
        "gen_kwargs": settings_of_text(generation) if isinstance(generation, str) else generation,
        "system": averages.get("system_instruction") or config.get("system_instruction"),
        "chat_template": averages.get("chat_template_sha"),
        "multiturn": averages.get("fewshot_as_multiturn"),
        "shots": mapping(averages.get("n-shot")).get(file.task),
    }
    try:
        _, row = next(rows_of(file), (0, None))
    except ImportFormatError:  # an older run, perhaps, that is not used at all
        return None
    if row is not None:
        settings = {name: value for name, value in mapping(row.continuations[0]).items() if name != "until"}
        found = {**settings, **found}
        if not told:
            found["prompt"] = blake2b(row.prompts[0].encode(errors="replace"), digest_size=3).hexdigest()
    return flattened(found)


def _averages(path: Path) -> dict[str, object]:
    """What lm-eval wrote about a run; empty where it can't be read."""
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size < _LONGEST else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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
        if path.name.startswith("samples_"):
            continue
        name = _averages(path).get("model_name_sanitized")
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


def newest(files: Sequence[LogFile], tasks: Sequence[str] | None, reading: Reading) -> list[LogFile]:
    """The newest file of every LLM and task; raises UnknownNameError for a task that there is not."""
    wanted = of_tasks(files, tasks)
    best: dict[tuple[str, str], LogFile] = {}
    for file in wanted:
        old = best.get((file.llm, file.task))
        best[file.llm, file.task] = file if old is None or file.time >= old.time else old
    if older := len(wanted) - len(best):
        reading.note(f"{older:,} older files of the same LLM and task passed over: the newest counts")
    return list(best.values())


def rows_of(file: LogFile) -> Iterator[tuple[int, LogRow]]:
    """The rows of a file, each with the bytes read so far: a row per line, or one array of them; also compressed."""
    try:
        with gzip.open(file.path) if file.path.suffix == ".gz" else file.path.open("rb") as lines:
            begin = lines.read(1 << 10).lstrip(b"\xef\xbb\xbf \t\r\n")
            lines.seek(0)
            if begin.startswith(b"["):
                yield from _array(file.path, lines.read(_WHOLE + 1))
                return
            done = number = 0
            while line := lines.readline(_LONGEST):
                done, number = done + len(line), number + 1
                if len(line) == _LONGEST:
                    raise ImportFormatError(f"{file.path}, line {number} is longer than 64 MiB", _LOG)
                if line.strip():
                    yield done, _row(f"{file.path}, line {number}", _parsed(file.path, number, line))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImportFormatError(f"cannot read {file.path} ({reason})", _LOG) from error


def _array(path: Path, data: bytes) -> Iterator[tuple[int, LogRow]]:
    if len(data) > _WHOLE:
        raise ImportFormatError(f"{path} is one array of more than a gigabyte", "write it as a row per line")
    rows = _parsed(path, 1, data)
    for number, row in enumerate(rows, start=1):
        yield len(data) * number // len(rows), _row(f"{path}, row {number}", row)


def _parsed(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ImportFormatError(
            f"{path}, line {number} is no UTF-8 text (byte {error.start})", "convert the file to UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        cut = not line.endswith(b"\n")
        remedy = "the file ends in the middle of a row: copy it again" if cut else _LOG
        raise ImportFormatError(f"{path}, line {number} is no JSON", remedy) from error


def _row(where: str, found: object) -> LogRow:
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
    return LogRow(
        document=document,
        hash=hashed[:16],
        target="" if (target := found.get("target")) is None else str(target),
        prompts=tuple(_prompt(each[0]) for each in requests),
        continuations=tuple(each[1] if len(each) > 1 else None for each in requests),
        responses=responses,
        filtered=filtered[0] if isinstance(filtered, list) and filtered else None,
        filter=str(found.get("filter", "none")),
        metrics=tuple(str(each) for each in metrics),
        values=found,
    )


def _requests(arguments: object) -> list[list[object]] | None:
    """What every request was made of: today {gen_args_0: {arg_0: …, arg_1: …}, …}, once a list of lists."""
    if isinstance(arguments, dict):
        arguments = [list(each.values()) if isinstance(each, dict) else each for each in arguments.values()]
    if not isinstance(arguments, list) or not all(isinstance(each, list) and each for each in arguments):
        return None
    return arguments


def _prompt(asked: object) -> str:
    """What was asked; of a conversation, logged as [JSON of its messages], what was asked last."""
    if isinstance(asked, list) and len(asked) == 1 and isinstance(asked[0], str):
        return last_written(asked[0])
    return str(asked)


def likelihood(repetitions: Any) -> float | None:
    """The log-likelihood of [["-1.5", "False"], …], which are numbers in old logs; None for something else."""
    try:
        first = repetitions[0]
        value = float(first[0] if isinstance(first, list) else first)
    except (TypeError, ValueError, LookupError, OverflowError):
        return None
    return None if math.isnan(value) else value

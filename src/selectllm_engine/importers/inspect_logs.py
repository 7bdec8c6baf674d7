"""Inspect's log files: what was run, and its samples one by one. `.eval` is a ZIP of JSON members, `.json` one object.

Nothing is unpacked to disk, so that names of members can do no harm; a member is read into memory one at a time, and
none that is larger than `LARGEST`.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError, MissingExtraError, SelectLLMError
from selectllm_engine.importers.configurations import flattened
from selectllm_engine.importers.values import entries, mapping
from selectllm_engine.store import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["LARGEST", "InspectLog", "open_log", "samples"]

LARGEST = 1 << 28  # bytes of one sample; of one JSON log, four times that
_SAMPLE = re.compile(r"samples/.+_epoch_\d+(?:/sample)?\.json", re.DOTALL)
_HEADERS = ("header.json", "_journal/start.json")  # the second where the run never ended
_ZSTD = 93
_LOG = "name a folder of Inspect's logs, or one .eval or JSON log"


@dataclass(frozen=True, slots=True)
class InspectLog:
    """What one log says about its run.

    Attributes:
        path: its file.
        named: the LLM as Inspect names it, such as "openai/gpt-4o" or "hf/local".
        model: the same; of local weights, their folder's path.
        task: the task's name.
        variant: what tells apart runs of one task with different arguments.
        arguments: these, flattened.
        settings: how the LLM was asked, flattened: generation, adapters, roles, prompts and solvers.
        status: "success", "cancelled", "error" or "started".
        created: when, as ISO text.
        samples: how many are in it.
    """

    path: Path
    named: str
    model: str
    task: str
    variant: str
    arguments: Mapping[str, str]
    settings: Mapping[str, str]
    status: str
    created: str
    samples: int


def open_log(path: Path, largest: int = LARGEST) -> InspectLog | None:
    """The header of a log; None for a JSON file that is something else.

    Raises:
        ImportFormatError: it is damaged or too large.
        MissingExtraError: it is compressed with zstd, which this Python can't read without the extra.
    """
    if path.suffix.lower() == ".eval":
        with _opened(path) as archive:
            members = _members(archive)
            name = next((each for each in _HEADERS if each in members), None)
            if name is None:
                raise ImportFormatError(f"{path} is no log of Inspect: it has no header.json", _LOG)
            header = _json(path, name, _read(archive, path, members[name], largest))
            count = sum(1 for each in members if _SAMPLE.fullmatch(each))
    else:
        header = _whole(path, largest)
        count = len(entries(mapping(header).get("samples")))
    evaluation = mapping(mapping(header).get("eval"))
    if not isinstance(evaluation.get("model"), str):
        if path.suffix.lower() == ".eval":
            raise ImportFormatError(f"{path} is no log of Inspect: its header names no model", _LOG)
        return None
    weights = mapping(evaluation.get("model_args")).get("model_path")
    return InspectLog(
        path=path,
        named=evaluation["model"],
        model=weights if isinstance(weights, str) and weights else evaluation["model"],
        task=str(evaluation.get("task") or path.stem),
        variant=json.dumps(evaluation.get("task_args"), sort_keys=True),
        arguments=flattened(mapping(evaluation.get("task_args"))),
        settings=_settings(evaluation, mapping(header.get("plan"))),
        status=str(header.get("status", "started")),
        created=str(evaluation.get("created", "")),
        samples=count,
    )


def _settings(evaluation: Mapping[str, object], plan: Mapping[str, object]) -> dict[str, str]:
    model = {name: value for name, value in mapping(evaluation.get("model_args")).items() if name != "model_path"}
    solver = {"solver": evaluation.get("solver"), "solver_args": evaluation.get("solver_args")}
    steps = plan.get("steps")
    whole = json.dumps(steps, sort_keys=True) if isinstance(steps, list) else None
    return flattened(
        {
            **model,
            **mapping(plan.get("config")),
            **mapping(evaluation.get("model_generate_config")),
            "roles": evaluation.get("model_roles"),
            **solver,
            "plan": whole if whole is None else digest(whole.encode())[:6],
        }
    )


def samples(log: InspectLog, largest: int = LARGEST) -> Iterator[Mapping[str, object] | None]:
    """The samples of a log, one by one; None for one of more than `largest` bytes.

    Raises:
        ImportFormatError: the log is damaged.
    """
    if log.path.suffix.lower() != ".eval":
        for place, found in enumerate(entries(_whole(log.path, largest).get("samples"))):
            yield _object(log.path, f"sample {place + 1}", found)
        return
    with _opened(log.path) as archive:
        for name, member in _members(archive).items():
            if _SAMPLE.fullmatch(name):
                if member.file_size > largest:
                    yield None
                else:
                    yield _object(log.path, name, _json(log.path, name, _read(archive, log.path, member, largest)))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", _LOG) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ImportFormatError(f"{path} is no whole log of Inspect ({error})", "copy it again") from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name; of those that were written several times, the last."""
    return {member.filename: member for member in archive.infolist()}


def _read(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo, largest: int) -> bytes:
    """The content of a member; never more than the directory says, nor than `largest`."""
    if member.file_size > largest:
        raise ImportFormatError(f"{path}: {member.filename[:80]} is larger than {largest >> 20} MiB", _LOG)
    if member.compress_type == _ZSTD and sys.version_info < (3, 14):
        try:
            import zipfile_zstd  # noqa: F401  # teaches zipfile to read zstd; Inspect itself uses it
        except ImportError:
            raise MissingExtraError("reading Inspect's compressed .eval logs", "inspect") from None
    try:
        with archive.open(member) as file:
            return file.read()
    except Exception as error:  # every decompressor has errors of its own
        if isinstance(error, SelectLLMError):
            raise
        raise ImportFormatError(
            f"{path}: {member.filename[:80]} is damaged ({str(error) or type(error).__name__})", "copy the log again"
        ) from error


def _whole(path: Path, largest: int) -> Any:
    try:
        size = path.stat().st_size
        if size > 4 * largest:
            raise ImportFormatError(
                f"{path} is larger than {4 * largest >> 20} MiB", "convert it: inspect log convert --to eval"
            )
        return _json(path, "it", path.read_bytes())
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", _LOG) from error


def _json(path: Path, name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except UnicodeDecodeError as error:
        raise ImportFormatError(f"{path}: {name[:80]} is no UTF-8 text", "convert it to UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ImportFormatError(f"{path}: {name[:80]} is no whole JSON", "copy the log again") from error


def _object(path: Path, name: str, found: object) -> Mapping[str, object]:
    if not isinstance(found, dict):
        raise ImportFormatError(f"{path}: {name[:80]} is no JSON object", _LOG)
    return found

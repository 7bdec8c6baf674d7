"""A served setup beside a plain proxy, and under load: `python perf/serving.py [--requests 10000] [--at-a-time 200]`.

1. One request at a time, in turns through a plain httpx proxy and through `selectllm serve` with a TF-IDF router, both
   in front of the same made-up endpoint: p50 and p99 of each, their ratio, and that of the processor time they took.
2. Many at a time, of which the endpoint breaks 1 %: how many were lost, or answered twice, or with another's answer.
   A tenth as many go through the plain proxy, whose pool of httpx takes most of its time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
POOL = ("gemma3-270m", "qwen2.5-coder-0.5b-it", "qwen2.5-coder-1.5b-it", "smollm2-135m-it")
FAULTS = ("reset", "500", "cut")
ROUNDS, EACH = 10, 50  # of requests one at a time, through each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--at-a-time", type=int, default=200)
    parser.add_argument("--router", default="ridge:tfidf")
    parser.add_argument("--be", choices=["endpoint", "proxy"], help=argparse.SUPPRESS)
    parser.add_argument("--upstream", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        be(options.be, options.upstream)
    else:
        asyncio.run(measure(options))


async def measure(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoint, _ = started(stack, [sys.executable, __file__, "--be", "endpoint"])
        proxy, of_proxy = started(stack, [sys.executable, __file__, "--be", "proxy", "--upstream", endpoint])
        write_settings(folder, endpoint, options.router)
        command = [sys.executable, "-c", "import sys; from selectllm_tui.cli import main; sys.exit(main())", "serve"]
        command += ["--setup", "setup.toml", "--port", "0", "--cache", str(ROOT / "cache"), "--concurrency", "1000"]
        served, of_served = started(stack, command, cwd=folder)
        print(f"one at a time, {ROUNDS * EACH:,} requests each, router {options.router}")
        await one_at_a_time(endpoint, proxy, served)  # warms up
        before = [processor_time(pid) for pid in (of_proxy, of_served)]
        tell(await one_at_a_time(endpoint, proxy, served, ROUNDS))
        spent = [processor_time(pid) - was for pid, was in zip((of_proxy, of_served), before, strict=True)]
        print(f"  selectllm serve / proxy: processor time {spent[1] / spent[0]:.2f}", flush=True)
        await at_once("proxy", proxy, max(options.requests // 10, 2 * options.at_a_time), options.at_a_time)
        await at_once("selectllm serve", served, options.requests, options.at_a_time)


async def one_at_a_time(endpoint: str, proxy: str, served: str, rounds: int = 1) -> dict[str, list[float]]:
    """The seconds of each request, in turns through each."""
    seconds: dict[str, list[float]] = {"direct": [], "proxy": [], "selectllm serve": []}
    async with httpx.AsyncClient(timeout=600) as client:
        for number in range(rounds):
            for (name, taken), url in zip(seconds.items(), (endpoint, proxy, served), strict=True):
                for each in range(EACH):
                    start = time.perf_counter()
                    reply = await client.post(f"{url}/v1/chat/completions", json=asking(f"one {number}-{each}"))
                    taken.append(time.perf_counter() - start)
                    assert reply.status_code == 200, (name, reply.text)
    return seconds


def tell(seconds: dict[str, list[float]]) -> None:
    quantiles = {}
    for name, taken in seconds.items():
        cuts = statistics.quantiles(taken, n=100)
        quantiles[name] = cuts[49], cuts[98]
        print(f"  {name:16} p50 {1000 * cuts[49]:6.2f} ms   p99 {1000 * cuts[98]:6.2f} ms")
    (p50, p99), (q50, q99), (d50, _) = (quantiles[name] for name in ("selectllm serve", "proxy", "direct"))
    print(f"  selectllm serve / proxy: p50 {p50 / q50:.2f}, p99 {p99 / q99:.2f}")
    print(f"  the same beyond what the endpoint takes: p50 {(p50 - d50) / (q50 - d50):.2f}", flush=True)


async def at_once(name: str, url: str, requests: int, at_a_time: int) -> None:
    found, answers, seconds = Counter[str](), Counter[str](), list[float]()
    left, start = iter(range(requests)), time.perf_counter()

    async def client() -> None:
        """One of those that ask at the same time, over a connection of its own."""
        async with httpx.AsyncClient(timeout=600, verify=False) as http:  # noqa: S501 - over http
            for number in left:
                question, asked = f"{name} {number}", time.perf_counter()
                try:
                    reply = await http.post(f"{url}/v1/chat/completions", json=asking(question, faulty=True))
                    reply.raise_for_status()
                    said = reply.json()["choices"][0]["message"]["content"]
                except (httpx.HTTPError, ValueError) as error:
                    found[f"lost: {str(error)[:40] or type(error).__name__}"] += 1
                    continue
                seconds.append(time.perf_counter() - asked)
                answers[said] += 1
                found["answered" if said == answer_to(question) else "answered with another's"] += 1
                found["by another LLM than routed to"] += "x-selectllm-fallback" in reply.headers
                if len(seconds) % 1000 == 0:
                    print(f"  {len(seconds):,} after {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)

    await asyncio.gather(*(client() for _ in range(at_a_time)))
    rate = requests / (time.perf_counter() - start)
    twice = sum(count - 1 for count in answers.values())
    told = ", ".join(f"{what} {count:,}" for what, count in sorted(found.items()) if count)
    cuts = statistics.quantiles(seconds, n=100)
    print(f"{name}: {requests:,} requests, {at_a_time} at a time, 1 % faults, {rate:.0f}/s")
    print(f"  p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms")
    print(f"  {told}; answered twice {twice}", flush=True)


def asking(question: str, *, faulty: bool = False) -> dict[str, object]:
    text = f"How many apples are 17 + 25? ({question})"
    return {"model": "selectllm", "messages": [{"role": "user", "content": text}], "faulty": faulty}


def answer_to(question: str) -> str:
    return f"The answer to ({question}) is 42."


def write_settings(folder: Path, endpoint: str, router: str) -> None:
    lines = [f'[llms."{name}"]\nendpoint = "{endpoint}/v1"\n' for name in POOL]
    (folder / "selectllm.toml").write_text("\n".join(lines))
    pool = ", ".join(f'"{name}"' for name in POOL)
    setup = f'benchmark = "reasoning"\nkind = "letter+number+word"\npool = [{pool}]\nrouter = "{router}"\n'
    (folder / "setup.toml").write_text(f'{setup}policy = "argmax"\n')


def processor_time(pid: int) -> float:
    """The seconds of processors that a process has taken, on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(stack: contextlib.ExitStack, command: list[str], **how: object) -> tuple[str, int]:
    """Where a process of its own answers, and its number."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **how)  # type: ignore[call-overload]
    stack.callback(process.wait)
    stack.callback(process.terminate)
    for line in process.stderr:
        if found := re.search(r"on (http://[^/\s]+)", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()  # faults leave tracebacks there
            return found[1], process.pid
    raise SystemExit(f"{command} did not start")


# What the processes are


def be(what: str, upstream: str) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Route

    from selectllm_engine.serving.server import listen, serve

    page = Route(
        "/v1/chat/completions", endpoint_page() if what == "endpoint" else proxy_page(upstream), methods=["POST"]
    )
    place = listen("127.0.0.1", 0)
    serve(
        Starlette(routes=[page]),
        place,
        lambda: print(f"{what} on http://127.0.0.1:{place.getsockname()[1]}", file=sys.stderr, flush=True),
    )


def endpoint_page():
    from starlette.responses import Response

    asked = 0

    async def page(request):
        nonlocal asked
        fields = await request.json()
        fault = None
        if fields["faulty"]:
            asked += 1
            fault = FAULTS[asked // 100 % len(FAULTS)] if asked % 100 == 0 else None
        question = re.search(r"\((.*)\)", fields["messages"][-1]["content"])[1]
        choice = {"index": 0, "message": {"role": "assistant", "content": answer_to(question)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20}
        body = json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
        if fault == "reset":
            raise RuntimeError("fault")
        if fault == "cut":
            body = body[:50]
        return Response(body, 500 if fault == "500" else 200, media_type="application/json")

    return page


def proxy_page(upstream: str):
    """The least that a proxy does."""
    from starlette.responses import Response

    client = httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=None, max_keepalive_connections=200))

    async def page(request):
        body = await request.body()
        reply = await client.post(f"{upstream}/v1/chat/completions", content=body)
        return Response(reply.content, reply.status_code, media_type="application/json")

    return page


if __name__ == "__main__":
    main()

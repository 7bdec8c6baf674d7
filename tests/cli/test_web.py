"""The explorer in a browser: for this machine alone, and for no other page in it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from selectllm_engine.errors import MissingExtraError, SelectLLMError, UsageError
from selectllm_tui.cli.tui import tui
from selectllm_tui.cli.web import serve_explorer
from tui.explorers import write_routed_run

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(MissingExtraError) as missing:
        serve_explorer(None, None, None, fresh=False, port=8000)
    assert missing.value.remedy == "pip install 'selectllm[web]'"


def test_fresh_and_resume_are_opposites() -> None:
    with pytest.raises(UsageError, match="opposites"):
        tui(resume=True, fresh=True)


def test_a_port_that_is_taken_is_said() -> None:
    pytest.importorskip("textual_serve")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SelectLLMError, match=f"port {port} can't be had"):
            serve_explorer(None, None, None, fresh=False, port=port)


async def test_a_page_shows_the_explorer_takes_keys_and_no_other_page_gets_in(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve")
    import aiohttp

    write_routed_run(tmp_path / "cache")
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "selectllm_tui",
        "tui",
        "--web",
        "--port",
        str(port),
        "--fresh",
        "--cache",
        "cache",
    ]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    server = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    here = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client:
            page = await answered(client, here, server)
            assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
            for path, headers in (
                ("/", {"Host": "example.org"}),
                ("/", {"Origin": "http://example.org"}),
                ("/ws", {"Origin": "http://example.org"}),
                ("/ws", {}),
            ):
                async with client.get(f"{here}{path}", headers=headers) as refused:
                    assert refused.status == 403, (path, headers)
            async with client.ws_connect(f"{here}/ws?width=120&height=36", headers={"Origin": here}) as socket_:
                await seen(socket_, b"argmax")
                await socket_.send_json(["stdin", "?"])
                await seen(socket_, b"Help")
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGINT)
        await asyncio.wait_for(server.wait(), PATIENCE)
    assert server.returncode == 0


async def answered(client: Any, url: str, server: asyncio.subprocess.Process) -> Any:
    """The page, once the server answers."""
    import aiohttp

    while True:
        try:
            async with client.get(url) as response:
                assert response.status == 200
                return response
        except aiohttp.ClientConnectionError:
            assert server.returncode is None
            await asyncio.sleep(0.1)


async def seen(socket_: Any, words: bytes) -> None:
    """Waits until the terminal of the page is sent some words."""
    import aiohttp

    got = b""
    while words not in got:
        message = await socket_.receive()
        assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}
        got += message.data if isinstance(message.data, bytes) else message.data.encode()

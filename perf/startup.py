"""How long commands take to start, against a bare two-command Typer program, as a ratio measured in one run.

    .venv/bin/python perf/startup.py [RUNS]

Runs alternate, so that a busy machine slows all of them; the medians are compared. `selectllm --help` must take less
than twice the bare program; `selectllm evaluate` includes loading and evaluating the recorded run.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer

app = typer.Typer()


@app.command()
def one(number: int = 1) -> None:
    '''One.'''


@app.command()
def two(name: str = "two") -> None:
    '''Two.'''


app()
"""
MAIN = "import sys; from selectllm_tui.cli import main; sys.exit(main())"


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bare.py"
        program.write_text(BARE)
        commands = {
            "bare Typer program --help": [sys.executable, str(program), "--help"],
            "selectllm --help": [sys.executable, "-c", MAIN, "--help"],
            "selectllm evaluate --help": [sys.executable, "-c", MAIN, "evaluate", "--help"],
            "selectllm evaluate": [sys.executable, "-c", MAIN, "evaluate", "--benchmark", "reasoning"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(runs + 1):
            for name, command in commands.items():
                taken = seconds(command)
                if run:  # the first one fills the disk cache
                    times[name].append(taken)
    bare = statistics.median(times["bare Typer program --help"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<26} {1000 * median:6.0f} ms   {median / bare:5.2f} × bare")


if __name__ == "__main__":
    main()

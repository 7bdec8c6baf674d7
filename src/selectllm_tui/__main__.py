"""`python -m selectllm_tui`: the command, where its script is not on the path."""

from __future__ import annotations

import sys

from selectllm_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# What only a GPU can show, in about seven minutes, most of them loading: bash perf/gpu.sh [OUT]
# Throughput of the worker beside bare vLLM, seconds an epoch of fine-tuning beside a plain loop and the time of the
# whole command, and seconds for one prompt alone. Weights are made up; nothing is downloaded. $PYTHON runs it, GPU 0.
set -uo pipefail
out=${1:-$(mktemp -d)}
mkdir -p "$out"
python=${PYTHON:-python3}
here=$(dirname "${BASH_SOURCE[0]}")
shapes=$(mktemp -d)
export VLLM_LOGGING_LEVEL=ERROR PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
selectllm=(-c "import sys; from selectllm_tui.cli import main; sys.exit(main())")

stage() { # NAME SECONDS COMMAND…
    printf '\n=== %s (after %d s)\n' "$1" "$SECONDS"
    timeout "$2" "${@:3}" >"$out/$1.txt" 2>"$out/$1.log"
    printf 'exit code %d\n' $?
    tail -n 25 "$out/$1.txt"
    grep -iE "error|out of memory" "$out/$1.log" | tail -n 3
    tail -n 3 "$out/$1.log"
}

nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free --format=csv,noheader
stage shapes 60 "$python" "$here/shapes.py" "$shapes" mistral-7b gemma-7b roberta-base
stage throughput 270 "$python" "$here/throughput.py" "$shapes/mistral-7b" --dummy --bare-only --questions 400 --rounds 3
stage finetuning 70 "$python" "$here/finetuning.py" "$shapes/roberta-base"
cp -r "$here/../cache" "$shapes/cache"
profiled="import cProfile; from selectllm_tui.cli import main; cProfile.run('main()', '$shapes/profile')"
stage train 60 "$python" -c "$profiled" \
    train --benchmark reasoning --router mlc:roberta-base --encoder "roberta-base=$shapes/roberta-base" \
    --cache "$shapes/cache"
stage profile 20 "$python" -c "import pstats; pstats.Stats('$shapes/profile').sort_stats('cumulative').print_stats(60)"
stage mistral-7b 150 "$python" "${selectllm[@]}" \
    measure --dummy --gpu 0 --llm "mistral-7b=$shapes/mistral-7b"
stage gemma-7b 150 "$python" "${selectllm[@]}" measure --dummy --gpu 0 --llm "gemma-7b=$shapes/gemma-7b"
rm -rf "$shapes"
printf '\n=== done (after %d s)\n' "$SECONDS"

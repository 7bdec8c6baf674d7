"""Generation: a plan of missing samples, one worker process per LLM, an engine in it, the cache behind it.

sources    benchmarks to sample on, from where they come and from the cache
plan       which samples of which LLM on which benchmark are missing
needs      what a plan needs of this machine, and what of that is missing
scheduler  starts worker processes, hands GPUs out, passes their events on
worker     the process of one LLM: locks, engine, cache
runner     the loop that keeps an engine full and flushes what it finishes
keeping    rows on their way to the cache, written in time
latency    times single prompts and fits seconds to tokens
weights    where an LLM's weights are, and what identifies them
engine     what an engine has to do; one module per engine beside it
tokenizers, hardware    what those that run weights here share
"""

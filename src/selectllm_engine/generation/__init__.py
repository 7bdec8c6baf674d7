"""Generation: a plan of missing samples, one worker process per LLM, an engine in it, the store behind it.

In: benchmarks, LLMs and what is stored already. Out: parts of generations, and how long a prompt takes alone.
Read `plan` first. Its modules are imported by name, so that a worker loads no more than it needs:

sources    benchmarks to sample on, from where they come and from the cache
llm_names  which LLMs a person means
plan       which samples of which LLM on which benchmark are missing
dollars    what a plan costs at most, at the LLMs' prices
needs      what a plan needs of this machine, and what of that is missing
scheduler  starts worker processes, hands GPUs out, passes their events on
worker     the process of one LLM: locks, engine, cache
runner     the loop that keeps an engine full and flushes what it finishes
confidence how sure an LLM was of its answer, by its tokens
keeper     rows on their way to the cache, written in time
dummy      times an architecture without weights
latency    times single prompts and fits seconds to tokens
prompts    a question and an LLM's style as the text it gets
weights    where an LLM's weights are, and what identifies them
engine     what an engine has to do; one module per engine beside it
endpoint, openai_protocol    a server's LLM: the conversation with it; what is sent, and how replies are read
tokenizers, hardware    what those that run weights here share
"""

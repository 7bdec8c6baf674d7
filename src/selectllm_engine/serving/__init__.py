"""Serving: a setup as a server that speaks OpenAI's protocol, in front of the pool's own endpoints.

In: a setup, its run, and where the LLMs are. Out: answers over HTTP, metrics, and a log that `import served` reads.
Read `desk` first, which answers one request: whom the setup wants asked (`decision`), whose reply is passed on, or,
where several answer (`voter`), whose text is returned (`ballot`). The others are what it needs: `chat` what requests
and replies are, `asker` and `upstream` one LLM at its endpoint, `journal` and `metrics` what is kept of a request.
`application` is the HTTP around it, `server` the process; `gateway` gives a setup to LiteLLM's proxy instead. Its
modules are imported by name: most need the extra `serve`.
"""

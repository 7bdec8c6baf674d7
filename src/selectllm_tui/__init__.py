"""The terminal faces of selectllm: the commands (`cli`) and the explorer (`app`)."""

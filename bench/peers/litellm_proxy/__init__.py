"""LiteLLM's proxy in front of the OpenAI-compatible videos wire: it passes on creates and reads and stores no file."""

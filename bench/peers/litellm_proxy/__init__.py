"""LiteLLM's proxy in front of the OpenAI-compatible videos wire: for create and status calls; it stores no file."""

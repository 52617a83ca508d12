"""OpenAI's dialect: the paths below `/openai/v1`, for software that speaks OpenAI's API."""

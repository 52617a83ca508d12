"""Tests of OpenAI's dialect."""

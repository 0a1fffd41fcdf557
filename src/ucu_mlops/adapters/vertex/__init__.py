"""Pipelines on Vertex AI: kedro-vertexai extended, and its compiled file executed here."""

"""Train, release, watch and retrain the models that help content moderators."""

__version__ = "0.1.0"

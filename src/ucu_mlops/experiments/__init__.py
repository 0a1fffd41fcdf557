"""Experiments on live traffic: who gets which version, and what can be said about them by now."""

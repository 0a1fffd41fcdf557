"""Drawn pictures with machine-readable codes, and a simulated platform's uploads of them."""

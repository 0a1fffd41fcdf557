"""What moderators see and what their answers mean: queue, counted verdicts, hold-out."""

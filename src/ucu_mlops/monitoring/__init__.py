"""What was usual, how far a day lies from it, and what to do about that."""

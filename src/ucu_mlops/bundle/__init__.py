"""What leaves training and is all that scoring and serving need: read, check, write, predict."""

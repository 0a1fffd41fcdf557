"""What is true of any model: metrics, intervals, drift measures, stable hashes."""

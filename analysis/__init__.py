"""What the characterized numbers mean: statistics, macro and network. Starts no simulator."""

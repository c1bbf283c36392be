"""The agent's decisions. No await, clock, random, logger or I/O: `now` is always an argument."""

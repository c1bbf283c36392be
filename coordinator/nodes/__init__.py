"""Who reports, who is silent, who joins."""

"""The engine: claim due subjects, compute what Unkey should hold, make it so, record it."""

"""The only place where shell words are written; each parser stands beside its builder."""

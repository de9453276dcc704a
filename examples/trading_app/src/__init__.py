"""AutoGrowth Trading System: orders in PostgreSQL, quotes in Redis."""

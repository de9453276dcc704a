"""One verb a module; each reads like the runbook."""

"""AutoGrowth Ops deploys and operates a Docker Compose application on a team's own servers over SSH."""

__version__ = "0.1.0"

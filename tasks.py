"""Entry point of `inv`: hands the project's folder to the tasks."""

from pathlib import Path

from autogrowth_ops.tasks import collection

ns = collection(Path(__file__).parent)

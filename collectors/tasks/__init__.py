"""Tasks: what can be trained, on what, and with which architecture.

Importing this is cheap: torch, transformers and datasets are imported when a task is loaded.
"""

from __future__ import annotations

from collectors.tasks.listing import listing
from collectors.tasks.load import load_task
from collectors.tasks.task import Task, descriptors

__all__ = ["Task", "descriptors", "listing", "load_task"]

"""Thin Invoke tasks: parse, call an operation, print."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from invoke import Collection

GROUPS = {
    "": ("releasing", "watching", "working", "preparing"),
    "dev": ("development",),
    "hosts": ("hosts",),
    "lock": ("lock",),
    "sandbox": ("sandbox",),
}


def collection(root: Path) -> Collection:
    """Every task; `root` is the project's folder, with env/ and templates/."""
    top = Collection()
    top.configure({"autogrowth": {"root": str(root)}})
    for group, modules in GROUPS.items():
        target = Collection(group) if group else top
        for module in modules:
            for one in import_module(f"{__name__}.{module}").TASKS:
                target.add_task(one)
        if group:
            top.add_collection(target)
    return top

"""A small Hub on 127.0.0.1, for tests and for trying the whole flow without an account.

It speaks the part of the Hub's HTTP interface that ``huggingface_hub`` and ``datasets`` use for repositories, commits,
LFS uploads, tags, branches, pull requests and downloads. Everything lives in memory. The clients talking to it are the
real ones, unmodified; only the server is ours.
"""

from .faults import Fault
from .server import LoopbackHub
from .storage import User

__all__ = ["Fault", "LoopbackHub", "User"]

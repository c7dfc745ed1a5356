"""Which process of a distributed run this is, from the variables torchrun and `accelerate launch` set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Rank:
    rank: int = 0
    local_rank: int = 0
    world_size: int = 1
    local_world_size: int = 1
    node: int = 0

    @property
    def alone(self) -> bool:
        return self.world_size == 1

    @property
    def reads_node(self) -> bool:
        """Whether this process reads what belongs to the node as a whole: exactly one a node does."""
        return self.local_rank == 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def current_rank(environ: Mapping[str, str]) -> Rank:
    """A single process, unless the environment says otherwise. Malformed values count as unset."""

    def number(name: str, default: int) -> int:
        value = environ.get(name, "")
        return int(value) if value.isdigit() else default

    world = number("WORLD_SIZE", 1)
    if world <= 1:
        return Rank()
    rank = number("RANK", 0)
    local_world = max(1, number("LOCAL_WORLD_SIZE", world))
    node = number("GROUP_RANK", rank // local_world)
    return Rank(rank, number("LOCAL_RANK", rank % local_world), world, local_world, node)

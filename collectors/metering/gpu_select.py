"""Which cards belong to this process: the framework's indices mapped to NVML handles by UUID.

CUDA_VISIBLE_DEVICES (CUDA programming guide, environment variables): a list of indices, `GPU-` UUID prefixes or `MIG-`
UUIDs, read up to the first entry that is not valid. Indices count in CUDA's order, which is the bus order that NVML
uses only with CUDA_DEVICE_ORDER=PCI_BUS_ID or with cards of one model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Card:
    """One physical card. `mig` describes the slice when only a slice of it is ours; energy exists for whole cards."""

    handle: Any
    uuid: str
    name: str
    mig: dict[str, Any] | None = None
    order_uncertain: bool = False


def all_cards(nvml: Any) -> list[Card]:
    """Every card of the machine in bus order."""
    handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    return [Card(h, _text(nvml.nvmlDeviceGetUUID(h)), _text(nvml.nvmlDeviceGetName(h))) for h in handles]


def visible_cards(nvml: Any, environ: Mapping[str, str], cuda_uuids: Sequence[str] | None = None) -> list[Card]:
    """The cards CUDA would show this process, in its order.

    Args:
        nvml: the pynvml module, initialised.
        environ: for CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER.
        cuda_uuids: UUIDs as an initialised framework reports them: then nothing has to be inferred.
    """
    cards = all_cards(nvml)
    if cuda_uuids:
        seen = [card for uuid in cuda_uuids if (card := _by_uuid(nvml, cards, uuid))]
        if len(seen) == len(cuda_uuids):  # a MIG slice may show a UUID that names no card: then the variable decides
            return seen
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    mixed = len({card.name for card in cards}) > 1 and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
    if mixed:
        cards = [Card(c.handle, c.uuid, c.name, order_uncertain=True) for c in cards]
    if wanted is None:
        return cards
    chosen: list[Card] = []
    for token in (t.strip() for t in wanted.split(",")):
        card = _by_index(cards, token) if token.isdigit() else _by_uuid(nvml, cards, token)
        if card is None:  # CUDA stops at the first entry it cannot resolve
            break
        chosen.append(card)
    return chosen


def pick(cards: list[Card], devices: Any, local_rank: int, alone: bool) -> list[Card]:
    """The cards to meter out of the visible ones.

    Args:
        cards: from `visible_cards`.
        devices: `auto` (a rank of several takes its own card, a single process all visible ones), or a list of visible
            indices, UUIDs or torch devices.
        local_rank, alone: from `ranks.current_rank`.

    Raises:
        UsageError: a card was named that is not visible, or a device that is no NVIDIA card.
    """
    if isinstance(devices, str) and devices == "auto":
        if alone or len(cards) <= 1:
            return _whole_once(cards)
        return [cards[local_rank]] if local_rank < len(cards) else []
    asked = devices if isinstance(devices, (list, tuple)) else [devices]
    return _whole_once([_named(cards, device) for device in asked])


def _whole_once(cards: list[Card]) -> list[Card]:
    """Two slices of one card share its counter."""
    return list({card.uuid: card for card in cards}.values())


def _named(cards: list[Card], device: Any) -> Card:
    from ecotaskset.errors import UsageError

    if isinstance(device, str):
        found = next((c for c in cards if device and c.uuid.startswith(device)), None)
    elif getattr(device, "type", "cuda") != "cuda":  # torch.device("cpu") has no index either
        found = None
    else:
        index = getattr(device, "index", device)  # a torch.device, or a number
        index = 0 if index is None or callable(index) else int(index)
        found = cards[index] if 0 <= index < len(cards) else None
    if found is None:
        raise UsageError(
            f"no visible GPU '{device}'", hint=f"{len(cards)} visible here; see CUDA_VISIBLE_DEVICES and `--doctor`"
        )
    return found


def _by_index(cards: list[Card], token: str) -> Card | None:
    return cards[int(token)] if int(token) < len(cards) else None


def _by_uuid(nvml: Any, cards: list[Card], token: str) -> Card | None:
    if token.startswith("MIG-"):
        return _mig_card(nvml, cards, token)
    if token in ("", "GPU-"):  # every card begins like that; an empty variable means none
        return None
    prefix = token if token.startswith("GPU-") else f"GPU-{token}"
    matches = [card for card in cards if card.uuid.startswith(prefix)]
    return matches[0] if len(matches) == 1 else None


def _mig_card(nvml: Any, cards: list[Card], uuid: str) -> Card | None:
    try:
        slice_handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        parent = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(slice_handle)
        parent_uuid = _text(nvml.nvmlDeviceGetUUID(parent))
    except nvml.NVMLError:
        return None
    card = next((c for c in cards if c.uuid == parent_uuid), None)
    if card is None:
        return None
    return Card(
        card.handle, card.uuid, card.name, mig={"mig_uuid": uuid, "slice_share": _slice_share(nvml, slice_handle)}
    )


def _slice_share(nvml: Any, slice_handle: Any) -> float | None:
    """Compute slices of seven: an estimate of the share, never applied to the energy."""
    try:
        return round(nvml.nvmlDeviceGetAttributes(slice_handle).gpuInstanceSliceCount / 7, 4)
    except (nvml.NVMLError, AttributeError):
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value

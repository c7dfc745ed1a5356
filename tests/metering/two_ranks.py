"""What each of two ranks runs under `accelerate launch`: the same window, metered by rank and, once, for the node."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from collectors.metering import EnergyMeter, aggregate
from collectors.metering.process_tree import ProcessTree


def main() -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    a = torch.randn(400, 400)
    meter = EnergyMeter()
    accelerator.wait_for_everyone()
    node = ProcessTree(root=os.getppid()) if accelerator.is_main_process else None
    begin_s = node.cpu_seconds() if node else 0.0
    with meter, meter.window("training"):
        for _ in range(400 + 200 * accelerator.process_index):
            a = torch.tanh(a @ a)
        accelerator.wait_for_everyone()
    node_s = node.cpu_seconds() - begin_s if node else None
    report = meter.report()
    everyone = gather_object([replace(report)])
    if accelerator.is_main_process:
        whole = aggregate(everyone)
        result = {
            "ranks": [r.to_dict() for r in everyone],
            "whole": whole.to_dict(),
            "node_cpu_s": node_s,
        }
        Path(sys.argv[1]).write_text(json.dumps(result))
    accelerator.end_training()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()

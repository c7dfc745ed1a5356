"""Wider for shorter: recommenders of twice to four times the width in few epochs, on every task, three seeds each.

    green-collect --campaign wider --jobs 2

A wider network needs fewer epochs, and the wider it is the more bfloat16 saves. `scouts` showed it on four tasks: three
times the width for four epochs beats the leaders of data 2.5, which train for ten, at a fifth less energy.
"""

from collectors.campaigns.fronts import ALL_HISTORIES

SEEDS = [0, 1, 2]
WIDER = [
    (32, 0.010, 4, 4.0, "bf16"), (32, 0.010, 6, 2.0, "bf16"), (32, 0.015, 4, 3.0, "bf16"), (64, 0.020, 6, 2.0, "bf16"),
    (64, 0.020, 4, 3.0, "bf16"), (32, 0.020, 4, 2.0, "bf16"), (32, 0.020, 4, 2.0, "fp32"), (32, 0.015, 3, 3.0, "bf16"),
    (64, 0.020, 4, 2.0, "bf16"), (16, 0.015, 3, 1.0, "fp32"),
]  # fmt: skip
"""Batch size, learning rate, epochs, width, precision."""


def recommender(
    dataset: str, batch_size: int, learning_rate: float, epochs: int, model: str = "gru4rec", **knobs: object
) -> dict:
    """A recipe under a one-cycle schedule."""
    return {
        "domain": "recsys",
        "dataset": dataset,
        "model": model,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "knobs": {"schedule": "one_cycle", **knobs},
    }


DESIGN = {
    "name": "wider",
    "description": "wide recommenders in few epochs and in bfloat16, on every task, with three seeds",
    "shuffle": True,
    "seeds": SEEDS,
    "designs": [
        {
            "list": [
                recommender(name, *shape, width=width, precision=precision)
                for name in ALL_HISTORIES
                for *shape, width, precision in WIDER
            ]
        }
    ],
}

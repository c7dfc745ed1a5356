"""What a training costs before anything is learned: arithmetic, weight updates, steps, examples, start-up.

Small models do not cost what their FLOPs say: reading examples, launching layers and updating weights dominate. So the
cost is a sum of such terms, each with a positive price, in units of one floating-point operation. The prices start at
round figures for a processor and are fitted to the runs of a domain; learning then corrects what is left.
"""

from __future__ import annotations

import numpy as np

from green_predictor.rows import Rows

TERMS = ("operation", "operation of validation", "weight update", "layer step", "example", "epoch", "run", "item score",
         "far item score")  # fmt: skip
PRICES = (1.0, 1.0, 20.0, 1e6, 2e5, 1e7, 1e8, 100.0, 50.0)
"""Price of one forward operation (a backward pass is two more), of one in validation, of updating one weight once, of
launching one layer once, of preparing one example, of starting an epoch and a run, of scoring one item at one place of
a sequence (to use a recommender is to score all items once, to train it is to score them at every place that is
filled), and how much more a score costs where those of a batch do not fit into the processor's cache."""

CACHE_BYTES = 32e6
"""Typical last-level cache that two cores may use; of a batch's scores, what is beyond it comes from memory."""

LAYER_STEP = TERMS.index("layer step")
"""Column of `quantities`."""

TRUST = 0.0002
"""How strongly prices are held at `PRICES`, as a share of the weight of all runs."""

_LAYERS = ("n_conv_layers", "n_linear_layers", "n_attention_layers", "n_embedding_layers", "n_norm_layers",
           "n_recurrent_layers")  # fmt: skip


def quantities(rows: Rows) -> np.ndarray:
    """How much of each term a row has used after its `epoch` epochs, (n, 9); 0 where a column is unknown."""
    n = rows.numbers
    validation = np.nan_to_num(n["n_validation"], nan=0.0)
    learned = np.nan_to_num(3 * n["n_train"] * n["flops_per_sample"], nan=0.0)
    validated = np.nan_to_num(validation * n["flops_per_sample"], nan=0.0)
    examples = np.nan_to_num(n["n_train"], nan=0.0) + validation
    weights = np.nan_to_num(n["n_trainable_parameters"], nan=0.0)
    layers = 1 + sum(np.nan_to_num(n[name], nan=0.0) for name in _LAYERS)
    with np.errstate(divide="ignore", invalid="ignore"):  # of somebody's interactions the mean length may be unsaid
        lengths = np.where(np.isnan(n["mean_length"]), n["n_interactions"] / n["n_users"], n["mean_length"])
    places = filled(n["sequence_length"], lengths)
    scores = np.nan_to_num(n["n_train"] * places * n["n_items"], nan=0.0)
    a_batch = 4 * np.nan_to_num(places * n["n_items"], nan=0.0)[rows.setting] * rows.batch_size
    far = np.maximum(0.0, 1 - CACHE_BYTES / np.maximum(a_batch, 1.0))
    epoch = rows.epoch.astype(np.float64)
    steps = epoch * np.nan_to_num(n["n_train"], nan=0.0)[rows.setting] / np.maximum(rows.batch_size, 1)
    of_setting = (learned, validated, examples, scores)
    learned, validated, examples, scores = (epoch * amount[rows.setting] for amount in of_setting)
    return np.column_stack([
        learned, validated, steps * weights[rows.setting], steps * layers[rows.setting], examples, epoch,
        np.ones(len(epoch)), scores, scores * far,
    ])  # fmt: skip


def filled(sequence_length: np.ndarray, mean_length: np.ndarray) -> np.ndarray:
    """How many places of a sequence are typically filled, (m,), where lengths before the cut are distributed
    exponentially; all of them where nobody says how long sequences are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = mean_length / sequence_length
        return sequence_length * np.where(share > 0, share * -np.expm1(-1 / share), 1.0)


def log_cost(rows: Rows, prices: tuple[float, ...]) -> np.ndarray:
    """Logarithm of the expected cost up to a factor, (n,)."""
    return np.log(quantities(rows) @ np.asarray(prices))


def fit_prices(rows: Rows, log_energy: np.ndarray, weight: np.ndarray) -> tuple[float, ...]:
    """Prices under which the costs are as near to proportional to the energies as can be (least squares of logs)."""
    from scipy.optimize import minimize

    used, start = quantities(rows), np.log(PRICES)
    scale = float(weight @ (log_energy - np.log(used @ np.exp(start))) / weight.sum())
    trust = TRUST * weight.sum()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logs, shift = parameters[:-1], parameters[-1]
        parts = used * np.exp(logs)
        total = parts.sum(1)
        left = np.log(total) + shift - log_energy
        moved = logs - start
        slope = np.append((weight * left / total) @ parts + trust * moved, weight @ left)
        return 0.5 * float(weight @ left**2 + trust * moved @ moved), slope

    best = minimize(loss, np.append(start, scale), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return tuple(float(v) for v in np.exp(np.clip(best.x[:-1], -30, 60)))

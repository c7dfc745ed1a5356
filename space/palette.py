"""Colours by meaning, not by taste: the set of Okabe and Ito, told apart by all kinds of colour vision.

Shape says the same as colour everywhere (filled: it ran; hollow: it is predicted), so that colour is never needed.
Figures name CSS variables; the browser puts in the values of the light or the dark theme.
"""

from __future__ import annotations

INK = "var(--green-ink)"
SOFT = "var(--green-soft)"
LINE = "var(--green-line)"
PAPER = "var(--green-paper)"
RUN = "var(--green-run)"
RUN_MODELLED = "var(--green-run-modelled)"
PREDICTED = "var(--green-predicted)"
CHOSEN = "var(--green-chosen)"
PREDICTED_SOFT = "var(--green-predicted-soft)"
OTHER = "var(--green-other)"
CLOUD = "var(--green-cloud)"
PHASE_COLOURS = {
    "data": "#56B4E9",
    "model": "#CC79A7",
    "training": "#009E73",
    "system": "#E69F00",
    "evaluation": "#0072B2",
}

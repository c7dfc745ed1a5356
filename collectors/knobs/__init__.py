"""What each knob does to a training, one file a phase.

Order in which knobs act (the loop in `collectors.train` calls them in this order):
data (examples are chosen and prepared) → model (layers dropped, adapters put in, weights frozen) →
training (optimizer, schedule, precision) → system (memory layout, compilation) → inference (the trained model is turned
into what would be deployed). A combination that cannot work raises `UsageError` before the first training step.
"""

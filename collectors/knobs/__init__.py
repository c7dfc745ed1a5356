"""What each knob does to a training: a room a phase, a file a technique.

Order in which knobs act, whatever order they are written in; the loop in `collectors.train` calls them so:

1. `refuse`: what this machine cannot do, and what makes no sense together, is refused before anything is loaded.
2. `system`: threads and the GPU's power limit, for the time of the run; both are put back afterwards.
3. `data`: `load_task` (cached_preprocessing, input_size), then data_fraction and data_sampling, or data_selection.
4. `model`: width (in the architecture's configuration) → layer_drop → low_rank_head → lora or freeze_backbone.
5. `training`: gradient_checkpointing; then, with the model laid out, optimizer and schedule.
6. `system`: channels_last → attention; the compiler comes last, after Accelerate has put in the precision.
7. `training`, at the start of each epoch: progressive_freezing, progressive_resizing.
8. `inference`: adapters are merged, then int8_dynamic, onnx_runtime, inference_half or inference_compile.

Steps 4 and 8 are rehearsed on a throw-away model: a knob that does not fit the architecture raises `UsageError` before
the first training step.
"""

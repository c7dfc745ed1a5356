"""From raw data to what a model is given: splits, arrays, tensors, and the numbers that describe the task."""

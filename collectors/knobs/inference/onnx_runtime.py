"""The trained graph in ONNX Runtime (knob onnx_runtime). On the CPU."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from collectors.knobs.blocks import step_by_step
from ecotaskset.errors import UsageError

OPSET = 17


class _Logits(nn.Module):
    """The model with inputs by position and logits as its only output: what a graph can express."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model(**dict(zip(self.names, inputs, strict=True))).logits


def to_onnx_runtime(model: nn.Module, inputs: dict[str, Tensor], name: str) -> Callable[[dict[str, Tensor]], Tensor]:
    """A function from a batch to logits that runs in ONNX Runtime; number and length of examples may change.

    Args:
        model: in evaluation mode, on the CPU.
        inputs: an example batch without labels.
        name: the architecture, for messages.

    Raises:
        UsageError: the model has an operation that ONNX or its runtime lacks.
    """
    import onnxruntime

    step_by_step(model)  # ONNX has no fused encoder
    graph = export(model, inputs, name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented, RuntimeError) as error:
        raise _refusal(name, error) from error
    used = {entry.name for entry in session.get_inputs()}

    def predict(batch: dict[str, Tensor]) -> Tensor:
        given = {key: value.numpy() for key, value in batch.items() if key in used}
        return torch.from_numpy(session.run(["logits"], given)[0])

    return predict


def export(model: nn.Module, inputs: dict[str, Tensor], name: str) -> bytes:
    """The model as an ONNX graph whose first dimension, and the length of sequences, are free."""
    file = io.BytesIO()
    free = {key: {0: "n"} | ({1: "length"} if value.ndim == 2 else {}) for key, value in inputs.items()}
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing: shapes that it takes for constants are the free ones above
        try:
            torch.onnx.export(
                _Logits(model, list(inputs)).eval(),
                tuple(value.clone() for value in inputs.values()),
                file,
                input_names=list(inputs),
                output_names=["logits"],
                dynamic_axes=free | {"logits": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,  # the newer exporter needs one more package and takes tens of times as long
            )
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise _refusal(name, error) from error
    return file.getvalue()


def _refusal(name: str, error: Exception) -> UsageError:
    reason = str(error).strip().splitlines()[0]
    return UsageError(f"knob 'onnx_runtime=true' does not apply to '{name}': {reason}", hint="leave it out")

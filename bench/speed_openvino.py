"""The rows of diffusers' networks in OpenVINO, on a CPU; see speed_reference.py."""
import openvino
import torch

from speed_common import NotMeasured, prepare_torch
from speed_diffusers import frozen


def prepare(options):
    if options.device != "cpu":
        raise NotMeasured("OpenVINO runs on the CPU only here")
    prepare_torch(options)


def make(row, options):
    network, inputs = frozen(row, options)
    with torch.no_grad():
        model = openvino.convert_model(network, example_input=inputs, input=[tuple(value.shape) for value in inputs])
    del network
    precision = {"fp32": "f32", "bf16": "bf16"}[options.dtype]
    compiled = openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY"})
    used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if used != precision:
        raise NotMeasured(f"OpenVINO computes in {used} on this CPU")
    request = compiled.create_infer_request()
    arrays = [value.numpy() for value in inputs]

    def step():
        request.infer(arrays, share_inputs=True, share_outputs=True)

    return step

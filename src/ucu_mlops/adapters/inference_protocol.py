"""The messages of the Open Inference Protocol over gRPC, made from their description.

Specification: https://github.com/kserve/open-inference-protocol (open_inference_grpc.proto). Fields
that are not heeded (parameters) are left out: protobuf passes over what it does not know. The pool
is one of its own, so that a client's generated messages of the same names may be loaded beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE, SERVICE = "inference", "inference.GRPCInferenceService"
Kind = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "bool": Kind.TYPE_BOOL,
    "int32": Kind.TYPE_INT32,
    "int64": Kind.TYPE_INT64,
    "uint32": Kind.TYPE_UINT32,
    "uint64": Kind.TYPE_UINT64,
    "float": Kind.TYPE_FLOAT,
    "double": Kind.TYPE_DOUBLE,
    "string": Kind.TYPE_STRING,
    "bytes": Kind.TYPE_BYTES,
}
NAMED = ("name:1 string", "version:2 string")
TENSOR = ("name:1 string", "datatype:2 string", "shape:3 repeated int64")
FILLED = (*TENSOR, "contents:5 InferTensorContents")
MESSAGES: Mapping[str, Sequence[str]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("live:1 bool",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("ready:1 bool",),
    "ModelReadyRequest": NAMED,
    "ModelReadyResponse": ("ready:1 bool",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": (*NAMED, "extensions:3 repeated string"),
    "ModelMetadataRequest": NAMED,
    "ModelMetadataResponse": (
        "name:1 string",
        "versions:2 repeated string",
        "platform:3 string",
        "inputs:4 repeated ModelMetadataResponse.TensorMetadata",
        "outputs:5 repeated ModelMetadataResponse.TensorMetadata",
    ),
    "ModelMetadataResponse.TensorMetadata": TENSOR,
    "ModelInferRequest": (
        "model_name:1 string",
        "model_version:2 string",
        "id:3 string",
        "inputs:5 repeated ModelInferRequest.InferInputTensor",
        "outputs:6 repeated ModelInferRequest.InferRequestedOutputTensor",
        "raw_input_contents:7 repeated bytes",
    ),
    "ModelInferRequest.InferInputTensor": FILLED,
    "ModelInferRequest.InferRequestedOutputTensor": ("name:1 string",),
    "ModelInferResponse": (
        "model_name:1 string",
        "model_version:2 string",
        "id:3 string",
        "outputs:5 repeated ModelInferResponse.InferOutputTensor",
        "raw_output_contents:6 repeated bytes",
    ),
    "ModelInferResponse.InferOutputTensor": FILLED,
    "InferTensorContents": (
        "bool_contents:1 repeated bool",
        "int_contents:2 repeated int32",
        "int64_contents:3 repeated int64",
        "uint_contents:4 repeated uint32",
        "uint64_contents:5 repeated uint64",
        "fp32_contents:6 repeated float",
        "fp64_contents:7 repeated double",
        "bytes_contents:8 repeated bytes",
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="open_inference.proto", package=PACKAGE, syntax="proto3"
    )
    made: dict[str, descriptor_pb2.DescriptorProto] = {}
    for full, fields in MESSAGES.items():
        outer, _, name = full.rpartition(".")
        message = made[outer].nested_type.add() if outer else file.message_type.add()
        message.name, made[full] = name, message
        message.field.extend(_field(each) for each in fields)
    return file


def _field(written: str) -> descriptor_pb2.FieldDescriptorProto:
    """Read ``name:number [repeated] type``."""
    named, *kind = written.split()
    name, number = named.split(":")
    label = Kind.LABEL_REPEATED if len(kind) > 1 else Kind.LABEL_OPTIONAL
    field = Kind(name=name, number=int(number), label=label)
    if kind[-1] in SCALARS:
        field.type = SCALARS[kind[-1]]
    else:
        field.type, field.type_name = Kind.TYPE_MESSAGE, f".{PACKAGE}.{kind[-1]}"
    return field


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """Return the class of a message, by its name in the specification."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))

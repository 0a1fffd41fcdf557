"""The fitted model as one ONNX network: clip, scale, encode, trees, calibration, final clip.

Written out by hand, for exactness. The numbers up to the trees are the same float32 operations as in
training. The trees' thresholds are float64 in LightGBM and float32 here, rounded down: a float32
value is at most the one exactly if it is at most the other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import OUTPUT
from ucu_mlops.errors import DataError
from ucu_mlops.scam.calibration import LARGEST, SMALLEST, Calibration
from ucu_mlops.scam.estimator import FittedScam
from ucu_mlops.scam.preprocessing import categories_of, named

ML = "ai.onnx.ml"
# Old enough for the runtimes that warehouses embed, new enough for NaN to pass through Min and Max.
OPSETS = (helper.make_opsetid("", 18), helper.make_opsetid(ML, 3))
IR_VERSION = 9

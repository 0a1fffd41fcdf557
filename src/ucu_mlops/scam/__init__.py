"""What only the scam model knows: estimator, calibration, ONNX export, rule, reasons."""

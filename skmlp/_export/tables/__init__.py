"""A fitted estimator of tables as an ONNX graph: what it reads, its features, its models."""

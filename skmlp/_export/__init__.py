"""A fitted network in other forms: an ONNX graph, scikit-learn's own estimator."""

"""Time and memory beside OpenCV, scikit-image, PyTorch, onnxruntime and ImageMagick: see __main__."""

"""Train a stack on pages with known boxes; needs the extra ``train`` (PyTorch).

Only the command ``waldo train`` imports these modules, and only when it runs.
"""

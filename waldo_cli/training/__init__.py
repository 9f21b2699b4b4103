"""Learning a stack from pages and boxes; needs the extra ``train`` (PyTorch).

Nothing else in the package imports this.
"""

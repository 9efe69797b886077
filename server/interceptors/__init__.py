"""Guards around every call, in the order of chain.py."""

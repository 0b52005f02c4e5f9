"""Sammenhold: holds what is received now side by side with what was typed before."""

import os

# Read when numpy is loaded. Its threads for tables of figures wait by turning over, on cores that others work on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

#!/usr/bin/env python3
"""Writes a float export from a PyTorch model on the command line; the package beside this file does
the work."""
import sys

from octet_export.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m snapioc`: the same as the command `snapioc`."""

import sys

from snapioc.cli import main

if __name__ == "__main__":
    sys.exit(main())

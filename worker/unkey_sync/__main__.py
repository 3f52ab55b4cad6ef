"""`python -m unkey_sync`: the same as the command `unkey-sync`."""

import sys

from unkey_sync.cli import main

if __name__ == "__main__":
    sys.exit(main())

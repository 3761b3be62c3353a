"""`python -m pgdrip` is the same as the console script `pgdrip`."""

from .cli import main

if __name__ == "__main__":
    main()

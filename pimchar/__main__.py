"""``python -m pimchar``, the same as the command ``pimchar``."""

from pimchar.cli import main

if __name__ == "__main__":
    main()

"""Entry point of `python -m getbill`, for systems without the `getbill` script on the path."""

from getbill.process.cli import main

if __name__ == "__main__":
    main()

"""`python -m getbill` is `getbill`, for where the script is not on the path."""

from getbill.process.cli import main

if __name__ == "__main__":
    main()

"""`python -m lake.cli` is `citybrain`."""

from lake.cli import main

main()

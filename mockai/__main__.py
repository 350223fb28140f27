"""`python -m mockai` is `mockai`."""

from mockai.cli import main

main(prog_name="mockai")

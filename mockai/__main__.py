"""`python -m mockai` is `mockai`."""

from mockai.cli import main

if __name__ == "__main__":  # the processes of --workers import this module too
    main(prog_name="mockai")

"""Deliberate faults of the mock, to see that the contracts can fail: `make mutants`."""

"""How answers come about: pure functions from a request and a seed. No clock, no store, no network."""

"""Rules: what a user wants answered, in front of the engine. First match wins."""

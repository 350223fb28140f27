"""How far the mock drifts from recorded exchanges: send them again, and tell each difference."""

"""The verbs of `wfe` that speak to a cluster. `place` says which one is meant, `room` opens it."""

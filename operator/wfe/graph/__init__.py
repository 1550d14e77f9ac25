"""A compiled workflow: a tree of nodes that the engine walks."""

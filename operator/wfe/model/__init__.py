"""Frozen values: what an instance is, what can happen to it, and what there is to do."""

"""Executors: where tasks run. Strangers to each other."""

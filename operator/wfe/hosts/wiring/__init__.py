"""Wiring: the only place that builds objects. A name goes in, something that keeps a port's promise comes out."""

"""Copies of what instances are and what their steps write, for people to search: on their way, and read back.

A copy never holds up a step: what does not fit in memory is read again from its source, and what is on its way when
a process dies is found in the ledger by the next one.
"""

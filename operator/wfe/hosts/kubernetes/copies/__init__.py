"""Copies of what instances are, and of what their steps write, in servers that people ask questions of.

No step waits for a copy, and the operator starts and works without one. What is on its way is in memory alone; what
a process that dies had there is found again by comparing what is in the cluster with what the copy has.
"""

"""Joins the engine and the ports: drives instances, carries out commands. It knows no vendor."""

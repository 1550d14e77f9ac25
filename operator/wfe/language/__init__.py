"""YAML text to definitions, with line and column of every problem."""

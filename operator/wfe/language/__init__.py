"""YAML text to definitions, with line and column of every problem."""

from wfe.language.load import Loaded, LoadedWorkflow, load_text

__all__ = ["Loaded", "LoadedWorkflow", "load_text"]

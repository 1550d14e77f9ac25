"""WFE, a persistent workflow engine: the names in `__all__` are public, everything else may change."""

from typing import TYPE_CHECKING

__all__: list[str] = []

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        # Lazily: reading the package's metadata costs more than importing it, and few ask.
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 (the import is the cost)

            return version("wfe")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

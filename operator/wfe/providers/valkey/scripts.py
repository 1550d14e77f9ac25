"""The Lua scripts of `scripts/`, by name: each changes what it changes as a whole, by the server's clock."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final


def _read() -> Mapping[str, str]:
    texts = {
        one.name.removesuffix(".lua"): one.read_text("utf-8")
        for one in files(__package__).joinpath("scripts").iterdir()
        if one.name.endswith(".lua")
    }
    before = texts.pop("now")
    return {name: before + text for name, text in texts.items()}


SCRIPTS: Final = _read()

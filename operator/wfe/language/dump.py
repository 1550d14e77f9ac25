"""Plain values to YAML text that people can read, and that every version of YAML reads as the same values."""

import re
from typing import Any, Final

import yaml

# Texts that some reader of YAML 1.1 or 1.2 takes for a number, a bool or a time when they stand without quotes.
_MISREAD: Final = re.compile(r"[-+.]?[0-9]\S*|[yYnN]")


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, texts of several lines as blocks, nothing folded and nothing shared."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # pyyaml's signature
        super().increase_indent(flow, False)  # pyyaml's signature

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # pyyaml's signature
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if _MISREAD.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump_text(value: Any) -> str:
    """Return a document of maps, lists and scalars as YAML text; keys stay in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text

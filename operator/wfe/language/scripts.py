"""Scripts in files of their own become part of the definition, which is then whole, and pinned with them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from wfe.definition.findings import Finding, Where
from wfe.errors import WfeError
from wfe.expr.template import has_placeholders
from wfe.language.paths import beside
from wfe.language.positions import Script

MAX_SCRIPT: Final = 1 << 20
_KEYS: Final = {"shell": "run", "kubernetes": "run", "k8s": "run", "deno": "script"}


@dataclass
class Inliner:
    """Puts the files that steps name in the place of their names."""

    file: str
    read: Callable[[str], bytes]
    scripts: dict[Where, Script] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def inlined(self, value: Any, where: Where) -> Any:
        """Return a part of a workflow with its scripts; what has none is returned as it is."""
        if isinstance(value, list):
            changed = [self.inlined(item, (*where, index)) for index, item in enumerate(value)]
            return changed if any(new is not old for new, old in zip(changed, value, strict=True)) else value
        if not isinstance(value, dict):
            return value
        new = {
            key: self.config(value, item, (*where, key))
            if key == "config"
            else self.inlined(item, (*where, key))
            for key, item in value.items()
        }
        return new if any(new[key] is not value[key] for key in value) else value

    def config(self, step: dict[str, Any], config: Any, where: Where) -> Any:
        kind = step.get("type", "shell")
        name = config.get("file") if isinstance(config, dict) else None
        key = _KEYS.get(kind) if isinstance(kind, str) else None
        if (
            key is None
            or not isinstance(name, str)
            or has_placeholders(name)
            or {"run", "script"} & config.keys()
        ):
            return config
        text = self.text(name, (*where, "file"))
        self.scripts[*where, key] = Script(beside(self.file, name), text)
        return {**{other: item for other, item in config.items() if other != "file"}, key: text}

    def text(self, name: str, where: Where) -> str:
        path = beside(self.file, name)
        try:
            content = self.read(path)
            if len(content) <= MAX_SCRIPT:
                return content.decode()
            problem = f"the file `{path}` has {len(content)} bytes, {MAX_SCRIPT} are the most"
            remedy = "call it from a small script"
        except UnicodeDecodeError:
            problem, remedy = f"the file `{path}` is not UTF-8 text", "call it from a small script"
        except (OSError, WfeError) as error:
            problem, remedy = (
                f"there is no file `{path}` to run: {_reason(error)}",
                "paths are relative to this file",
            )
        self.findings.append(Finding(where, problem, remedy))
        return ":"


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)

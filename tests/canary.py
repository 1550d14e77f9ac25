"""A secret that is looked for everywhere, and workflows that do their best to leave it somewhere.

Its forms are made here by other code than what masks them; a piece of it counts as well.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

VALUE: Final = "c4n4ry/\"K3y+w1th:0dd&ch4rs%25'$x"
NAME, KEY = "canary", "token"

_TELLS = r"""
printf '%s\n' "$TOKEN"; printf '%s\n' "$TOKEN" >&2
head -c 16370 /dev/zero | tr '\0' x; printf '%s\n' "$TOKEN"
head -c 40000 /dev/zero | tr '\0' y >&2; printf %s "$TOKEN" >&2; head -c 20000 /dev/zero | tr '\0' y >&2; echo >&2
printf %s "$TOKEN" | base64; printf 'x%s' "$TOKEN" | base64 -w0; echo; printf 'xy%s' "$TOKEN" | base64; echo
printf %s "$TOKEN" | od -An -v -tx1 | tr -d ' \n'; echo
env; export -p; set -x; : "$TOKEN"; set +x
printf %s "$TOKEN" > kept; ls "$TOKEN"
exit 0
"""
_ENCODES = """
const token = Deno.env.get("TOKEN") ?? "";
console.log(encodeURIComponent(token), encodeURI(token), JSON.stringify({token}), btoa(token));
console.error(new Error(token));
"""
# Each of these fails.
LEAKS: Final = {
    "as-a-value": 'echo "token=$TOKEN" >> "$WFE_OUTPUT"',
    "as-a-name": 'printf "%s=1\\n" "$TOKEN" >> "$WFE_OUTPUT"',
    "as-base64": 'echo "token=$(printf "x%s" "$TOKEN" | base64 -w0)" >> "$WFE_OUTPUT"',
    "as-no-output": 'printf "%50s%s\\n" "" "$TOKEN" >> "$WFE_OUTPUT"',
    "by-a-line": 'echo "##wfe[output token=$TOKEN]"',
    "by-failing": 'echo "$TOKEN" >&2; exit 3',
}


def workflows() -> str:
    """Return the file: `tells`, which completes, and one for each leak, which fails."""
    tells = {
        "id": "tells",
        "version": 1,
        "steps": [
            {"name": "tell", "config": {"run": _TELLS, **_env()}},
            {
                "name": "encode",
                "type": "deno",
                "config": {"script": _ENCODES, "permissions": {"env": ["TOKEN"]}, **_env()},
            },
            {"name": "read", "config": {"run": "cat kept"}},
        ],
    }
    leaks = (
        {"id": name, "version": 1, "steps": [{"name": "leak", "config": {"run": run, **_env()}}]}
        for name, run in LEAKS.items()
    )
    return json.dumps({"workflows": [tells, *leaks]}, indent=1)


def _env() -> dict[str, object]:
    return {"env": {"TOKEN": {"secret": {"name": NAME, "key": KEY}}}}


def _forms() -> Iterator[tuple[str, str]]:
    yield "as it is", VALUE
    yield "its first half", VALUE[: len(VALUE) // 2]
    yield "its second half", VALUE[len(VALUE) // 2 :]
    for before in ("", "x", "xy"):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            # Without the quadruples that it shares with its neighbours.
            yield f"{name} behind {before!r}", encode(f"{before}{VALUE}".encode()).decode()[4:-4]
    yield "URL", quote(VALUE, safe="")
    yield "encodeURIComponent", quote(VALUE, safe="!'()*")
    yield "encodeURI", quote(VALUE, safe=";,/?:@&=+$!'()*#")
    yield "JSON", json.dumps(VALUE)[1:-1]
    yield "hexadecimal", binascii.hexlify(VALUE.encode()).decode()
    yield "HEXADECIMAL", binascii.hexlify(VALUE.encode()).decode().upper()


FORMS: Final = {name: form.encode() for name, form in _forms()}


def found_in(data: bytes | str) -> set[str]:
    """Return the names of the forms that are there."""
    content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return {name for name, form in FORMS.items() if form in content}

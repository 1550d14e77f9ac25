"""A certificate of its own authority, for a server and a client on loopback; made by openssl once."""

import subprocess
from pathlib import Path


def made_in(directory: Path, name: str, of: str = "DNS:api.example.test") -> tuple[Path, Path]:
    """Return a certificate of a host (`DNS:NAME` or `IP:ADDRESS`) and its key, in PEM."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        f" -subj /CN={name} -addext subjectAltName={of}"
    )
    outputs = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run([*command.split(), *outputs], check=True, capture_output=True)
    return certificate, key

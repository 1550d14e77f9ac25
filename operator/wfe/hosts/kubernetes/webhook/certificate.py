"""Certificates of the webhook: each signs itself, so that there is no authority's key to keep. Pure but for chance."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE: Final = timedelta(days=365)
RENEW_AT: Final = 2 / 3
# Clocks of other machines may be behind ours.
EARLIER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def service_names(service: str, namespace: str) -> tuple[str, ...]:
    """Return the names by which the API server calls a service."""
    return (
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.cluster.local",
        f"{service}.{namespace}",
    )


def new_certificate(names: tuple[str, ...], *, now: datetime) -> Certificate:
    """Return a fresh certificate for a server of these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        built.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def is_good(certificate: bytes, key: bytes, names: tuple[str, ...], *, now: datetime) -> bool:
    """Tell whether a certificate will do: it is for these names, its key fits, and it is young enough."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, password=None)
        listed = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    renew = found.not_valid_before_utc + RENEW_AT * (found.not_valid_after_utc - found.not_valid_before_utc)
    has_names = set(names) <= set(listed.get_values_for_type(x509.DNSName))
    fits = private.public_key() == found.public_key()
    return has_names and fits and found.not_valid_before_utc <= now.astimezone(UTC) < renew


def bundle_of(*certificates: bytes, now: datetime) -> bytes:
    """Return those of several certificates that are not over, each once, newest last."""
    kept: dict[bytes, bytes] = {}
    for pem in certificates:
        for one in split(pem):
            try:
                found = x509.load_pem_x509_certificate(one)
            except ValueError:
                continue
            if found.not_valid_after_utc > now.astimezone(UTC):
                kept.setdefault(found.fingerprint(hashes.SHA256()), one)
    return b"".join(kept.values())


def split(bundle: bytes) -> list[bytes]:
    """Return the certificates of a bundle."""
    end = b"-----END CERTIFICATE-----\n"
    text = bundle if bundle.endswith(b"\n") or not bundle else bundle + b"\n"
    return [part + end for part in text.split(end) if part.strip()]

"""Row 25 of the security table: a teacher is who its certificate says, or it is not called."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.errors import TeacherFailure
from app.llm.check import check_teacher
from tests.llm.calls import KEY, teacher_at
from tests.llm.scripted_teacher import ScriptedTeacher, answers, completion, scripted_teacher


def certificate(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "teacher")])
    begins = datetime.now(UTC) - timedelta(days=3)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=3 + days))
    builder = builder.add_extension(names, critical=False)
    basic = x509.BasicConstraints(ca=True, path_length=None)
    made = builder.add_extension(basic, critical=True).sign(key, hashes.SHA256())
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return public, private


@contextmanager
def secure(public: Path, private: Path) -> Iterator[ScriptedTeacher]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with scripted_teacher(answers(completion("Blue.")), tls=context) as server:
        yield server


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "self-signed certificate"),
        ({"address": "127.0.0.9"}, "certificate"),
        ({"days": -1}, "certificate"),
    ],
)
def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    with secure(*certificate(tmp_path, **changes)) as server:  # type: ignore[arg-type]
        with pytest.raises(TeacherFailure) as raised:
            check_teacher(teacher_at(server.base_url))
        assert server.arrivals == []
    assert raised.value.stage == "tls"
    assert reason in raised.value.detail
    assert KEY not in raised.value.detail


def test_the_operators_own_authority_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with secure(public, private) as server:
        assert check_teacher(teacher_at(server.base_url)).text == "Blue."


def test_nothing_older_than_tls_1_2() -> None:
    context = httpx2.create_ssl_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname

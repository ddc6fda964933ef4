"""Channels: addresses, TLS and tokens."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

import crossfade
from link import link_to
from scripted_server import NOBODY, ScriptedServer, create, get, scripted, stub, unavailable


def test_a_channel_needs_addresses() -> None:
    for addresses in ((), ("",), ("a:1", "")):
        with pytest.raises(ValueError, match="address"):
            crossfade.connect(*addresses)


def test_a_token_needs_tls() -> None:
    with pytest.raises(ValueError, match="TLS"):
        crossfade.connect("a:1", token="secret")


@pytest.mark.parametrize("token", ["secret", lambda: "secret"])
def test_a_token_goes_without_tls_only_if_the_caller_says_so(server: ScriptedServer, token: str | Callable[[], str]) -> None:
    with stub(server.address, token=token, token_in_clear=True) as medications:
        server.failures = [unavailable()]
        medications.GetMedication(get("1"))
    assert [call.metadata["authorization"] for call in server.calls] == ["Bearer secret"] * 2


def test_an_instance_that_hangs_is_noticed_long_before_a_distant_deadline(server: ScriptedServer) -> None:
    with link_to(server.address) as link, stub(link.address, retries=0, timeout_seconds=60) as medications:
        medications.GetMedication(get("1"))
        link.is_silent = True
        begun = time.monotonic()
        with pytest.raises(grpc.RpcError) as raised:
            medications.GetMedication(get("1"))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() - begun < 30


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ValueError, match="key"):
        crossfade.tls_from_files(cert="own.crt")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One for 127.0.0.1 that vouches for itself, for servers and callers, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there: no certificate can be made")
    cert, key = tmp_path / "own.crt", tmp_path / "own.key"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made + named, check=True, capture_output=True, timeout=30)
    return cert, key


def test_mutual_tls_carries_a_token_that_is_asked_for_each_call(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    cert_pem, key_pem = cert.read_bytes(), key.read_bytes()
    server_credentials = grpc.ssl_server_credentials([(key_pem, cert_pem)], cert_pem, require_client_auth=True)
    credentials = crossfade.tls_from_files(ca=cert, cert=cert, key=key)
    tokens = iter(["first", "second"])
    with scripted(server_credentials) as server:
        with stub(NOBODY, server.address, credentials=credentials, token=lambda: next(tokens)) as medications:
            for token in ("first", "second"):
                medications.GetMedication(get("1"))
                assert server.calls[-1].metadata["authorization"] == f"Bearer {token}"
            with pytest.raises(grpc.RpcError) as raised:
                medications.CreateMedication(create("1"))
            assert not crossfade.outcome_unknown(raised.value)
        without_own = crossfade.tls_from_files(ca=cert)
        with stub(server.address, credentials=without_own) as medications, pytest.raises(grpc.RpcError) as raised:
            medications.GetMedication(get("1"))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE

"""The suite sm3+sm2 against the standards' own examples and two independent implementations."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from hazgate_protocols.journal import sm2
from hazgate_protocols.journal.chain import ROOT, body_hash, link, link_hash
from hazgate_protocols.journal.seal import SEAL_BYTES, Signer, chain_seal_holds, receipt_seal_holds
from hazgate_protocols.journal.suite import (
    DEFAULT,
    SHA256_ED25519,
    SM3_SM2,
    SUITES,
    Suite,
    SuiteMissingError,
    require_suite,
    suite_named,
    suite_of_key,
)
from protocols import sm2_by_hand

# GB/T 32905-2016, annex A (recalled; the same values were read in several public test suites).
SM3_EXAMPLES = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}

# GB/T 32918.5-2017, annex A.2: signing "message digest" with the default identity (recalled; read in OpenSSL's
# sm2_internal_test.c as quoted by public repositories).
SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
TEXT = b"message digest"
Z = "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
# The example of a public Go library (emmansun/gmsm), read there.
OTHER_PUBLIC = bytes.fromhex(
    "048356e642a40ebd18d29ba3532fbd9f3bbee8f027c3f6f39a5ba2f870369f9988"
    "981f5efe55d1c5cdf6c0ef2b070847a14f7fdf4272a8df09c442f3058af94ba1"
)
OTHER_TEXT = b"ShangMi SM2 Sign Standard"
OTHER_SIGNATURE = bytes.fromhex(
    "5b3a799bd94c9063120d7286769220af6b0fa127009af3e873c0e8742edc5f89"
    "097968a4c8b040fd548d1456b33f470cabd8456bfea53e8a828f92f6d4bdcd77"
)
HEAD = bytes(range(32))
BOTH = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


@pytest.mark.parametrize("text", SM3_EXAMPLES, ids=len)
def test_sm3_is_the_standards(text: bytes) -> None:
    """Both examples of GB/T 32905."""
    assert SM3_SM2.hash(text).hex() == SM3_EXAMPLES[text]


def test_the_standards_signature_holds_here_and_by_hand() -> None:
    """GB/T 32918.5: key, Z, and the signature its k gives; each verifier takes it, and none for another text."""
    assert sm2.SecretKey(SECRET).public() == PUBLIC == sm2_by_hand.public_of(SECRET)
    assert sm2_by_hand.z(PUBLIC).hex() == Z
    assert sm2_by_hand.sign(SECRET, TEXT, K) == SIGNATURE
    for holds in (sm2.holds, sm2_by_hand.holds):
        assert holds(PUBLIC, TEXT, SIGNATURE)
        assert not holds(PUBLIC, TEXT + b"x", SIGNATURE)
        assert holds(OTHER_PUBLIC, OTHER_TEXT, OTHER_SIGNATURE)
        assert not holds(PUBLIC, OTHER_TEXT, OTHER_SIGNATURE)


@settings(max_examples=10, deadline=None)
@given(text=st.binary(max_size=200), secret=st.integers(1, sm2.ORDER - 2), k=st.integers(1, sm2.ORDER - 1))
def test_what_one_implementation_signs_the_other_verifies(text: bytes, secret: int, k: int) -> None:
    """OpenSSL and plain numbers, both ways, with any key and text."""
    ours = sm2.SecretKey(secret.to_bytes(32))
    assert ours.public() == sm2_by_hand.public_of(ours.secret())
    assert sm2_by_hand.holds(ours.public(), text, ours.sign(text))
    assert sm2.holds(ours.public(), text, sm2_by_hand.sign(ours.secret(), text, k))


def test_the_openssl_command_agrees(tmp_path: Path) -> None:
    """A seal of ours verifies with `openssl pkeyutl`, and one it made holds here."""
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
    pkcs8 = bytes.fromhex("3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420")
    (tmp_path / "public.der").write_bytes(spki + PUBLIC)
    (tmp_path / "secret.der").write_bytes(pkcs8 + SECRET)
    (tmp_path / "text").write_bytes(TEXT)
    seal = sm2.SecretKey(SECRET).sign(TEXT)
    der = encode_dss_signature(int.from_bytes(seal[:32]), int.from_bytes(seal[32:]))
    (tmp_path / "ours").write_bytes(der)
    how = ["-rawin", "-in", "text", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-keyform", "DER"]

    def openssl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", "pkeyutl", *arguments, *how]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20, check=False)

    verified = openssl("-verify", "-pubin", "-inkey", "public.der", "-sigfile", "ours")
    assert verified.returncode == 0, verified
    (tmp_path / "text").write_bytes(TEXT + b"x")
    assert openssl("-verify", "-pubin", "-inkey", "public.der", "-sigfile", "ours").returncode == 1
    (tmp_path / "text").write_bytes(TEXT)
    signed = openssl("-sign", "-inkey", "secret.der", "-out", "theirs")
    assert signed.returncode == 0, signed
    checked = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER", "-in", "theirs"],
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
        check=True,
    )
    r, s = (int(line.rsplit(b":", 1)[1], 16) for line in checked.stdout.splitlines() if b"INTEGER" in line)
    assert sm2.holds(PUBLIC, TEXT, r.to_bytes(32) + s.to_bytes(32))


@given(place=st.integers(0, 63), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_changed_bit_of_a_signature_holds(place: int, bit: int) -> None:
    """Any single bit."""
    changed = bytearray(SIGNATURE)
    changed[place] ^= 1 << bit
    assert not sm2.holds(PUBLIC, TEXT, bytes(changed))


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:63],
        SIGNATURE + b"\0",
        bytes(64),
        SIGNATURE[:32] + bytes(32),
        bytes(32) + SIGNATURE[32:],
        b"\xff" * 64,
        (int.from_bytes(SIGNATURE[:32]) + 0).to_bytes(32) + sm2.ORDER.to_bytes(32),
    ],
    ids=["none", "short", "long", "zeros", "no-s", "no-r", "beyond-the-order", "s-is-the-order"],
)
def test_what_is_no_signature_is_refused_quietly(signature: bytes) -> None:
    """A stranger's bytes never raise."""
    assert not sm2.holds(PUBLIC, TEXT, signature)
    assert not chain_seal_holds(PUBLIC, "box-1", HEAD, signature)


@pytest.mark.parametrize(
    "public",
    [bytes(65), b"\x04" + bytes(64), PUBLIC[:-1] + b"\0", b"\x06" + PUBLIC[1:], b"\x07" + PUBLIC[1:], b"\4" * 65],
    ids=["zeros", "origin", "off-the-curve", "even-spelling", "odd-spelling", "nonsense"],
)
def test_what_is_no_point_of_the_curve_is_no_key(public: bytes) -> None:
    """Also the second spelling of a right point: one key, one spelling."""
    assert not sm2.is_public(public)
    assert not sm2.holds(public, TEXT, SIGNATURE)


@pytest.mark.parametrize("number", [0, sm2.ORDER - 1, sm2.ORDER, 2**256 - 1])
def test_a_secret_outside_the_standards_range_is_our_own_misuse(number: int) -> None:
    """GB/T 32918.1: from 1 to the order less 2."""
    with pytest.raises(ValueError, match="secret"):
        Signer.from_secret(number.to_bytes(32), SM3_SM2)
    with pytest.raises(ValueError, match="secret"):
        Signer.from_secret(number.to_bytes(33)[1:] + b"\1", SM3_SM2)


@BOTH
def test_a_seal_of_each_suite_holds_for_its_own_key_box_and_head_only(suite: Suite) -> None:
    """The same contract in both suites; the key alone tells which."""
    signer, other = Signer.from_secret(SECRET, suite), Signer.generate(suite)
    assert len(signer.public()) == suite.public_key_bytes
    assert suite_of_key(signer.public()) is suite
    assert signer.secret() == SECRET
    seal = signer.seal_chain("box-1", HEAD)
    assert len(seal) == SEAL_BYTES
    assert chain_seal_holds(signer.public(), "box-1", HEAD, seal)
    assert not chain_seal_holds(other.public(), "box-1", HEAD, seal)
    assert not chain_seal_holds(signer.public(), "box-2", HEAD, seal)
    assert not chain_seal_holds(signer.public(), "box-1", HEAD[::-1], seal)
    assert receipt_seal_holds(signer.public(), HEAD, signer.seal_receipt(HEAD))
    assert not receipt_seal_holds(signer.public(), HEAD, seal)


def test_a_seal_of_one_suite_never_passes_in_the_other() -> None:
    """Also from the same 32 secret bytes."""
    ed25519, shangmi = (Signer.from_secret(SECRET, suite) for suite in (SHA256_ED25519, SM3_SM2))
    assert not chain_seal_holds(shangmi.public(), "box-1", HEAD, ed25519.seal_chain("box-1", HEAD))
    assert not chain_seal_holds(ed25519.public(), "box-1", HEAD, shangmi.seal_chain("box-1", HEAD))


def test_an_sm2_key_is_never_taken_for_an_ed25519_one() -> None:
    """Certificates are of Ed25519 alone."""
    assert Signer.from_secret(SECRET).ed25519().private_bytes_raw() == SECRET
    with pytest.raises(ValueError, match=r"sm3\+sm2 is no Ed25519 key"):
        Signer.from_secret(SECRET, SM3_SM2).ed25519()


def test_an_sm2_seal_signs_exactly_the_bytes_the_contract_names() -> None:
    """Checked by hand, so that another implementation can do the same."""
    signer = Signer.from_secret(SECRET, SM3_SM2)
    text = b"hazgate chain seal v1\0" + b"box-1" + b"\0" + HEAD
    assert sm2_by_hand.holds(signer.public(), text, signer.seal_chain("box-1", HEAD))
    assert sm2_by_hand.holds(signer.public(), b"hazgate receipt seal v1\0{}", signer.seal_receipt(b"{}"))
    assert sm2_by_hand.holds(signer.public(), b"hazgate evidence seal v1\0" + HEAD, signer.seal_evidence(HEAD))


def test_each_suites_chain_is_made_of_its_own_hash() -> None:
    """hash = H(prev || H(body)), and the default stays what it was."""

    def sm3(text: bytes) -> bytes:
        return hashlib.new("sm3", text).digest()

    assert body_hash(b"{}", SM3_SM2) == sm3(b"{}")
    assert link(ROOT, b"{}", SM3_SM2) == sm3(ROOT + sm3(b"{}")) == link_hash(ROOT, sm3(b"{}"), SM3_SM2)
    assert link(ROOT, b"{}") == link(ROOT, b"{}", SHA256_ED25519) == link_hash(ROOT, hashlib.sha256(b"{}").digest())
    assert link(ROOT, b"{}") != link(ROOT, b"{}", SM3_SM2)


def test_a_suite_is_known_by_name_and_by_the_length_of_its_keys() -> None:
    """Anything else is none."""
    assert [suite_named(name) for name in ("sha256+ed25519", "sm3+sm2")] == [SHA256_ED25519, SM3_SM2]
    assert [suite_named(name) for name in ("md5", "", None, 7, ["sm3+sm2"])] == [None] * 5
    assert [suite_of_key(bytes(length)) for length in (32, 65)] == [SHA256_ED25519, SM3_SM2]
    assert [suite_of_key(bytes(length)) for length in (0, 31, 33, 64, 66)] == [None] * 5
    assert DEFAULT is SHA256_ED25519


def test_an_openssl_without_sm3_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, for the hash and for whoever asks first; the default suite is not concerned."""

    def without_sm3(name: str, _content: bytes) -> Any:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", without_sm3)
    for asked in (lambda: link(ROOT, b"{}", SM3_SM2), lambda: require_suite(SM3_SM2)):
        with pytest.raises(SuiteMissingError, match="this OpenSSL has no SM3"):
            asked()
    require_suite(SHA256_ED25519)


@pytest.fixture
def fresh_library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """sm2 as it is before its first use, and again afterwards."""
    cached = (sm2._library, sm2.require, sm2._public)
    for function in cached:
        function.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


def test_a_missing_libcrypto_is_said_so_and_no_seal_is_called_wrong(fresh_library: pytest.MonkeyPatch) -> None:
    """Where SM2 cannot be checked, the answer is an error, never "the seal is wrong"."""
    fresh_library.setattr(sm2, "LIBRARY", "libcrypto-that-is-not-there.so")
    for asked in (
        lambda: require_suite(SM3_SM2),
        lambda: chain_seal_holds(PUBLIC, "box-1", HEAD, SIGNATURE),
        lambda: Signer.generate(SM3_SM2),
    ):
        with pytest.raises(SuiteMissingError, match="libcrypto-that-is-not-there"):
            asked()


def test_a_library_that_takes_every_signature_is_not_trusted(fresh_library: pytest.MonkeyPatch) -> None:
    """Planted bug: a verifier that always says yes (or no) fails the standard's own example before its first use."""

    library = sm2._library()

    class AlwaysTheSame:
        def __init__(self, answer: int) -> None:
            self._library, self._answer = library, answer

        def __getattr__(self, name: str) -> Any:
            if name == "EVP_DigestVerify":
                return lambda *_arguments: self._answer
            return getattr(self._library, name)

    for answer in (0, 1):
        fresh_library.setattr(sm2, "_library", lambda answer=answer: AlwaysTheSame(answer))
        with pytest.raises(SuiteMissingError, match="not the standard's"):
            require_suite(SM3_SM2)


def test_threads_may_share_a_key() -> None:
    """Signing and verifying at once: no seal is wrong."""
    key = sm2.SecretKey(SECRET)
    wrong: list[bytes] = []

    def work(number: int) -> None:
        for turn in range(20):
            text = bytes([number, turn])
            if not sm2.holds(PUBLIC, text, key.sign(text)):
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

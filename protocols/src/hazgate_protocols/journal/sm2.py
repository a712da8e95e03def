"""SM2 signatures with SM3 (GB/T 32918.2, curve of GB/T 32918.5) by the system's OpenSSL 3.

The `cryptography` package brings an OpenSSL of its own and offers no SM2, so the system's libcrypto is called through
ctypes: only documented EVP calls, each with its types declared, each pointer freed where it was made, nothing kept
between calls but the keys. docs/adr/0014-suites.md says why.

Public keys are 65 bytes (04, x, y), secrets 32, signatures the 64 bytes r and s. The signer's identity is the
standard's default, 1234567812345678, as RFC 8998 has it too.
"""

from __future__ import annotations

import ctypes
import secrets
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from hazgate_protocols.journal.suite import SuiteMissingError

LIBRARY = "libcrypto.so.3"
SIGNATURE_BYTES = 64
PUBLIC_BYTES = 65
SECRET_BYTES = 32
IDENTITY = b"1234567812345678"
# GB/T 32918.5-2017, the order of the base point; a secret lies in [1, n - 2].
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
KEYS_KEPT = 256  # public keys ready for use, some KiB each

# DER around the raw bytes: SubjectPublicKeyInfo (RFC 5480) and PKCS #8 (RFC 5915 inside), ecPublicKey with the curve
# 1.2.156.10197.1.301. OpenSSL computes the public half of a secret by itself.
_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_PUBLIC = b"\x30\x59" + _ALGORITHM + b"\x03\x42\x00"
_SECRET = b"\x30\x41\x02\x01\x00" + _ALGORITHM + b"\x04\x27\x30\x25\x02\x01\x01\x04\x20"
_DER_BYTES_MAX = 80  # a signature of two integers below 2**256 has at most 72

# GB/T 32918.5-2017, annex A: the standard's own example, verified once before anything is trusted to this library.
_EXAMPLE_KEY = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_EXAMPLE_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


class _Key:
    """An EVP_PKEY, freed when nobody holds it any more. Read only, so that threads may share it."""

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        weakref.finalize(self, _library().EVP_PKEY_free, pointer)


class SecretKey:
    """A key that signs."""

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError unless these 32 bytes are a secret, SuiteMissingError."""
        if len(secret) != SECRET_BYTES or not 1 <= int.from_bytes(secret) <= ORDER - 2:
            raise ValueError(f"an SM2 secret is {SECRET_BYTES} bytes, as a number from 1 to the curve's order less 2")
        require()
        self._secret = secret
        key = _key("d2i_AutoPrivateKey", _SECRET + secret)
        if key is None:
            raise SuiteMissingError(f"{LIBRARY} refuses a right SM2 secret")
        self._key = key

    @classmethod
    def generate(cls) -> SecretKey:
        """A new key from the operating system's randomness."""
        while True:  # all but one of 2**32 tries lie in the range
            secret = secrets.token_bytes(SECRET_BYTES)
            if 1 <= int.from_bytes(secret) <= ORDER - 2:
                return cls(secret)

    def secret(self) -> bytes:
        """The 32 secret bytes."""
        return self._secret

    def public(self) -> bytes:
        """The 65 public bytes."""
        library = _library()
        length = library.i2d_PUBKEY(self._key.pointer, None)
        if length != len(_PUBLIC) + PUBLIC_BYTES:
            raise SuiteMissingError(f"{LIBRARY} writes an SM2 public key in {length} bytes")
        der = ctypes.create_string_buffer(length)
        library.i2d_PUBKEY(self._key.pointer, ctypes.byref(c_void_p(ctypes.addressof(der))))
        return der.raw[-PUBLIC_BYTES:]

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of a signature over this text; another one each time."""
        library = _library()
        der, length = ctypes.create_string_buffer(_DER_BYTES_MAX), c_size_t(_DER_BYTES_MAX)
        with _context(self._key) as context:
            good = library.EVP_DigestSignInit(context, None, library.EVP_sm3(), None, self._key.pointer) == 1
            good = good and library.EVP_DigestSign(context, der, ctypes.byref(length), text, len(text)) == 1
        if not good:
            raise SuiteMissingError(f"{LIBRARY} does not sign with SM2 and SM3")
        r, s = decode_dss_signature(der.raw[: length.value])
        return r.to_bytes(32) + s.to_bytes(32)


def is_public(public: bytes) -> bool:
    """Whether these bytes are a point of the curve in the one form we write. Raises SuiteMissingError."""
    require()
    return _public(public) is not None


def holds(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the key with these public bytes signed this text. Raises SuiteMissingError."""
    require()
    return _holds(public, text, signature)


@lru_cache(maxsize=1)
def require() -> None:
    """Raises SuiteMissingError unless the system's OpenSSL agrees with the standard's own example."""
    if not _holds(_EXAMPLE_KEY, b"message digest", _EXAMPLE_SIGNATURE) or _holds(
        _EXAMPLE_KEY, b"another text", _EXAMPLE_SIGNATURE
    ):
        raise SuiteMissingError(f"{LIBRARY} has no SM2 with SM3, or one that is not the standard's")


def _holds(public: bytes, text: bytes, signature: bytes) -> bool:
    key = _public(public)
    if key is None or len(signature) != SIGNATURE_BYTES:
        return False
    library = _library()
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    with _context(key) as context:
        if library.EVP_DigestVerifyInit(context, None, library.EVP_sm3(), None, key.pointer) != 1:
            raise SuiteMissingError(f"{LIBRARY} does not verify SM2 with SM3")
        return bool(library.EVP_DigestVerify(context, der, len(der), text, len(text)) == 1)


@lru_cache(maxsize=KEYS_KEPT)
def _public(public: bytes) -> _Key | None:
    # 65 bytes that begin with 06 or 07 are a second spelling of the same point; one key has one spelling here.
    if len(public) != PUBLIC_BYTES or public[0] != 4:
        return None
    return _key("d2i_PUBKEY", _PUBLIC + public)


def _key(function: str, der: bytes) -> _Key | None:
    """The key in this DER, None when OpenSSL does not take it (no point of the curve)."""
    library = _library()
    held = ctypes.create_string_buffer(der, len(der))
    at = c_void_p(ctypes.addressof(held))
    if function == "d2i_PUBKEY":
        pointer = library.d2i_PUBKEY(None, ctypes.byref(at), len(der))
    else:
        pointer = library.d2i_AutoPrivateKey(None, ctypes.byref(at), len(der))
    library.ERR_clear_error()  # Python's own ssl module reads the same queue
    return _Key(pointer) if pointer else None


@contextmanager
def _context(key: _Key) -> Iterator[int]:
    """A digest context bound to the key and the identity, as EVP_PKEY-SM2(7) wants it."""
    library = _library()
    own, context = library.EVP_PKEY_CTX_new(key.pointer, None), library.EVP_MD_CTX_new()
    try:
        if not own or not context or library.EVP_PKEY_CTX_set1_id(own, IDENTITY, len(IDENTITY)) != 1:
            raise SuiteMissingError(f"{LIBRARY} does not take an SM2 key")
        library.EVP_MD_CTX_set_pkey_ctx(context, own)
        yield context
    finally:
        library.EVP_MD_CTX_free(context)  # both take a null pointer; the second is not freed with the first
        library.EVP_PKEY_CTX_free(own)
        library.ERR_clear_error()


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """The system's libcrypto with the type of every function we call."""
    into, length = POINTER(c_void_p), POINTER(c_size_t)
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "d2i_PUBKEY": (c_void_p, [c_void_p, into, c_long]),
        "d2i_AutoPrivateKey": (c_void_p, [c_void_p, into, c_long]),
        "i2d_PUBKEY": (c_int, [c_void_p, into]),
        "EVP_PKEY_free": (None, [c_void_p]),
        "EVP_PKEY_CTX_new": (c_void_p, [c_void_p, c_void_p]),
        "EVP_PKEY_CTX_free": (None, [c_void_p]),
        "EVP_PKEY_CTX_set1_id": (c_int, [c_void_p, c_char_p, c_size_t]),
        "EVP_MD_CTX_new": (c_void_p, []),
        "EVP_MD_CTX_free": (None, [c_void_p]),
        "EVP_MD_CTX_set_pkey_ctx": (None, [c_void_p, c_void_p]),
        "EVP_sm3": (c_void_p, []),
        "EVP_DigestSignInit": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]),
        "EVP_DigestSign": (c_int, [c_void_p, c_char_p, length, c_char_p, c_size_t]),
        "EVP_DigestVerifyInit": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]),
        "EVP_DigestVerify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
        "ERR_clear_error": (None, []),
    }
    try:
        library = ctypes.CDLL(LIBRARY)
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as exc:
        raise SuiteMissingError(f"{LIBRARY}: {exc}") from exc
    return library

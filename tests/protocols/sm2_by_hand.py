"""SM2 signatures in plain whole numbers, written from GB/T 32918.1 and .2 alone: slow, and independent of OpenSSL.

Only SM3 comes from elsewhere (hashlib); its own vectors are in test_suites.py.
"""

from __future__ import annotations

import hashlib

# GB/T 32918.5-2017: the recommended curve y^2 = x^3 + ax + b over the numbers modulo P, base point G of order N.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
IDENTITY = b"1234567812345678"

Point = tuple[int, int] | None  # None: the point at infinity


def sm3(text: bytes) -> bytes:
    return hashlib.new("sm3", text).digest()


def public_of(secret: bytes) -> bytes:
    point = _times(int.from_bytes(secret), G)
    assert point is not None
    return b"\x04" + point[0].to_bytes(32) + point[1].to_bytes(32)


def sign(secret: bytes, text: bytes, k: int) -> bytes:
    """GB/T 32918.2, 6.1, with a k from outside; ValueError for a k that must not be used."""
    d = int.from_bytes(secret)
    point = _times(k, G)
    assert point is not None
    r = (_e(public_of(secret), text) + point[0]) % N
    s = pow(1 + d, -1, N) * (k - r * d) % N
    if r == 0 or r + k == N or s == 0:
        raise ValueError("another k")
    return r.to_bytes(32) + s.to_bytes(32)


def holds(public: bytes, text: bytes, signature: bytes) -> bool:
    """GB/T 32918.2, 7.1."""
    if len(public) != 65 or public[0] != 4 or len(signature) != 64:
        return False
    x, y = int.from_bytes(public[1:33]), int.from_bytes(public[33:])
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if not (x < P and y < P and (y * y - x * x * x - A * x - B) % P == 0 and 0 < r < N and 0 < s < N):
        return False
    t = (r + s) % N
    point = _plus(_times(s, G), _times(t, (x, y)))
    return t != 0 and point is not None and (_e(public, text) + point[0]) % N == r


def z(public: bytes) -> bytes:
    """The hash of the identity, the curve and the key that stands in front of every text."""
    curve = b"".join(number.to_bytes(32) for number in (A, B, *G))
    return sm3((8 * len(IDENTITY)).to_bytes(2) + IDENTITY + curve + public[1:])


def _e(public: bytes, text: bytes) -> int:
    return int.from_bytes(sm3(z(public) + text))


def _plus(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def _times(factor: int, point: Point) -> Point:
    out: Point = None
    while factor:
        if factor & 1:
            out = _plus(out, point)
        point, factor = _plus(point, point), factor >> 1
    return out

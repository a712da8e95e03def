"""Encoders give the very bytes that manuals print and captures hold; quoted here, not computed."""

from __future__ import annotations

import pytest

from hazgate_simulators.scale.families import FAMILIES
from hazgate_simulators.scale.physics import Indication, Range
from simulators.scale.courses import Device
from simulators.scale.situations import indication, platform

QUOTED: list[tuple[str, Indication, bytes]] = [
    # XK3190-A26 manual
    ("yaohua-eq-rev", indication("3.000", "0.001"), b"=000.3000"),
    ("yaohua-eq-rev", indication("-1.00", "0.01"), b"=00.1000-"),
    ("yaohua-eq-fwd", indication("3.000", "0.001"), b"=0003.000"),
    # XK3190-A23p manual, format 4 (with a price of 1.00 there)
    ("yaohua-price27", indication("2.000", "0.001"), b"=0002.000kg;0000.00;0000.00"),
    ("eq-trailing-rev", indication("12.345", "0.001"), b"543.210="),
    ("eq-trailing-rev", indication("12340", "1"), b".043210="),
    # XK3190-A12(E) manual
    ("yaohua-a12e", indication("4.139", "0.001"), b"WG004.139kg3D\r\n"),
    ("yaohua-a12e", indication("1250", "10"), b"WG001250 kg3A\r\n"),
    ("yaohua-a12e", indication("200", "1", within=Range.OVER), b"         OL23\r\n"),
    # XK3190-A9+ manual, tF=1: question B of device A
    ("yaohua-cmd", indication("1234.0", "0.2"), b"\x02AB+01234011D\x03"),
    # captured from a HEB-TW
    ("wn-line", indication("7.02", "0.01", tare="5.00"), b"wn 0002.02kg\r\n"),
    ("and-std", indication("4775.7", "0.1", unit="g"), b"ST,+004775.7  g\r\n"),
    ("and-std", indication("9999", "1", within=Range.OVER), b"OL,+9999999E+19\r\n"),
    ("and-ad44xx", indication("13.34", "0.01", tare="1.00"), b"ST,NT,+0012.34kg\r\n"),
    ("and-ad44xx", indication("200", "1", within=Range.OVER), b"OL,GS,+    .  kg\r\n"),
    # CAS CI-400 manual, lamp byte E4: stable, gross
    ("cas-22", indication("13.5", "0.1"), b"ST,GS,1\xe4,000013.5 kg\r\n"),
    # CAS SW-II: BCC 64h
    ("cas-pd", indication("1.235", "0.005"), b"\x06\x01\x02S 01.235kg\x64\x03\x04"),
    # hex log of a DEFENDER3000
    ("ohaus-3000", indication("0.360", "0.01"), b"    0.36 kg    G\r\n"),
    ("ohaus-3000", indication("0.360", "0.005"), b"   0.360 kg    G\r\n"),
    ("sbi16", indication("111.255", "0.005", unit="g"), b"+  111.255 g  \r\n"),
    ("sbi22", indication("123.56", "0.02", unit="g"), b"G     +   123.56 g  \r\n"),
    # lines typed in by owners
    ("kern-tws", indication("-29.186", "0.001", unit="g"), b"     -29.186 g  \r\n"),
    ("gandg", indication("-29.182", "0.001", unit="g"), b"-  29.182 g \r\n"),
    ("dini-std", indication("1250", "10"), b"ST,GS,    1250,kg\r\n"),
    ("rlws-stream", indication("1250", "10"), b"\x02    1250KG \r\n"),
    ("rinstrum-11", indication("16960", "20"), b"\x02   16960G\x03"),
    ("nci", indication("1.235", "0.005", unit="lb"), b"\n  1.235LB\r00\x03"),
    ("toledo-8217", indication("2.250", "0.005"), b"\x0202.250\r"),
    # observed by a canteen scale project
    ("prot-f", indication("0.396", "0.002"), b"\x02 00.396\x03"),
    ("prot-f", indication("0.396", "0.002", stable=False), b"\x02IIIIII\x03"),
    # captured by an integrator: 316 g
    ("dibal-98", indication("0.316", "0.002"), b"9900031600000004\r\n"),
    ("vibra-8d", indication("7.123", "0.001", unit="g"), b"+007.12/3 G S\r\n"),
    ("mt-print", indication("0.3749", "0.0001", unit="g"), b"     G       0.3749 g   \r\n"),
    ("plain-line", indication("12.345", "0.005"), b"12.345\r\n"),
    ("bcd-ff5", indication("12.34", "0.01"), bytes.fromhex("FF 12 34 12 00")),
    ("bcd-ff6", indication("12.34", "0.01"), bytes.fromhex("FF 42 34 12 00 00")),
    ("usb-hid-scale", indication("125.60", "0.05"), bytes.fromhex("03 04 03 FE 10 31")),
    # Wildcat table 6-8 with even parity: the frame of a device set to 7E1
    (
        "toledo-cont-7e1",
        indication("133.40", "0.01", tare="10.00"),
        bytes.fromhex("82 AC B1 A0 A0 B1 B2 33 B4 30 A0 A0 B1 30 30 30 8D 59"),
    ),
    # hex log of a JIK6CAB
    (
        "jik6cab",
        indication("1.94", "0.01"),
        (
            b"^KJIK000\r\n2023-11-07\r\n17:19:26\r\n  0.00 kg\r\n  1.94 kg\r\n0\r\n0\r\n  1.94 kg\r\n  1.94 kg\r\n"
            b"    0 pcs\r\n \r\n \r\nE\r\n~P1\r\n"
        ),
    ),
    # log of a TFO3
    (
        "kv-gross-net-tare",
        indication("1138.0", "0.5", tare="1116.5"),
        (
            b"DATE & TIME JAN. 14,2024  06:28AM\rSCALE NO 1\rSTATUS \x83*\r\nSET P1(W)       0.0\rSET P2       0.0\r"
            b"SET P3       0.0\rSET P4       0.0\rGROSS WEIGHT    1138.0\rNET WEIGHT        21.5\rTARE      1116.5\r"
        ),
    ),
]


@pytest.mark.parametrize(("profile", "shown", "octets"), QUOTED, ids=[f"{one[0]}-{one[1].shown}" for one in QUOTED])
def test_a_frame_is_the_one_in_the_book(profile: str, shown: Indication, octets: bytes) -> None:
    """Byte for byte, so that encoder and profile cannot share a mistake."""
    assert Device(profile).said(shown) == octets


def test_every_device_that_sends_text_or_bytes_is_quoted() -> None:
    """Those not here are quoted in test_encoders and test_sics, or answer in registers, whose bits the course reads."""
    elsewhere = {"yaohua-tf0", "toledo-cont", "st-gs", "mt-sics"}
    assert {one[0] for one in QUOTED} | elsewhere == {name for name in FAMILIES if not FAMILIES[name].registers}


def test_registers_hold_what_the_manuals_say() -> None:
    """Stable net of -2.00 kg over 10.00 kg gross, 12.00 tare; words by hand from each register table."""
    moment = indication("10.00", "0.01", tare="12.00")
    image = {name: FAMILIES[name].registers for name in FAMILIES if FAMILIES[name].registers}
    words = {name: made().image(moment) for name, made in image.items() if made is not None}
    assert words["modbus-dat400"][:5] == [0x000A, 0, 1000, 0xFFFF, 0xFF38]
    assert words["modbus-kpr"][:6] == [0, 1000, 0xFFFF, 0xFF38, 0, 1200]
    assert words["modbus-flintec"] == [0, 1000, 0xFFFF, 0xFF38, 0x0030]
    assert words["modbus-float"][8:14] == [0x4120, 0x0000, 0, 0, 0xC000, 0x0000]
    assert words["dini-dgt"] == [0, 1000, 0, 200, 0x0025]
    assert words["dini-dgt-multi"] == [0x0062, 0, 1000, *[0] * 9, 0, 200]
    assert words["modbus-laumas"][6:11] == [0x0D00, 0, 1000, 0, 200]


@pytest.mark.parametrize(
    ("profile", "talk"),
    [
        ("and-std", [(b"S", b""), (b"I\r\nX\r\n", b"ST,+00048.60 kg\r\nEC,E01\r\n"), (b"Z\r\n", b"EC,E01\r\n")]),
        ("and-std", [(b"T\r\n", b"\x06\r\n"), (b"Q\r\n", b"ST,+00000.00 kg\r\n")]),
        ("kern-tws", [(b"t", b""), (b"?w", b"        0.00 kg \r\n")]),
        (
            "sbi16",
            [(b"\x1bT\r\n\x1b", b""), (b"P\r\n", b"+     0.00 kg \r\n"), (b"what\r\n\x1bP\r\n", b"+     0.00 kg \r\n")],
        ),
        ("dini-std", [(b"READX\r\n", b"ERR04\r\n"), (b"TARE\r\n", b"OK\r\n"), (b"READ\r\n", b"ST,NT,    0.00,kg\r\n")]),
        ("nci", [(b"Q\rW", b"\n?\r"), (b"\r", b"\n  48.60KG\r00\x03")]),
        ("toledo-8217", [(b"Ehello", b"\x02E\rhello"), (b"F", b"\x02F\r"), (b"T", b""), (b"W", b"\x02000.00N\r")]),
        ("cas-pd", [(b"\x11", b""), (b"\x05", b"\x06"), (b"\x11\x11", b"\x01\x02S 048.60kg\x6b\x03\x04")]),
        ("yaohua-cmd", [(b"\x02AA0", b""), (b"0\x03", b"\x02AA00\x03"), (b"\x02BB00\x03\x02AC03\x03", b"")]),
        ("dibal-98", [(b"98000002\r\n", b""), (b"9800", b""), (b"0001\r\n", b"990486000000000:\r\n")]),
    ],
)
def test_questions_are_heard_however_they_are_cut(profile: str, talk: list[tuple[bytes, bytes]]) -> None:
    """Whole, torn, unknown, with a wrong check or of another device; commands press the keys they name."""
    made = FAMILIES[profile].asked
    assert made is not None
    device, scale = made(), platform(load="48.6")
    for said, heard in talk:
        assert b"".join(device.receive(said, scale.indication, scale)) == heard


def test_a_question_that_waits_for_rest_is_answered_at_rest() -> None:
    """A&D's S while the load moves: nothing, then the weight; a new question takes its place."""
    made = FAMILIES["and-std"].asked
    assert made is not None
    device, scale = made(), platform()
    moving, still = indication("5.00", "0.01", stable=False), indication("5.00", "0.01")
    assert device.receive(b"S\r\n", moving, scale) == []
    assert device.tick(moving) == []
    assert device.tick(still) == [b"ST,+00005.00 kg\r\n"]
    assert device.tick(still) == []
    assert device.receive(b"S\r\nQ\r\n", moving, scale) == [b"US,+00005.00 kg\r\n"]
    assert device.tick(still) == []

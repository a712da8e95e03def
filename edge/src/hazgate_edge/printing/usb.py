"""USB printers by their IEEE 1284 device id, as the kernel's usblp driver shows it in sysfs.

Source: the kernel's usblp driver (class usbmisc, attribute ieee1284_id) and IEEE 1284: KEY:VALUE; pairs, of which MFG
(or MANUFACTURER), MDL (or MODEL) and SN (or SERIALNUMBER) count here. CMD is of no use: two TSPL printers were seen
saying `XPP,XL`, one of them with an empty maker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ID_BYTES_MAX = 1024
PRINTERS_MAX = 16
_CLASS = Path("class/usbmisc")
_NAMES = {"MANUFACTURER": "MFG", "MODEL": "MDL", "SERIALNUMBER": "SN", "SERN": "SN"}


@dataclass(frozen=True, slots=True)
class UsbPrinter:
    """One that is plugged in. serial: "" where it tells none."""

    node: str  # lp0
    maker: str
    model: str
    serial: str

    def __str__(self) -> str:
        serial = f", serial {self.serial}" if self.serial else ""
        return f"{self.node}: {' '.join((self.maker, self.model)).strip() or 'without a name'}{serial}"


def plugged_in(sysfs: Path = Path("/sys")) -> list[UsbPrinter]:
    """The USB printers the kernel knows, by node. One that is being unplugged is left out."""
    found: list[UsbPrinter] = []
    for entry in sorted((sysfs / _CLASS).glob("lp*"))[:PRINTERS_MAX]:
        try:
            with (entry / "device" / "ieee1284_id").open("rb") as file:
                told = read_id(file.read(ID_BYTES_MAX))
        except OSError:
            continue
        serial = told.get("SN", "") or _descriptor_serial(entry)
        found.append(UsbPrinter(entry.name, told.get("MFG", ""), told.get("MDL", ""), serial))
    return found


def find_printer(model: str | None, serial: str | None, sysfs: Path, devices: Path) -> Path:
    """The device file of the one printer of this model (part of its name, any case) and serial number.

    Raises OSError when there is none, or more than one: a label must not come out somewhere else.
    """
    there = plugged_in(sysfs)
    fit = [
        printer
        for printer in there
        if (model is None or model.lower() in f"{printer.maker} {printer.model}".lower())
        and (serial is None or printer.serial == serial)
    ]
    if len(fit) == 1:
        node = devices / "usb" / fit[0].node
        return node if node.exists() else devices / fit[0].node
    wanted = " ".join(part for part in (model, f"serial {serial}" if serial else None) if part)
    listed = "; ".join(map(str, there)) or "none is plugged in"
    many = "no USB printer" if not fit else f"{len(fit)} USB printers, set usb_serial,"
    raise OSError(f"find USB printer: {many} like {wanted!r}; there: {listed}")


def read_id(text: bytes) -> dict[str, str]:
    """The pairs of an IEEE 1284 id, names in their short form. Two length bytes in front are left out."""
    plain = text.decode("ascii", "replace")
    pairs: dict[str, str] = {}
    for part in plain.strip("\0\r\n ").split(";"):
        name, colon, value = part.partition(":")
        name = "".join(character for character in name if character.isalpha() or character == " ").strip().upper()
        if colon and name:
            pairs.setdefault(_NAMES.get(name, name), value.strip())
    return pairs


def _descriptor_serial(entry: Path) -> str:
    """The serial number of the USB device itself: an attribute of the interface's parent."""
    try:
        with ((entry / "device").resolve().parent / "serial").open("rb") as file:
            return file.read(ID_BYTES_MAX).decode("utf-8", "replace").strip()
    except OSError:
        return ""

"""What of an evidence file other programs and people's eyes can use: the label's pictures, the certificates."""

from __future__ import annotations

from pathlib import Path

from hazgate_protocols.certificate import CertificateError, decode_certificate, to_pem
from hazgate_protocols.evidence.bundle import CERTIFICATES, PICTURE, Bundle
from hazgate_protocols.evidence.pictures import REDRAWN, picture_of
from hazgate_protocols.label.picture import PictureError, encode_png


def extract(bundle: Bundle, folder: Path) -> list[str]:
    """Writes label-line-N.png and box.pem, collector.pem, root.pem; the names written. Replaces nothing: raises
    OSError, before any is written, when one of them is there. What cannot be read is left out: the checks say
    so."""
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, bytes] = {}
    for part in bundle.of(PICTURE):
        again = "-redrawn" if part["is"] == REDRAWN else ""
        try:
            contents[f"label-line-{part.line}{again}.png"] = encode_png(picture_of(part))
        except PictureError:
            continue
    for part in bundle.of(CERTIFICATES):
        for name in ("box", "collector", "root"):
            try:
                contents[f"{name}.pem"] = to_pem(decode_certificate(bytes.fromhex(part[name]))).encode()
            except CertificateError:
                continue
    for name in contents:
        if (folder / name).exists():
            raise FileExistsError(f"{name} is there already")
    for name, content in contents.items():
        with (folder / name).open("xb") as file:
            file.write(content)
    return list(contents)

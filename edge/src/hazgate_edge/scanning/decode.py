"""The decoding process: one photo in, the texts of its codes out. `python -m hazgate_edge.scanning.decode`

The photo's bytes come on standard input; one JSON object goes out: {"texts": [...]} or {"why": "..."}. A photo is
hostile: only JPEG and PNG are opened, its size is looked at before its pixels, and this process may use little time
and memory. zxing-cpp is imported here only, and Pillow on the box only here and where labels are drawn.
"""

from __future__ import annotations

import io
import json
import resource
import sys

PIXELS_MAX = 24_000_000
CODES_MAX = 16
MEMORY_BYTES_MAX = 1 << 30
CPU_S_MAX = 10


def texts_in(photo: bytes) -> list[str]:
    """Texts of the matrix codes, each once. Raises ValueError, OSError for what is no usable picture."""
    import zxingcpp
    from PIL import Image

    with Image.open(io.BytesIO(photo), formats=("JPEG", "PNG")) as opened:
        if opened.width * opened.height > PIXELS_MAX:
            raise ValueError(f"{opened.width} x {opened.height} pixels, at most {PIXELS_MAX}")
        grey = opened.convert("L")
    found = zxingcpp.read_barcodes(grey, text_mode=zxingcpp.TextMode.Plain)
    return list(dict.fromkeys(code.text for code in found[:CODES_MAX]))


def main() -> None:
    """See the module."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    try:
        answer: dict[str, object] = {"texts": texts_in(sys.stdin.buffer.read())}
    except ImportError as exc:
        answer = {"why": f"{exc.name} is not installed; install hazgate-edge[camera]"}
    except (ValueError, OSError, MemoryError, SyntaxError) as exc:  # SyntaxError: Pillow's word for a broken PNG
        answer = {"why": f"{type(exc).__name__}: {str(exc)[:120]}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

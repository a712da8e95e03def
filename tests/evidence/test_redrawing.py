"""The collector draws a label again: the same dots, or words about why not. Never a picture that passes for another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloud.fakebox import weighing_body
from evidence.place import Place, dev, frame, printed
from evidence.second_verifier import problems
from hazgate_cloud.evidence import pictures
from hazgate_protocols.evidence.bundle import PICTURE, decode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.command import main
from hazgate_protocols.evidence.report import Verdict
from hazgate_protocols.journal.record import PRINT, WEIGHING, Record
from hazgate_protocols.label import fonts
from hazgate_protocols.label.fonts import find_font


def said(data: bytes, verdict: Verdict) -> str:
    assert problems(data) == []
    return "\n".join(found.text for found in check(decode_bundle(data)).findings if found.verdict is verdict)


def weigh_printed(place: Place, **changes: Any) -> None:
    """A bag whose print record says something of one's own about its picture."""
    body = weighing_body(1)
    body["weight"] |= {"mode": "", "stable_by": "window"}
    place.box.write(WEIGHING, body, dev=dev(), raw=(frame("12.34"),))
    rid = Record.decode(place.box.bodies[-1]).rid
    record = printed(body, rid, 0)
    record["picture"] |= changes
    place.box.write(PRINT, record)
    place.push()


def test_other_dots_are_said_to_be_a_redrawing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the library draws one stroke otherwise: the collector says so when it gathers, and the
    verifier that nothing is proved by this picture."""
    place.weigh(1)
    place.push()
    monkeypatch.setattr("hazgate_protocols.label.render.BLACK_FROM", fonts.BLACK_FROM + 40)
    made = place.gathered(1)
    (remark,) = made.remarks
    assert remark.startswith(
        "the picture of the label (record 3) is a re-drawing and proves nothing: the box drew it with"
    )
    assert "was drawn again, and its dots are not those that were sent" in said(made.data, Verdict.OPEN)
    assert "dot for dot" not in said(made.data, Verdict.PROVED)


def test_another_font_is_tried_before_it_is_called_a_redrawing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The box may have had another of the usual fonts than the first that the collector has."""
    place.weigh(1)
    place.push()
    other = tmp_path / "other.ttc"
    other.write_bytes(find_font().read_bytes())
    broken = tmp_path / "aaa.ttc"
    broken.write_bytes(find_font().read_bytes())
    drawn = pictures._drawn

    def drawing(document: Any, side_mm: int, dots_per_mm: int, font: Path) -> Any:
        if font != broken:
            return drawn(document, side_mm, dots_per_mm, font)
        picture, _ = drawn(document, side_mm, dots_per_mm, font)
        return type(picture)(picture.width, picture.height, bytes(len(picture.rows))), "another font"

    monkeypatch.setattr(fonts, "FONT_PLACES", ((broken, "x"), (tmp_path / "none", "x"), (other, "y")))
    monkeypatch.setattr(pictures, "_drawn", drawing)
    made = place.gathered(1)
    assert made.remarks == ()
    assert "other.ttc" in decode_bundle(made.data).of(PICTURE)[0]["drawn_by"]
    assert "dot for dot what the box sent" in said(made.data, Verdict.PROVED)


def test_without_a_font_the_file_has_no_picture_and_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is proved as ever; the remark names the package to install."""
    place.weigh(1)
    place.push()
    nowhere = ((Path("/nowhere/font.ttc"), "fonts-wqy-microhei"),)
    monkeypatch.setattr(fonts, "FONT_PLACES", nowhere)
    monkeypatch.setattr(fonts.find_font, "__defaults__", (nowhere,))
    made = place.gathered(1)
    (remark,) = made.remarks
    assert "is not in the file" in remark
    assert "fonts-wqy-microhei" in remark
    assert "What the printed label looked like: the file has no picture of it" in said(made.data, Verdict.OPEN)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 799}, "799 x 800 dots are no label of 100 mm"),
        ({"width": 800_000, "height": 800_000}, "are no label of 100 mm"),
        ({"texts": {}}, "the print record lacks the label's 'category'"),
        ({"texts": "none"}, "'texts' are no texts"),
        ({"sha256": 7}, "'sha256' is no text"),
    ],
)
def test_a_hostile_print_record_is_a_remark(place: Place, changes: dict[str, Any], says: str) -> None:
    """Nothing a box writes keeps the evidence from being made."""
    weigh_printed(place, **changes)
    made = place.gathered(1)
    assert says in "\n".join(made.remarks)
    assert decode_bundle(made.data).of(PICTURE) == []
    assert "dot for dot" not in said(made.data, Verdict.PROVED)


def test_texts_that_fit_no_label_are_a_remark(place: Place) -> None:
    """The renderer's own words, with the field."""
    weigh_printed(place, texts={**printed(weighing_body(1), "x", 0)["picture"]["texts"], "contact": "长" * 2000})
    (remark,) = place.gathered(1).remarks
    assert "contact" in remark


def test_the_number_of_pictures_is_bounded_and_the_rest_is_said(place: Place) -> None:
    """The original and the first copies; the verifier names each that is missing."""
    place.weigh(1)
    own = Record.decode(place.box.bodies[1])
    for copy in range(1, pictures.PICTURES_MAX + 2):
        place.box.write(PRINT, printed(own.body, own.rid, copy))
    place.push()
    made = place.gathered(1)
    assert len(decode_bundle(made.data).of(PICTURE)) == pictures.PICTURES_MAX
    assert len(made.remarks) == 2
    assert said(made.data, Verdict.OPEN).count("the file has no picture of it") == 2


def test_a_box_that_names_no_picture_is_said(place: Place) -> None:
    """An older box, or one that was cut off while printing."""
    weigh_printed(place)
    own = Record.decode(place.box.bodies[1])
    place.box.write(PRINT, {"rid": own.rid, "copy": 1, "state": "unknown", "by": "restart", "detail": ""})
    place.push()
    assert "Which picture was printed as copy 1: the box wrote none" in said(place.evidence(1), Verdict.OPEN)


def test_the_pictures_and_certificates_are_written_out(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For an auditor's eyes and other tools; what is there is never replaced."""
    place.weigh(1)
    place.reprint()
    asyncio.run(place.settle())
    file, folder = tmp_path / "bag.hazgate", tmp_path / "out"
    file.write_bytes(place.evidence(1))
    assert main([str(file), "--extract", str(folder)]) == 0
    first, second = (part.line for part in decode_bundle(file.read_bytes()).of(PICTURE))
    names = {f"label-line-{first}.png", f"label-line-{second}.png", "box.pem", "collector.pem", "root.pem"}
    assert {path.name for path in folder.iterdir()} == names
    assert "Written into" in capsys.readouterr().out
    assert main([str(file), "--root", str(folder / "root.pem")]) == 0
    assert capsys.readouterr().out.endswith("PROVED, within the limits above.\n")
    (folder / "box.pem").unlink()
    assert main([str(file), "--extract", str(folder)]) == 2
    refused = capsys.readouterr()
    assert "give another folder" in refused.err
    assert refused.out == ""
    assert not (folder / "box.pem").exists()


@pytest.mark.parametrize("option", ["--root", "--checkpoint"])
def test_a_file_from_elsewhere_that_is_not_there_is_misuse(
    place: Place, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named, and nothing is judged."""
    place.weigh(1)
    place.push()
    file = tmp_path / "bag.hazgate"
    file.write_bytes(place.evidence(1))
    with pytest.raises(SystemExit) as ended:
        main([str(file), option, str(tmp_path / "nowhere")])
    assert ended.value.code == 2
    assert "nowhere" in capsys.readouterr().err

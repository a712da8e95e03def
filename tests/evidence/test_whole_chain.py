"""Evidence of a bag that went the real way: bytes on a pty or a socket; box, broker, collector, core as processes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner

from hazgate_cloud.cli import app
from hazgate_cloud.config import load
from hazgate_cloud.keys import own_key
from hazgate_edge.domain.view import PrintState, SyncState
from hazgate_protocols.certificate import decode_certificate
from hazgate_protocols.evidence.bundle import PICTURE, RECORD, decode_bundle
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.pictures import picture_of
from hazgate_protocols.evidence.report import Verdict
from hazgate_protocols.label.picture import encode_png
from hazgate_protocols.label.tspl import raster
from hazgate_simulators.demo.stack import Stack
from system.operator import Operator, working

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


async def accepted_bag(operator: Operator, kilograms: str) -> str:
    """The label number of a bag that was printed, accepted, and whose acceptance is back on the box."""
    await operator.take_off()
    done = await operator.weigh(kilograms)
    row = await operator.row(
        done.rid, lambda row: row.sync is SyncState.ACCEPTED and row.print_state is PrintState.PRINTED, "accepted"
    )
    await operator.live(lambda live: live.pending == 0 and bool(live.confirmed_at), "all confirmed")
    return row.label


@pytest.mark.parametrize(
    ("scale", "options"),
    [("mt-sics", None), ("modbus-laumas", {"decimals": 2})],
)
async def test_the_raw_bytes_of_a_weighed_bag_give_its_weight_again(
    tmp_path: Path, scale: str, options: dict[str, object] | None
) -> None:
    """From the scale's bytes to the core's answer, and with the settings of the site where it has any."""
    async with working(Stack(tmp_path / "stack", scale=scale)) as operator:
        label = await accepted_bag(operator, "12.34")
        config, out = operator.stack.cloud_config, tmp_path / "bag.hazgate"
        written = CliRunner().invoke(app, ["evidence", label, "--config", str(config), "--out", str(out)])
        assert written.exit_code == 0, written.output
        (on_paper,) = (operator.stack.folder / "labels").glob("*.png")
        with Image.open(on_paper) as paper:
            printed = paper.convert("1", dither=Image.Dither.NONE)
        root = CliRunner().invoke(app, ["root", "--config", str(config)])
    bundle = decode_bundle(out.read_bytes())
    report = check(bundle, collector_key=own_key(load(config).key_file).public())
    assert [finding.text for finding in report.findings if finding.verdict is Verdict.FAILED] == []
    proved = "\n".join(finding.text for finding in report.findings if finding.verdict is Verdict.PROVED)
    assert "give exactly 12.34 kg = 12340000 mg" in proved
    assert "label printed" in proved
    assert "dot for dot what the box sent to the printer as label" in proved
    assert "says: the chain's key is that of box" in proved
    shown = picture_of(bundle.of(PICTURE)[0])
    assert shown.rows == raster(printed)  # what came out of the printer, burnt by a program of its own
    with Image.open(io.BytesIO(encode_png(shown))) as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    assert code.text.endswith(f"/t/{label}")
    trusted = check(bundle, root=decode_certificate(root.stdout.encode()))
    assert trusted.holds
    assert trusted.keys_known
    assert "means accepted" in proved
    assert "wrote it into its own chain" in proved
    records = [json.loads(part["bytes"]) for part in bundle.of(RECORD)]
    own = next(record for record in records if record["kind"] == "weighing")
    assert own["dev"].get("options") == options

"""A really full disk: a tmpfs of 3 MB in a name space of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from storage.full import RECEIPTS
from storage.judge import violations
from storage.tracing import TESTS

# In a chroot "/" is no mount point and cannot be made private; there it is so already.
MOUNT = (
    "mount --make-rprivate / 2>/dev/null;"
    ' mount -t tmpfs -o size=3m,mode=700 none "$1" && "$2" -m storage.full "$1" && cp -a "$1" "$3"'
)
UNSHARE = ["unshare", "--mount", "--propagation", "unchanged"]
ON_OWN_DISK = [*UNSHARE, "sh", "-c", MOUNT, "sh"]
AS_USER = [*UNSHARE, "--map-root-user", "sh", "-c", MOUNT, "sh"]


@pytest.mark.system
@pytest.mark.fault(12, 13)
def test_on_a_full_disk_sending_goes_on_and_weighing_comes_back_with_the_room(tmp_path: Path) -> None:
    """The ballast lets receipts through; when that is used up too, each weighing is refused and told; with the room
    back, weighing goes on. Nothing that was told is missing, nothing that was refused appears."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [*(ON_OWN_DISK if os.geteuid() == 0 else AS_USER), str(disk), sys.executable, str(kept)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert ended.returncode == 0, f"needs the right to mount a tmpfs, as root or in a user name space: {ended.stderr}"
    acts = [line.split() for line in ended.stdout.splitlines()]
    assert [act for act in acts if act[0] == "unsent"] == []
    assert len([act for act in acts if act[0] == "sent"]) == RECEIPTS
    assert ["ballast", "False"] in acts, "the receipts were to need it"
    refused = [act for act in acts if act[0] == "refused"]
    assert len(refused) == 2
    assert {act[2] for act in refused} == {"SQLITE_FULL"}
    assert acts[-2:] == [["weighed", refused[0][1]], ["ballast", "True"]]
    weighed = [act[1] for act in acts if act[0] == "weighed"]
    saved = {f"press-{number}": f"91130606MA0TETT01H9002140820261123{int(number):03d}" for number in weighed}
    assert violations(kept, saved, count=0) == []
    shutil.rmtree(kept)

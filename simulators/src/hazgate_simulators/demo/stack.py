"""The processes of the demo, each with its own folder and log; every one can be killed and started again.

broker     mosquitto with an account and an access rule for each party
core       hazgate-sim core        the regulatory core
site       hazgate-sim site        scale on a pty or TCP, label printer, page to put bags on
cloud      hazgate-cloud run       collector, forwarder, trace page
edge       hazgate-edge run        the box with its terminal
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hazgate_simulators.demo.broker import Mosquitto, free_port
from hazgate_simulators.demo.scales import SCALES, scale_kind

BOX = "box-demo-01"
UNIT_CODE = "91130606MA0TETT01H"  # synthetic; its check character is right
READY_S_MAX = 40.0
LOG_TAIL_CHARS = 1500
STOP_S = 8.0

_BOX_RULES = """user {box}
topic write hz/1/{box}/push
topic write hz/1/{box}/fetch
topic write hz/1/{box}/live
topic write hz/1/{box}/tele
topic read hz/1/{box}/have
topic read hz/1/{box}/need
topic read hz/1/{box}/give
topic read hz/1/{box}/took
topic read hz/1/{box}/cmd
"""
_COLLECTOR_RULES = """user collector
topic read hz/1/+/push
topic read hz/1/+/fetch
topic read hz/1/+/live
topic read hz/1/+/tele
topic write hz/1/+/have
topic write hz/1/+/need
topic write hz/1/+/give
topic write hz/1/+/took
topic write hz/1/+/cmd
"""

_EDGE = """# The demo's box. `hazgate-edge check-config --config THIS` explains what is wrong with a change.
box: {box}
data_folder: {folder}
site: 保定示范站
unit:
  code: {unit}
  name: 保定示范机械有限公司
  contact: 张三 0312-5550100
operators: [张三, 李四]
collector:
  public_key: "{collector_key}"
  trace_url: {cloud_url}/t/
broker:
  host: 127.0.0.1
  port: {broker_port}
  username: {box}
  password_file: {password_file}
scales:
  - id: platform-1
    profile: {profile}
    link: {link}
    options: {options}
    capacity: "{capacity} kg"
    minimum: "{minimum} kg"
    empty_below: "{empty_below} kg"
    division: "{division} kg"
printer:
  kind: tcp
  host: 127.0.0.1
  port: {printer_port}
label_qr_base: {qr_base}
terminal:
  host: 127.0.0.1
  port: {terminal_port}
containers:
  - {{id: bag-50, name: 编织袋 50 L, volume_l: 50}}
  - {{id: pail-20, name: 塑料桶 20 L, volume_l: 20}}
wastes:
  - code: 900-214-08
    name: 废矿物油
    form: 液态
    main_components: 矿物油、添加剂
    harmful_components: 石油烃、重金属
    precautions: 密封存放，远离火源；泄漏时用吸油棉收集
    containers: [pail-20, bag-50]
  - code: 900-041-49
    name: 沾染废包装物
    form: 固态
    main_components: 塑料、金属、残留化学品
    harmful_components: 有机溶剂、树脂
    precautions: 勿与食品混放；戴手套搬运
    containers: [bag-50]
  - code: 900-249-08
    name: 含油废抹布手套
    form: 固态
    main_components: 棉纱、矿物油
    harmful_components: 石油烃
    precautions: 远离火源；不得与氧化剂混放
    containers: [bag-50]
  - code: 336-064-17
    name: 表面处理废液槽渣
    form: 半固态
    main_components: 金属氢氧化物、水
    harmful_components: 镍、铬、酸
    precautions: 防渗漏；避免与碱、氰化物接触
    containers: [pail-20, bag-50]
  - code: 900-039-49
    name: 废活性炭
    form: 固态
    main_components: 活性炭
    harmful_components: 挥发性有机物
    precautions: 密封存放，防自燃
    containers: [bag-50]
  - code: 900-252-12
    name: 废漆渣
    form: 半固态
    main_components: 树脂、颜料
    harmful_components: 苯系物
    precautions: 远离火源，保持通风
    containers: [bag-50, pail-20]
"""

_CLOUD = """# The demo's collector.
data_folder: {folder}
broker:
  host: 127.0.0.1
  port: {broker_port}
  username: collector
  password_file: {password_file}
listen: {{host: 127.0.0.1, port: {port}}}
public_url: {url}
core: {{url: "{core_url}", timeout_s: {core_timeout_s}}}
"""


class StackError(RuntimeError):
    """A part did not come up; the text names it and ends with its log."""


class Part:
    """One process with its log."""

    def __init__(self, name: str, arguments: list[str], folder: Path, ready: Callable[[], bool]) -> None:
        self.name = name
        self.arguments = arguments
        self.log = folder / f"{name}.log"
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def pid(self) -> int:
        """Raises StackError when it does not run."""
        if self._process is None:
            raise StackError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.running and self._ready()

    def start(self, *, wait: bool = True) -> None:
        """Start; with wait, return when it answers."""
        with self.log.open("ab") as log:
            self._log_from = log.tell()
            self._process = subprocess.Popen(
                self.arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Raises StackError with the end of the log."""
        deadline = time.monotonic() + READY_S_MAX
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                raise StackError(f"{self.name} did not come up:\n{self.last_words()}")
            time.sleep(0.02)

    def log_since_start(self) -> bytes:
        """What it wrote since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read()

    def last_words(self) -> str:
        """The end of what it wrote since it was started last."""
        return self.log_since_start().decode("utf-8", "replace")[-LOG_TAIL_CHARS:]

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask to stop; kill after the budget."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def command(name: str) -> str:
    """The path of one of our console scripts: beside this interpreter, else on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise StackError(f"{name} is not installed; run tools/setup")
    return found


class Stack:
    """The whole chain in a folder, on free loopback ports."""

    def __init__(
        self,
        folder: Path,
        *,
        scale: str = "yaohua-tf0",
        seed: int = 1,
        core_timeout_s: float = 5,
        replay: str = "",
        terminal_port: int = 0,
        cloud_port: int = 0,
        site_port: int = 0,
        settings: str = "",
        suite: str = "",
    ) -> None:
        """settings: further lines of the box's configuration, such as "numbers: {first: 1, last: 499}". suite: of the
        box's chain, "" for the default."""
        self._settings = settings + (f"suite: {suite}\n" if suite else "")
        self._suite = ("--suite", suite) if suite else ()
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.kind = scale_kind(scale)
        self._seed = seed
        self._collector_key = ""
        self.wishes = folder / "wanted-device"
        self._core_timeout_s = core_timeout_s
        self.ports = {
            "terminal": terminal_port or free_port(),
            "cloud": cloud_port or free_port(),
            "site": site_port or free_port(),
            "core": free_port(),
            "printer": free_port(),
            "scale": free_port(),
        }
        self.terminal_url = f"http://127.0.0.1:{self.ports['terminal']}"
        self.cloud_url = f"http://127.0.0.1:{self.ports['cloud']}"
        self.site_url = f"http://127.0.0.1:{self.ports['site']}"
        self.core_url = f"http://127.0.0.1:{self.ports['core']}"
        passwords = {name: self._password(name) for name in (BOX, "collector")}
        self.broker = Mosquitto(
            folder / "broker", accounts=passwords, acl=_BOX_RULES.format(box=BOX) + "\n" + _COLLECTOR_RULES
        )
        self.edge_config = folder / "edge.yaml"
        self.cloud_config = folder / "cloud.yaml"
        self.core = Part("core", self._core_command(), folder, lambda: _answers(f"{self.core_url}/sim/submissions"))
        self.site = Part(
            "site", self._site_command(seed, replay), folder, lambda: _answers(f"{self.site_url}/api/state")
        )
        self.cloud = Part(
            "cloud",
            [command("hazgate-cloud"), "run", "--config", str(self.cloud_config)],
            folder,
            lambda: _answers(f"{self.cloud_url}/health"),
        )
        self.edge = Part(
            "edge",
            [command("hazgate-edge"), "run", "--config", str(self.edge_config)],
            folder,
            lambda: b"ready; terminal on" in self.edge.log_since_start(),
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """In the order they are started."""
        return (self.core, self.site, self.cloud, self.edge)

    def start(self, tell: Callable[[str], None] = lambda _text: None) -> None:
        """Everything, in order; `tell` hears what is being waited for."""
        tell("broker (mosquitto)")
        self.broker.start()
        self._write_cloud_config()
        own = self._run("hazgate-cloud", "identity", *self._suite, "--config", str(self.cloud_config))
        self._collector_key = own.split()[-1]
        self._write_edge_config()
        box, key, unit = self._run("hazgate-edge", "identity", "--config", str(self.edge_config)).split()
        if not self._knows(box):
            self._run(
                *("hazgate-cloud", "box", "add", box, "--public-key", key, "--unit-code", unit),
                *("--name", "保定示范站", "--config", str(self.cloud_config)),
            )
        for part in (self.core, self.site, self.cloud):
            tell(part.name)
            part.start()
        tell("edge")
        self.start_edge()

    def start_edge(self, *, wait: bool = True) -> None:
        """The box."""
        self.edge.start(wait=wait)

    def switch_scale(self, profile: str) -> None:
        """Put another device on the platform: box and site stop, get its configuration and start again.

        Raises StackError when one does not come up; KeyError for a profile there is not.
        """
        before, self.kind = self.kind, scale_kind(profile)
        self.edge.stop()
        self.site.stop()
        self._write_edge_config()
        self.site.arguments = [*self._site_command(self._seed, ""), "--before", before.profile]
        self.site.start()
        self.start_edge()

    def wanted_scale(self) -> str | None:
        """The device somebody asked for on the scale's page, once; None when nobody did or it is there already."""
        try:
            wanted = self.wishes.read_text("utf-8").strip()
        except OSError:
            return None
        self.wishes.unlink(missing_ok=True)
        return wanted if wanted in SCALES and wanted != self.kind.profile else None

    def stop(self) -> None:
        """Everything, the other way round."""
        for part in reversed(self.parts):
            part.stop()
        self.broker.stop()

    def __enter__(self) -> Stack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _password(self, name: str) -> str:
        path = self.folder / f"{name}.password"
        if not path.exists():
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(secrets.token_urlsafe(24))
        return path.read_text("utf-8")

    def _write_cloud_config(self) -> None:
        self.cloud_config.write_text(
            _CLOUD.format(
                folder=self.folder / "collector",
                broker_port=self.broker.port,
                password_file=self.folder / "collector.password",
                port=self.ports["cloud"],
                url=self.cloud_url,
                core_url=self.core_url,
                core_timeout_s=self._core_timeout_s,
            ),
            "utf-8",
        )

    def _write_edge_config(self) -> None:
        self.edge_config.write_text(
            _EDGE.format(
                box=BOX,
                folder=self.folder / "box",
                unit=UNIT_CODE,
                collector_key=self._collector_key,
                cloud_url=self.cloud_url,
                broker_port=self.broker.port,
                password_file=self.folder / f"{BOX}.password",
                link=self._box_link(),
                **self.kind.settings,
                printer_port=self.ports["printer"],
                qr_base=f"{self.cloud_url}/t/",
                terminal_port=self.ports["terminal"],
            )
            + self._settings,
            "utf-8",
        )

    def _box_link(self) -> str:
        pty, port = self.folder / "scale", self.ports["scale"]
        return {
            "pty": f"{{kind: serial, port: {pty}}}",
            "tcp": f"{{kind: tcp, host: 127.0.0.1, port: {port}}}",
            "modbus-rtu": f"{{kind: modbus-rtu, port: {pty}}}",
            "hid": f"{{kind: hid, port: {pty}}}",
            "modbus-tcp": f"{{kind: modbus-tcp, host: 127.0.0.1, port: {port}}}",
        }[self.kind.transport]

    def _site_command(self, seed: int, replay: str) -> list[str]:
        transport, port = self.kind.transport, self.ports["scale"]
        link = (
            f"{transport}:{self.folder / 'scale'}"
            if transport in ("pty", "modbus-rtu", "hid")
            else f"{transport}:127.0.0.1:{port}"
        )
        return [
            *(command("hazgate-sim"), "site", "--profile", self.kind.profile, "--scale-link", link),
            *("--printer-port", str(self.ports["printer"]), "--labels", str(self.folder / "labels")),
            *("--listen", f"127.0.0.1:{self.ports['site']}", "--seed", str(seed), "--wishes", str(self.wishes)),
            *(("--replay", replay) if replay else ()),
        ]

    def _core_command(self) -> list[str]:
        return [
            *(command("hazgate-sim"), "core", "--folder", str(self.folder / "core")),
            *("--port", str(self.ports["core"])),
        ]

    def _knows(self, box: str) -> bool:
        """Whether the collector has it registered: a kept folder's has. Any other trouble is said by what follows."""
        return not self._ended("hazgate-cloud", "box", "show", box, "--config", str(self.cloud_config)).returncode

    def _ended(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([command(name), *arguments], capture_output=True, text=True, timeout=60, check=False)

    def _run(self, name: str, *arguments: str) -> str:
        done = self._ended(name, *arguments)
        if done.returncode:
            raise StackError(f"{name} {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout


def ask(url: str, given: dict[str, Any] | None = None, *, timeout_s: float = 10) -> Any:
    """GET, or POST when something is given; the JSON answer. Raises OSError."""
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - loopback addresses of our own
        return json.loads(answer.read())


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback addresses of our own
            return bool(answer.status == 200)
    except OSError:
        return False

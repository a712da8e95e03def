"""The box's configuration: one YAML file, every key known, every error with file, line, key and what is allowed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hazgate_edge.scale.names import check_name
from hazgate_protocols.journal.record import BOX_PATTERN
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, SUITES, Suite, SuiteMissingError, require_suite
from hazgate_protocols.mass import Mass

CONFIG_BYTES_MAX = 256 * 1024
TELEMETRY_POINTS_MAX = 200  # of all sources together


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has a line each: file:line: key: what is wrong, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _mass(value: Any) -> Mass:
    if isinstance(value, str) and (found := re.fullmatch(r"(-?\d+(?:\.\d+)?) ?(kg|g|t)", value)):
        return Mass.of(Decimal(found[1]), found[2])
    raise ValueError('a mass with its unit in quotes, such as "0.2 kg", is wanted')


def _box(value: str) -> str:
    if not BOX_PATTERN.fullmatch(value):
        raise ValueError("3 to 40 lower-case letters, digits and hyphens are allowed, such as box-0001")
    return value


def _hex_key(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}|04[0-9a-f]{128}", value):
        raise ValueError(
            "64 hex digits are wanted (130 that begin with 04 for sm3+sm2): the line `hazgate-cloud identity` prints"
        )
    return value


MassValue = Annotated[Mass, BeforeValidator(_mass)]
PathValue = Annotated[Path, Field(strict=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
PortName = Annotated[Text, AfterValidator(check_name)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class Unit(_Part):
    """The enterprise: what the label says of it."""

    code: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$")]  # unified social credit code
    name: Text
    contact: Text


class SerialLink(_Part):
    """A serial port; what is not given comes from the profile."""

    kind: Literal["serial"]
    port: PortName
    baud: Literal[600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] | None = None
    bits: Literal[7, 8] | None = None
    parity: Literal["N", "E", "O"] | None = None
    stop: Literal[1, 2] | None = None


class TcpLink(_Part):
    """A serial server."""

    kind: Literal["tcp"]
    host: Text
    port: Port


class ModbusRtuLink(_Part):
    """A Modbus transmitter on a serial port."""

    kind: Literal["modbus-rtu"]
    port: PortName
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] | None = None
    parity: Literal["N", "E", "O"] | None = None
    stop: Literal[1, 2] | None = None


class HidLink(_Part):
    """A USB HID scale: a name that stays, such as usb:0922:8003@1-1.4, or a device file."""

    kind: Literal["hid"]
    port: PortName


class ModbusTcpLink(_Part):
    """A Modbus transmitter on the network."""

    kind: Literal["modbus-tcp"]
    host: Text
    port: Port = 502


Coil = Annotated[int, Field(ge=0, le=65535)]


class VehicleSwitches(_Part):
    """A Modbus TCP input and output module beside a weighbridge; addresses count from 0."""

    host: Text
    port: Port = 502
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    front: Coil | None = None
    rear: Coil | None = None
    red: Coil | None = None
    green: Coil | None = None

    @model_validator(mode="after")
    def _pairs(self) -> VehicleSwitches:
        if (self.front is None) != (self.rear is None):
            raise ValueError("front and rear go together: one sensor alone cannot say that a vehicle is fully on")
        if (self.red is None) != (self.green is None):
            raise ValueError("red and green go together")
        if self.front is None and self.red is None:
            raise ValueError("give front and rear, or red and green, or leave switches out")
        if (self.front is not None and self.front == self.rear) or (self.red is not None and self.red == self.green):
            raise ValueError("two of the addresses are the same")
        return self


class Vehicle(_Part):
    """How this scale weighs vehicles."""

    weighing: Literal["platform", "axles"] = "platform"
    switches: VehicleSwitches | None = None

    @model_validator(mode="after")
    def _sensors(self) -> Vehicle:
        if self.weighing == "axles" and self.switches is not None and self.switches.front is not None:
            raise ValueError("front and rear say that a whole vehicle is on; they are of no use for single axles")
        return self


class Scale(_Part):
    """One indicator and the limits of its platform."""

    id: Id
    profile: Text
    link: Annotated[SerialLink | TcpLink | ModbusRtuLink | ModbusTcpLink | HidLink, Field(discriminator="kind")]
    options: dict[str, str | int | bool] = {}
    capacity: MassValue
    minimum: MassValue
    empty_below: MassValue
    division: MassValue
    use: Literal["bag", "vehicle"] = "bag"
    vehicle: Vehicle | None = None

    @model_validator(mode="after")
    def _order(self) -> Scale:
        if self.vehicle is not None and self.use != "vehicle":
            raise ValueError("vehicle goes with `use: vehicle`")
        if not Mass(0) < self.division <= self.minimum < self.capacity:
            raise ValueError("0 < division <= minimum < capacity must hold")
        if not Mass(0) < self.empty_below <= self.minimum:
            raise ValueError("0 < empty_below <= minimum must hold, or a bag could pass for an empty scale")
        return self


class Printer(_Part):
    """The label printer, with pre-printed orange stock: only the black layer is printed. Without a profile it is a
    TSPL printer as dots_per_mm, head_mm and answers_status say; with one these three come from there."""

    kind: Literal["tcp", "file", "usb", "serial", "cups", "folder"]
    profile: Text | None = None
    host: Text | None = None
    port: Port = 9100
    path: Text | None = None
    usb_model: Text | None = None
    usb_serial: Text | None = None
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 115200
    queue: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$")] | None = None
    dots_per_mm: Literal[8, 12] = 8
    head_mm: Annotated[int, Field(ge=40, le=220)] = 104
    gap_mm: Annotated[int, Field(ge=0, le=20)] = 2
    answers_status: bool = True
    turn: Literal[0, 90, 180, 270] = 0
    proof_slips: bool = False

    @model_validator(mode="after")
    def _target(self) -> Printer:
        if self.kind == "tcp" and self.host is None:
            raise ValueError("a printer of kind tcp needs a host")
        if self.kind == "file" and self.path is None:
            raise ValueError("a printer of kind file needs a path, such as /dev/usb/lp0")
        if self.kind == "serial" and self.path is None:
            raise ValueError("a printer of kind serial needs a path, such as /dev/ttyS0")
        if self.kind == "folder" and (self.path is None or self.profile is None):
            raise ValueError("a printer of kind folder needs a path and a profile, such as pdf-folder")
        if self.kind == "usb" and self.usb_model is None and self.usb_serial is None:
            raise ValueError("a printer of kind usb needs usb_model or usb_serial, as `doctor` shows them")
        if self.kind == "cups" and self.queue is None:
            raise ValueError("a printer of kind cups needs the name of its queue, as `lpstat -p` shows it")
        if self.proof_slips and self.profile is None:
            raise ValueError("proof_slips goes with the profile of a receipt printer, such as escpos-80")
        return self


class KeyboardLink(_Part):
    """A scanner that plays a USB keyboard: found by its name below /dev/input, or by vendor, product and USB port."""

    kind: Literal["keyboard"]
    device: Text | None = None
    vendor: Annotated[str, Field(pattern=r"^[0-9a-f]{4}$")] | None = None
    product: Annotated[str, Field(pattern=r"^[0-9a-f]{4}$")] | None = None
    usb_port: Annotated[str, Field(pattern=r"^\d+-\d+(\.\d+)*$")] | None = None

    @model_validator(mode="after")
    def _named(self) -> KeyboardLink:
        by_id = self.vendor is not None and self.product is not None
        if by_id == (self.device is not None) or (self.device is not None and self.vendor != self.product):
            raise ValueError("either device is wanted, such as /dev/input/by-id/NAME, or vendor and product")
        return self


class Scanner(_Part):
    """A code scanner that the box reads itself, wherever the operator's page is."""

    id: Id
    profile: Text
    link: Annotated[SerialLink | TcpLink | KeyboardLink, Field(discriminator="kind")]
    suffix: Literal["cr", "lf", "crlf", "line", "tab", "none"] | None = None


class Broker(_Part):
    """The MQTT 5 broker; the password stands alone in a file of mode 0600."""

    host: Text
    port: Port = 1883
    username: Text | None = None
    password_file: PathValue | None = None
    tls_ca_file: PathValue | None = None


class Collector(_Part):
    """Whose receipts count."""

    public_key: Annotated[str, AfterValidator(_hex_key)]
    trace_url: str = ""


class Waste(_Part):
    """A waste of this unit as the label names it."""

    code: Annotated[str, Field(pattern=r"^\d{3}-\d{3}-\d{2}$")]
    name: Text
    form: Literal["固态", "半固态", "液态", "气态"]
    main_components: Text
    harmful_components: Text
    precautions: Text
    hazards: Annotated[tuple[Literal["T", "C", "I", "R", "In"], ...], Field(min_length=1, strict=False)] | None = None
    containers: Annotated[tuple[Id, ...], Field(min_length=1, strict=False)]


class Container(_Part):
    """A kind of container; the volume in litres decides the label's size (HJ 1276-2022)."""

    id: Id
    name: Text
    volume_l: Annotated[int, Field(ge=1, le=100_000)]


class Numbers(_Part):
    """Where this box's label sequence numbers come from: leased by the collector, or a range agreed by hand."""

    first: Annotated[int, Field(ge=1, le=999)] | None = None
    last: Annotated[int, Field(ge=1, le=999)] | None = None
    a_day: Annotated[int, Field(ge=1, le=999)] = 100

    @model_validator(mode="after")
    def _order(self) -> Numbers:
        if self.fixed is not None:
            if self.fixed[0] > self.fixed[1]:
                raise ValueError("first must not be greater than last")
            if "a_day" in self.model_fields_set:
                raise ValueError("a_day goes with leased numbers; leave it out, or leave out first and last")
        return self

    @property
    def fixed(self) -> tuple[int, int] | None:
        """First and last of the range agreed by hand, None when the collector leases numbers."""
        return None if self.first is None and self.last is None else (self.first or 1, self.last or 999)


class ListenLink(_Part):
    """A TCP address of this machine to which a monitor sends HJ 212 frames."""

    kind: Literal["tcp-listen"]
    host: Text = "0.0.0.0"  # noqa: S104 a monitor calls from outside; the address may be narrowed
    port: Port


class TelemetrySource(_Part):
    """A device with measuring points, and how it is reached: Modbus devices are asked, HJ 212 monitors send."""

    id: Id
    profile: Text
    link: Annotated[ModbusTcpLink | ModbusRtuLink | ListenLink | SerialLink, Field(discriminator="kind")]
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    mn: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,24}$")] | None = None
    late_s: Annotated[int, Field(ge=10, le=86_400)] = 600
    answers: bool = True


class Telemetry(_Part):
    """Working conditions: the devices whose measuring points are read."""

    sources: Annotated[tuple[TelemetrySource, ...], Field(max_length=16, strict=False)] = ()


class Terminal(_Part):
    """Where the operator's page is served."""

    host: str = "127.0.0.1"
    port: Port = 8600
    allowed_hosts: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Config(_Part):
    """The whole file."""

    box: Annotated[str, AfterValidator(_box)]
    data_folder: PathValue
    suite: Literal["sha256+ed25519", "sm3+sm2"] = "sha256+ed25519"
    site: Text
    unit: Unit
    operators: Annotated[tuple[Text, ...], Field(min_length=1, strict=False)]
    collector: Collector
    broker: Broker
    scales: Annotated[tuple[Scale, ...], Field(min_length=1, max_length=1, strict=False)]
    printer: Printer
    scanners: Annotated[tuple[Scanner, ...], Field(max_length=8, strict=False)] = ()
    label_qr_base: str = ""
    label_font: PathValue | None = None
    numbers: Numbers = Numbers()
    telemetry: Telemetry = Telemetry()
    terminal: Terminal = Terminal()
    containers: Annotated[tuple[Container, ...], Field(min_length=1, strict=False)]
    wastes: Annotated[tuple[Waste, ...], Field(min_length=1, strict=False)]

    @property
    def scale(self) -> Scale:
        """The one scale this version takes."""
        return self.scales[0]

    @property
    def chain_suite(self) -> Suite:
        """The suite that a chain founded now is made of."""
        return SUITES[self.suite]

    def container(self, container_id: str) -> Container | None:
        """A container by id."""
        return next((container for container in self.containers if container.id == container_id), None)

    def waste(self, code: str) -> Waste | None:
        """A waste by its code."""
        return next((waste for waste in self.wastes if waste.code == code), None)

    def digest(self) -> str:
        """SHA-256 over the configuration's meaning, stored with every record."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Config:
    """Read and check. Raises ConfigError with every problem found, not only the first."""
    try:
        text = path.read_bytes()[: CONFIG_BYTES_MAX + 1].decode()
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be read: {exc.strerror}"]) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError([f"{path}: byte {exc.start} is not UTF-8; save the file as UTF-8"]) from exc
    if len(text) > CONFIG_BYTES_MAX:
        raise ConfigError([f"{path}: longer than {CONFIG_BYTES_MAX} bytes"])
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError([f"{path}:{line}: not YAML: {exc.problem}"]) from exc
    if not isinstance(value, dict) or tree is None:
        raise ConfigError([f"{path}:1: a mapping of settings is wanted"])
    problems = [f"{path}:{line}: {key}: given twice" for line, key in _twice(tree)]
    config: Config | None = None
    try:
        config = Config.model_validate(value)
    except ValidationError as exc:
        found = exc.errors()
        problems += [
            f"{path}:{line_of(tree, error['loc'])}: {name_of(error['loc'])}: {_why(error)}"
            for error in found
            if not _follows_from_another(error, found)
        ]
    if config is not None:
        problems += [f"{path}:{line_of(tree, where)}: {name_of(where)}: {what}" for where, what in cross_checks(config)]
    if problems or config is None:
        raise ConfigError(problems)
    return config


def cross_checks(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What no single key can know: references, duplicates, label against print head."""

    yield from _suite_checks(config.chain_suite, bytes.fromhex(config.collector.public_key))
    yield from _telemetry_checks(config.telemetry)
    known = {container.id for container in config.containers}
    for name, ids in (
        ("containers", [container.id for container in config.containers]),
        ("wastes", [waste.code for waste in config.wastes]),
        ("scanners", [scanner.id for scanner in config.scanners]),
    ):
        for index, item in enumerate(ids):
            if item in ids[:index]:
                yield (name, index), f"{item} stands twice"
    ports = [getattr(config.scale.link, "port", None)]
    for index, scanner in enumerate(config.scanners):
        if isinstance(scanner.link, SerialLink):
            if scanner.link.port in ports:
                yield ("scanners", index, "link", "port"), f"{scanner.link.port} is another device's port already"
            ports.append(scanner.link.port)
    for index, waste in enumerate(config.wastes):
        for wanted in waste.containers:
            if wanted not in known:
                yield ("wastes", index, "containers"), f"container {wanted} is not one of {', '.join(sorted(known))}"
    yield from _printer_checks(config)


def _printer_checks(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The printer's profile against the other keys, and every container's label against the head."""
    from hazgate_edge.printing.model import PrinterModelError, contradictions, model_of
    from hazgate_protocols.label.document import label_side_mm

    try:
        model = model_of(config.printer)
    except PrinterModelError as exc:
        yield ("printer", "profile"), str(exc)
        return
    yield from contradictions(config.printer, model)
    if config.printer.proof_slips:
        return  # told by a warning: every label of the unit is then printed elsewhere
    for index, container in enumerate(config.containers):
        side = label_side_mm(container.volume_l)
        why = model.refusal_of(side)
        if why is None:
            continue
        if not model.prints_labels:
            yield (
                ("printer", "profile"),
                f"{why}; proof_slips: true prints slips and leaves the labels to another place",
            )
            return
        what = f"{container.volume_l} L needs a {side} mm label (HJ 1276-2022); {why} or leave this container out"
        if config.printer.profile is None:
            what = (
                f"{container.volume_l} L needs a {side} mm label (HJ 1276-2022), the print head has"
                f" {config.printer.head_mm} mm; use a wider printer or leave this container out"
            )
        yield ("containers", index, "volume_l"), what


def _telemetry_checks(telemetry: Telemetry) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Whether each source has a profile that fits its link; addresses and ids stand once."""
    if not telemetry.sources:
        return
    from hazgate_profiles import telemetry_registry
    from hazgate_profiles.registry import ProfileError

    points = 0
    for index, source in enumerate(telemetry.sources):
        place = ("telemetry", "sources", index)
        before = telemetry.sources[:index]
        if source.id in [other.id for other in before]:
            yield (*place, "id"), f"{source.id} stands twice"
        if isinstance(source.link, ListenLink) and source.link.port in [
            other.link.port for other in before if isinstance(other.link, ListenLink)
        ]:
            yield (*place, "link", "port"), f"{source.link.port} is another source's already"
        try:
            profile = telemetry_registry.load(source.profile)
        except ProfileError as exc:
            yield (*place, "profile"), str(exc)
            continue
        is_modbus = isinstance(source.link, ModbusTcpLink | ModbusRtuLink)
        if is_modbus != (profile.protocol == "modbus"):
            kinds = "modbus-tcp, modbus-rtu" if profile.protocol == "modbus" else "tcp-listen, serial"
            yield (*place, "link", "kind"), f"profile {profile.id} is for {kinds}"
        points += len(profile.points)
        if points > TELEMETRY_POINTS_MAX:
            yield (*place, "profile"), f"{points} points so far; one box reads at most {TELEMETRY_POINTS_MAX}"
        if (profile.protocol == "hj212") != (source.mn is not None):
            yield (*place, "mn"), "goes with an HJ 212 profile, and one needs it: whose frames count"


def _suite_checks(suite: Suite, key: bytes) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Whether this machine can do the suite, and the collector's key is one of it."""
    try:
        require_suite(suite)
    except SuiteMissingError as exc:
        yield ("suite",), f"this machine cannot do {suite.name}: {exc}; OpenSSL 3 as in Debian 12 has it"
        return
    if len(key) != suite.public_key_bytes:
        option = "" if suite is DEFAULT else f" --suite {suite.name}"
        what = f"is no key of suite {suite.name}; the line `hazgate-cloud identity{option}` prints is wanted"
        yield ("collector", "public_key"), what
    elif suite is SM3_SM2:
        from hazgate_protocols.journal.sm2 import is_public

        if not is_public(key):
            yield ("collector", "public_key"), "is no SM2 key (no point of its curve); copy the line again"


def _follows_from_another(error: Any, found: list[Any]) -> bool:
    """A list that is too short because its only item is wrong is no mistake of its own."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found
    )


def _why(error: Any) -> str:
    kind = error["type"]
    given = error.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no setting; check the spelling"
    if kind == "union_tag_invalid":
        return f"kind must be one of {error['ctx']['expected_tags']}{shown}"
    if kind == "string_type":
        return f"a text is wanted; put it in quotes{shown}"
    return str(error["msg"]).removeprefix("Value error, ") + shown


# How pydantic names the branch of a union, which is no key of the file.
_BRANCHES = ("serial", "tcp", "modbus-rtu", "modbus-tcp", "hid", "keyboard", "tcp-listen")


def name_of(where: tuple[str | int, ...]) -> str:
    """A place in the file as people write it: wastes[0].code."""
    out = ""
    for step in where:
        if isinstance(step, int):
            out += f"[{step}]"
        elif step not in _BRANCHES:
            out += f".{step}" if out else step
    return out


def line_of(tree: yaml.Node, where: tuple[str | int, ...]) -> int:
    """The line, from 1, of a place in the file, or of the nearest thing around it that is there."""
    node, line = tree, tree.start_mark.line
    for step in where:
        if isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                if key.value == step:
                    node, line = child, key.start_mark.line
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
    return line + 1


def _twice(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, child in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, key.value
            seen.add(key.value)
            yield from _twice(child)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _twice(child)

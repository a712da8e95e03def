"""`check-config`: everything that is wrong with a configuration, by file, line, key and what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from hazgate_edge.clock import SystemClock, local_date
from hazgate_edge.config import Config, ConfigError, line_of, load, name_of
from hazgate_edge.printing.model import SLOW_S, model_of, seconds_on_the_line
from hazgate_edge.scanning.profiles import scanner_mistakes
from hazgate_edge.wastes import code_findings
from hazgate_protocols.label.document import label_side_mm
from hazgate_protocols.label.printer_profile import PrinterProfile


def run(path: Path) -> int:
    """Print problems (exit 1) or what the box will do (exit 0). Warnings do not fail."""
    try:
        config = load(path)
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        print(f"{len(exc.problems)} problem(s); the box will not start with this file", file=sys.stderr)
        return 1
    errors, warnings = _devices(path, config)
    for text in errors + warnings:
        print(text, file=sys.stderr)
    if errors:
        print(f"{len(errors)} problem(s); mend them before the box is used", file=sys.stderr)
        return 1
    scale = config.scale
    print(f"{path}: good" + (f", {len(warnings)} warning(s)" if warnings else ""))
    print(f"  box {config.box} of {config.unit.name} ({config.unit.code}), site {config.site}")
    print(f"  records sealed with {config.suite}")
    print(f"  scale {scale.id}: profile {scale.profile} on {scale.link.kind}, up to {scale.capacity.to('kg'):f} kg")
    model = model_of(config.printer)
    print(f"  printer {model.id} ({model.language}) on {config.printer.kind}, {_prints(model)}")
    for scanner in config.scanners:
        print(f"  scanner {scanner.id}: profile {scanner.profile} on {scanner.link.kind}")
    fixed = config.numbers.fixed
    numbers = f"leased, {config.numbers.a_day}" if fixed is None else f"{fixed[0]:03d} to {fixed[1]:03d}, never leased,"
    print(f"  {len(config.wastes)} waste(s), label numbers {numbers} a day")
    print(f"  terminal http://{config.terminal.host}:{config.terminal.port}/, data in {config.data_folder}")
    return 0


def _devices(path: Path, config: Config) -> tuple[list[str], list[str]]:
    from hazgate_profiles import registry
    from hazgate_protocols.scale.options import OptionError, resolve_options

    tree = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    errors: list[str] = []
    warnings: list[str] = []

    def at(where: tuple[str | int, ...], what: str) -> str:
        return f"{path}:{line_of(tree, where) if tree else 1}: {name_of(where)}: {what}"

    try:
        profile = registry.load(config.scale.profile)
    except registry.UnknownProfileError:
        known = ", ".join(registry.available())
        errors.append(at(("scales", 0, "profile"), f"{config.scale.profile!r} is no profile; known: {known}"))
    except registry.ProfileError as exc:
        errors.append(at(("scales", 0, "profile"), str(exc)))
    else:
        if config.scale.link.kind not in profile.link.kinds:
            allowed = ", ".join(profile.link.kinds)
            what = f"{config.scale.link.kind} does not fit profile {profile.id}; allowed: {allowed}"
            errors.append(at(("scales", 0, "link", "kind"), what))
        try:
            resolve_options(profile, config.scale.options)
        except OptionError as exc:
            errors.append(at(("scales", 0, "options"), str(exc)))
    warnings += [at(("printer", key), f"warning: {text}") for key, text in _printer_warnings(config)]
    errors += [at(where, what) for where, what in scanner_mistakes(config)]
    today = local_date(SystemClock.of_this_machine().wall())
    for where, finding in code_findings(config, today):
        (errors if finding.blocks else warnings).append(
            at(where, ("" if finding.blocks else "warning: ") + finding.text)
        )
    return errors, warnings


def _prints(model: PrinterProfile) -> str:
    if not model.prints_labels:
        return "proof slips, no labels"
    return f"labels of {', '.join(map(str, model.sides_mm))} mm"


def _printer_warnings(config: Config) -> Iterator[tuple[str, str]]:
    """What the printer will do, though not well: key and text."""
    model = model_of(config.printer)
    if config.printer.proof_slips:
        yield "proof_slips", "no label is printed here; every container needs one of HJ 1276 from elsewhere"
        return
    side = max(label_side_mm(container.volume_l) for container in config.containers)
    seconds = seconds_on_the_line(config.printer, model, side)
    if seconds is not None and seconds > SLOW_S:
        yield (
            "baud",
            f"a label of {side} mm takes about {seconds:.0f} s on this line; use USB, network or a faster line",
        )

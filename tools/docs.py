"""Write the generated documents; with --check say which of them no longer match the code, and exit 1.

Each is made from the thing it describes (profiles, configuration models, message catalogue, command parsers), so that
no table can grow old unseen. What a setting means stands in docs/operations/settings.yaml: exactly one line a key.
"""

from __future__ import annotations

import argparse
import enum
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hazgate_protocols.scale.spec import Profile

ROOT = Path(__file__).resolve().parent.parent
MEANINGS = Path("docs/operations/settings.yaml")
MADE = "<!-- Made by tools/docs.py; do not edit. -->"
CELL = re.compile(r"\s*\n\s*")
ASIDE = re.compile(r"^allowed: |,? (is|are) (wanted|allowed)")  # a table's heading says so already


class DocsError(Exception):
    """A document cannot be made: the code has something that nobody has described, or the other way round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is written or nothing has drifted, 1 otherwise."""
    parser = argparse.ArgumentParser(description="write the generated documents")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document has drifted")
    asked = parser.parse_args(arguments)
    try:
        made = documents()
    except DocsError as exc:
        print(f"make the documents: {exc}", file=sys.stderr)
        return 1
    if asked.check:
        old = drifted(made, ROOT)
        for path in old:
            print(f"{path}: no longer matches the code; run: make docs", file=sys.stderr)
        return 1 if old else 0
    for path, text in made.items():
        (ROOT / path).write_text(text, "utf-8")
    return 0


def documents() -> dict[Path, str]:
    """Every generated document by its path from the root. Raises DocsError."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "docs/devices.md": devices,
        "docs/commands.md": commands,
        "docs/operations/messages.md": messages,
        "docs/operations/settings.md": settings,
        "docs/operations/faults.md": faults,
    }
    return {Path(path): "\n".join([MADE, "", *make()]).rstrip() + "\n" for path, make in makers.items()}


def drifted(made: dict[Path, str], root: Path) -> list[Path]:
    """The documents below root that are missing or differ."""
    return [
        path for path, text in made.items() if not (root / path).is_file() or (root / path).read_text("utf-8") != text
    ]


# -- devices ---------------------------------------------------------------------------------------------------------


def devices() -> Iterator[str]:
    """docs/devices.md, from the profiles as the registry gives them out."""
    from hazgate_profiles import registry

    yield from (
        "# Devices",
        "",
        "Every indicator hazgate reads, as its profile says. A profile is given out only when its recorded and quoted",
        "examples pass whole, byte by byte, and cut at every place. [How to add one](add-a-device.md).",
        "",
        "**Trust** says how far to believe a profile: *assumed* < *manual* (written from documents) < *bench* (tried",
        "on a device) < *field* (bytes captured from working devices are among its examples).",
        "",
    )
    profiles = [registry.load(profile_id) for profile_id in registry.available()]
    rows = [
        (f"[`{item.id}`](#{item.id})", item.title["zh"], item.title["en"], item.trust, item.traffic.mode)
        for item in profiles
    ]
    yield from table(("profile", "名称", "name", "trust", "talks"), rows)
    for item in profiles:
        link, talk = item.link, item.traffic
        yield from ("", f"## {item.id}", "", f"{item.title['en']} · {item.title['zh']}", "")
        names = [*item.match.vendors, "/", *item.match.models] if item.match.models else [*item.match.vendors]
        every = (
            f"sends by itself about every {talk.period_ms} ms; silent after {talk.silence_ms} ms"
            if talk.mode == "stream"
            else f"asked every {talk.interval_ms} ms; {talk.timeout_ms} ms for an answer"
        )
        window = item.stability_window
        facts = [
            ("seen as", " ".join(names).replace(" / ", ": ")),
            (
                "link",
                ", ".join(link.kinds) + (f"; {link.baud[0]} {link.bits}{link.parity}{link.stop}" if link.baud else ""),
            ),
            ("USB vendor:product", ", ".join(item.match.usb)),
            ("other baud rates", ", ".join(map(str, link.baud[1:]))),
            ("traffic", every),
            (
                "at rest",
                f"{window.samples} readings over {window.span_ms} ms within {window.tolerance_divisions} divisions, "
                + ("always" if window.when == "always" else "where the device does not say"),
            ),
            ("commands", ", ".join(name for name in ("read", "zero", "tare") if name in item.commands)),
            ("options", ", ".join(f"`{key}` ({_default(item, key)})" for key in item.options) or "none"),
            ("examples", ", ".join(f"`hazgate_profiles/transcripts/{name}`" for name in item.transcripts)),
            ("sources", "; ".join(item.source)),
            ("mind", item.notes),
        ]
        yield from table(("", ""), [(name, said) for name, said in facts if said])
    yield from _printers()


def _printers() -> Iterator[str]:
    """The printers, from their profiles."""
    from hazgate_profiles import printers

    yield from (
        "",
        "## Printers",
        "",
        "Chosen with `printer.profile` in the box's configuration. A label wider than the head is refused by",
        "`check-config` and again at the print. HJ 1276-2022 wants 100 mm up to 50 L, 150 mm up to 450 L, 200 mm and",
        "two labels above. **Asked as** says how the box hears of paper and faults; from `none` it hears nothing, and",
        "a person confirms every label. Each profile is proven by the answers in its file.",
        "",
    )
    rows = []
    for item in map(printers.load, printers.available()):
        sides = ", ".join(map(str, item.sides_mm))
        rows.append(
            (
                f"`{item.id}`",
                item.title["zh"],
                item.title["en"],
                item.language,
                f"{item.head_mm} mm, {item.dots_per_mm} dots/mm" if item.head_dots else f"{item.dots_per_mm} dots/mm",
                f"{sides} mm" if sides else "none" + (", slips" if item.language == "escpos" else ""),
                item.status,
                ", ".join(item.links),
                item.trust,
            )
        )
    heads = ("profile", "名称", "name", "language", "head", "labels", "asked as", "links", "trust")
    yield from table(heads, rows)
    yield ""
    for item in map(printers.load, printers.available()):
        seen = ", ".join((*item.match.vendors, *item.match.models))
        told = [f"`{item.id}`: {'; '.join(item.source)}", f"seen as {seen}" if seen else "", item.notes]
        yield "- " + ". ".join(part.rstrip(".") for part in told if part) + "."

    yield from _scanner_devices()


def _scanner_devices() -> Iterator[str]:
    from hazgate_profiles import scanners

    yield from ("", "## Scanners", "", "Read by the box itself, wherever the operator's page is.", "")
    rows = []
    for item in map(scanners.load, scanners.available()):
        talk = item.traffic
        how = (
            f"serial {talk.baud[0]} {talk.bits}{talk.parity}{talk.stop}, suffix {talk.suffix}"
            if talk.kind == "serial"
            else f"keys, ended by {' or '.join(talk.ends)}"
        )
        rows.append(
            (f"`{item.id}`", item.title["zh"], item.title["en"], item.trust, how, "; ".join(item.source), item.notes)
        )
    yield from table(("profile", "名称", "name", "trust", "talks", "sources", "mind"), rows)


def _default(profile: Profile, key: str) -> str:
    from hazgate_protocols.scale.options import OptionError, resolve_options

    value = profile.options[key]
    if value is not None:
        return f"default {str(value).lower() if isinstance(value, bool) else value}"
    try:
        resolve_options(profile)
    except OptionError as exc:
        if f"option {key} must be set" in str(exc):
            return "must be set"
    return "may be set"


# -- messages --------------------------------------------------------------------------------------------------------


def messages() -> Iterator[str]:
    """docs/operations/messages.md, from the terminal's catalogue."""
    from hazgate_edge.terminal.catalogue import MESSAGES, SAFE, Safe, Tone

    tones = {
        Tone.DONE: "done",
        Tone.WAIT: "normal work: wait, place, take off, choose",
        Tone.WARN: "work goes on, someone should look",
        Tone.FAULT: "work stands still until someone acts",
    }
    families = {
        "SCALE": "Scale",
        "PAN": "The pan",
        "PRN": "Printer",
        "LBL": "Label",
        "SCAN": "Scanner",
        "NET": "Network",
        "CORE": "Regulatory core",
        "HELD": "Held back by the collector",
        "SAVE": "Saving",
        "BUSY": "Saving, under way",
        "DISK": "Disk",
        "CLK": "Clock",
        "NUM": "Label numbers",
        "WASTE": "Waste codes",
        "PICK": "Choosing",
        "REQ": "The page's requests",
        "SENT": "Done on request",
        "SYS": "The terminal itself",
    }
    yield from (
        "# Messages of the terminal",
        "",
        "Every sentence the operator can meet, by its key. Words in braces are filled in. Where a technician looks",
        "next: [troubleshooting](troubleshooting.md).",
        "",
    )
    yield from table(("tone", "means"), tones.items())
    yield ""
    yield from table(("records", "zh", "en"), [(safe, *SAFE[safe]) for safe in Safe if safe is not Safe.PLAIN])
    by_family: dict[str, list[str]] = {}
    for key in MESSAGES:
        by_family.setdefault(key.split("-")[0], []).append(key)
    for family, keys in by_family.items():
        yield from ("", f"## {families.get(family, family)}", "")
        rows = []
        for key in sorted(keys):
            said = MESSAGES[key]
            safe = "" if said.safe is Safe.PLAIN else said.safe
            rows.append(
                (
                    f"`{key}`",
                    said.tone,
                    safe,
                    f"{said.zh.what}<br>→ {said.zh.act}",
                    f"{said.en.what}<br>→ {said.en.act}",
                )
            )
        yield from table(
            ("key", "tone", "records", "zh", "en"), [tuple(_no_arrow(cell) for cell in row) for row in rows]
        )


def _no_arrow(cell: str) -> str:
    return cell.removesuffix("<br>→ ")


# -- settings --------------------------------------------------------------------------------------------------------


def settings() -> Iterator[str]:
    """docs/operations/settings.md, from the configuration models. Raises DocsError for a key without a meaning."""
    import yaml

    from hazgate_cloud.config import Config as CloudConfig
    from hazgate_edge.config import Config as EdgeConfig

    meanings: dict[str, dict[str, str]] = yaml.safe_load((ROOT / MEANINGS).read_text("utf-8"))
    yield from (
        "# Settings",
        "",
        "Two files, YAML, UTF-8. What is wrong is refused with file, line, key and what is allowed; ask beforehand",
        "with `hazgate-edge check-config` and `hazgate-cloud check-config`. **must** = has no default.",
    )
    for name, title, model in (
        ("edge", "The box: `/etc/hazgate/edge.yaml`", EdgeConfig),
        ("cloud", "The collector: the file given with `--config`", CloudConfig),
    ):
        yield from ("", f"## {title}")
        wanted = dict(meanings[name])
        for heading, rows in _sections(model, ""):
            yield from ("", f"### {heading}", "")
            described = []
            for key, short, kind, default in rows:
                if key not in wanted:
                    raise DocsError(f"{MEANINGS}: {name}: {key} has no meaning; write one line for it")
                described.append((f"`{short}`", kind, default, wanted.pop(key)))
            yield from table(("key", "allowed", "default", "meaning"), described)
        if wanted:
            raise DocsError(f"{MEANINGS}: {name}: {', '.join(wanted)}: no such setting; take the line out")


_Row = tuple[str, str, str, str]  # full key, its last part, what is allowed, default


def _sections(model: Any, prefix: str) -> Iterator[tuple[str, list[_Row]]]:
    """This model's keys, then each nested model's under a heading of its own."""
    rows: list[_Row] = []
    nested: list[tuple[str, Any, str]] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        parts, many = _models(field.annotation)
        path = f"{key}[]" if many else key
        for part in parts:
            kind = part.model_fields.get("kind")
            tag = f"({typing.get_args(kind.annotation)[0]})" if kind is not None and len(parts) > 1 else ""
            nested.append((path, part, tag))
        rows.append((key, name, _allowed(field.annotation, field.metadata), _given(field, bool(parts))))
    about = " ".join((model.__doc__ or "").split())
    yield (f"`{prefix.rstrip('.')}`: {about}" if prefix else "The top level"), rows
    for path, part, tag in nested:
        yield from _sections(part, f"{path}{tag}.")


def _models(annotation: Any) -> tuple[list[Any], bool]:
    """The models inside a type, and whether there may be many of them."""
    if hasattr(annotation, "model_fields"):
        return [annotation], False
    many = typing.get_origin(annotation) is tuple
    inner = [_models(part)[0] for part in typing.get_args(annotation) if part is not Ellipsis]
    return [item for part in inner for item in part], many


def _given(field: Any, nested: bool) -> str:
    if field.is_required():
        return "**must**"
    value = field.default
    if nested:
        return "as below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "none" if value in (None, "", (), {}) else f"`{value}`"


def _allowed(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """A type with its bounds, in words."""
    said, bounds = _bounds(annotation, metadata)
    if said:
        return said
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _allowed(inner[0], inner[1:])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_allowed(part) for part in inner if part is not types.NoneType))
    if hasattr(annotation, "model_fields"):
        return "keys below"
    if origin is tuple:
        low, high = bounds.get("min_length"), bounds.get("max_length")
        count = "" if low is None else f" of {low}" if low == high else f" of {low} or more"
        return f"list{count}: {_allowed(inner[0])}"
    if origin is dict:
        return "keys with values"
    return {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", Path: "path"}[annotation] + (
        f", pattern `{bounds['pattern']}`" if "pattern" in bounds else _range(bounds, "characters")
    )


def _bounds(annotation: Any, metadata: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """What a checking function says is allowed (it is asked with nonsense), and the plain bounds."""
    said, bounds = "", {}
    for item in metadata:
        check = getattr(item, "func", None)
        if check is not None:
            try:
                check(Path() if annotation is Path else "")
            except ValueError as exc:
                said = ASIDE.sub("", str(exc))
        for part in getattr(item, "metadata", None) or [item]:  # a FieldInfo keeps its bounds one level down
            for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
                value = getattr(part, name, None)
                if value is not None:
                    bounds[name] = value
    return said, bounds


def _range(bounds: dict[str, Any], unit: str) -> str:
    low, high = bounds.get("min_length"), bounds.get("max_length")
    if low is not None or high is not None:
        return f", {low or 0} to {high} {unit}" if high is not None else f", {low} or more {unit}"
    words = [
        f"{word} {bounds[name]}"
        for name, word in (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))
        if name in bounds
    ]
    return f", {' '.join(words)}" if words else ""


# -- faults ----------------------------------------------------------------------------------------------------------


def faults() -> Iterator[str]:
    """docs/operations/faults.md, from its words and the tests' markers. Raises DocsError."""
    sys.path.insert(0, str(ROOT))
    from tools.docs_faults import FaultsError
    from tools.docs_faults import faults as made

    try:
        yield from made()
    except FaultsError as exc:
        raise DocsError(str(exc)) from exc


# -- commands --------------------------------------------------------------------------------------------------------


def commands() -> Iterator[str]:
    """docs/commands.md, from the parsers of the command lines and the scripts of tools/."""
    yield from (
        "# Commands",
        "",
        "In a checkout the commands lie in `.venv/bin`. They exit 0 when all is well, 1 when something was found",
        "wrong, 2 for misuse.",
        "",
        "## In the checkout",
        "",
    )
    scripts = [(f"`tools/{path.name}`", _first_comment(path)) for path in sorted((ROOT / "tools").iterdir())]
    yield from table(("command", "what it does"), [row for row in scripts if row[1]])
    for name, about, inner in _lines():
        yield from ("", f"## {name}", "", about)
        for command, said, rows in inner:
            if command != name:  # a command line of one command is described already
                yield from ("", f"### {command}", "", said)
            if rows:
                yield ""
                yield from table(("argument", "default", "meaning"), rows)


def command_names() -> set[str]:
    """Every command with its parents: "hazgate-cloud box add"."""
    found = set()
    for name, _, inner in _lines():
        found.update({name, *(command for command, _, _ in inner)})
    return found


_Command = tuple[str, str, list[tuple[str, str, str]]]  # full name, what it does, its arguments


def _lines() -> Iterator[tuple[str, str, list[_Command]]]:
    import typer

    from hazgate_cloud.cli import app as cloud
    from hazgate_edge.cli import _parser
    from hazgate_protocols.evidence.command import parser as verifier
    from hazgate_simulators.cli import app as simulators

    parser = _parser()
    yield "hazgate-edge", parser.description or "", list(_of_argparse("hazgate-edge", parser))
    for name, app in (("hazgate-cloud", cloud), ("hazgate-sim", simulators)):
        command: Any = typer.main.get_command(app)
        yield name, command.help or "", [found for found in _of_typer(name, command) if found[0] != name]
    auditor = verifier()
    rows = [_argparse_row(item) for item in auditor._actions if not isinstance(item, argparse._HelpAction)]
    yield auditor.prog, auditor.description or "", [(auditor.prog, "", rows)]


def _of_argparse(name: str, parser: argparse.ArgumentParser) -> Iterator[_Command]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                rows = [_argparse_row(item) for item in inner._actions if not isinstance(item, argparse._HelpAction)]
                yield f"{name} {word}", _sentence(inner.description or ""), rows


def _argparse_row(action: argparse.Action) -> tuple[str, str, str]:
    name = ", ".join(f"`{word}`" for word in action.option_strings) or f"`{action.dest.upper()}`"
    default = "**must**" if action.required and not action.option_strings else _shown(action.default)
    said = re.sub(r"^default: .*", _UNSAID.get(action.dest, ""), action.help or _UNSAID.get(action.dest, ""))
    return name, default, _sentence(said) + _choices(action.choices or ())


def _of_typer(name: str, command: Any) -> Iterator[_Command]:
    inner = getattr(command, "commands", {})
    rows = [_typer_row(item) for item in command.params if item.name not in ("help", *_COMPLETION)]
    if rows or not inner:
        yield name, _sentence(" ".join((command.help or "").split())), rows
    for word, found in inner.items():
        yield from _of_typer(f"{name} {word}", found)


_UNSAID = {"config": "the box's YAML file", "log_level": "how much is said on standard error"}
_COMPLETION = ("install_completion", "show_completion")


def _typer_row(item: Any) -> tuple[str, str, str]:
    is_argument = item.param_type_name == "argument"
    name = f"`{item.name.upper()}`" if is_argument else ", ".join(f"`{word}`" for word in item.opts)
    kind: Any = getattr(item.type_descriptor, "annotation", None)
    values = _choices([member.value for member in list(kind)]) if isinstance(kind, type(enum.Enum)) else ""
    variable = f" Also from `{item.envvar}`." if item.envvar else ""
    return name, "**must**" if item.required else _shown(item.default), _sentence(item.help or "") + values + variable


def _choices(values: Iterable[Any]) -> str:
    listed = ", ".join(f"`{value}`" for value in values)
    return listed and f" One of {listed}."


def _shown(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    return "" if value is None or value is False or value in ("", []) else f"`{value}`"


def _sentence(text: str) -> str:
    text = text.strip()
    if re.match(r"[a-z]+\b[^:_]", text):  # not pty:PATH
        text = text[0].upper() + text[1:]
    return text and text + ("" if text.endswith((".", "!", "?")) else ".")


def _first_comment(path: Path) -> str:
    if not path.is_file() or path.suffix:
        return ""
    lines = path.read_text("utf-8").splitlines()
    return lines[1].removeprefix("# ") if len(lines) > 1 and lines[1].startswith("# ") else ""


# -- tables ----------------------------------------------------------------------------------------------------------


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table; a bar inside a cell is written out."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(item) for item in row)} |"


def _cell(text: str) -> str:
    return CELL.sub(" ", str(text)).replace("|", "\\|").strip()


if __name__ == "__main__":
    sys.exit(main())

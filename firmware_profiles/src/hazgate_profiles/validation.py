"""Profile files to profile objects, with errors that name file, line, key and what is allowed.

pydantic and PyYAML are loaded here and in transcripts.py, when a profile is read, not when the package is imported.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Any

from hazgate_protocols.scale import spec

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from hazgate_profiles.registry import Origins

FILE_BYTES_MAX = 256 * 1024
ERRORS_SHOWN = 5
_FRAME_CLASSES = {"fixed": "Fixed", "line": "Line", "registers": "Registers"}
_TRAFFIC_CLASSES = {"stream": "Stream", "poll": "Poll"}
_CLASSES = {name: item for name, item in vars(spec).items() if dataclasses.is_dataclass(item)}


def read_yaml(source: Traversable) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """The tree of a file and the line of each place in it. Raises ProfileError.

    Keys that stand twice, and anchors, are refused: the first hide a mistake, the second can blow a small file up.
    """
    import yaml

    from hazgate_profiles.registry import ProfileError

    text = source.read_bytes()
    if len(text) > FILE_BYTES_MAX:
        raise ProfileError(f"{source}: {len(text)} bytes; allowed: {FILE_BYTES_MAX}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
        lines: dict[tuple[str | int, ...], int] = {}
        if node is not None:
            _walk(node, (), lines, set(), str(source))
        tree = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        if isinstance(exc, ProfileError):
            raise
        raise ProfileError(f"{source}: not YAML: {' '.join(str(exc).split())}") from exc
    finally:
        loader.dispose()
    if not isinstance(tree, dict):
        raise ProfileError(f"{source}: not a map of keys at the top")
    return tree, lines


def _walk(node: Any, loc: tuple[str | int, ...], lines: dict[Any, int], seen: set[int], source: str) -> None:
    import yaml

    from hazgate_profiles.registry import ProfileError

    line = node.start_mark.line + 1
    if id(node) in seen:
        raise ProfileError(f"{source}:{line}: {_dotted(loc)}: anchors are not allowed; write it out")
    seen.add(id(node))
    lines[loc] = line
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            here = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value in keys:
                raise ProfileError(
                    f"{source}:{here}: {_dotted(loc)}: key {getattr(key, 'value', '')!r} stands twice or is no text"
                )
            keys.add(key.value)
            _walk(value, (*loc, key.value), lines, seen, source)
            lines[(*loc, key.value)] = here
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*loc, index), lines, seen, source)


def validate_profile(tree: dict[str, Any], origins: Origins, source: str) -> spec.Profile:
    """The profile of a resolved tree; raises ProfileError with one line for each mistake (the first few)."""
    from pydantic import TypeAdapter, ValidationError

    from hazgate_profiles.registry import ProfileError

    try:
        return TypeAdapter(spec.Profile).validate_python(tree)
    except ValidationError as exc:
        other = _classes_not_meant(tree)
        mistakes = [error for error in exc.errors(include_url=False) if not other & set(error["loc"])]
        texts = []
        for error in mistakes[:ERRORS_SHOWN]:
            loc = error["loc"]
            place = tuple(str(part) if not isinstance(part, int) else part for part in loc if part not in _CLASSES)
            file, line = _origin(place, origins, source)
            texts.append(f"{file}:{line}: {_dotted(place)}: {_sentence(error, loc)}")
        raise ProfileError("\n".join(texts)) from exc


def _classes_not_meant(tree: dict[str, Any]) -> set[str]:
    """pydantic tries each kind of frame and of traffic; only what it says of the one that is meant helps."""
    meant = set()
    for key, tag, classes in (("frame", "kind", _FRAME_CLASSES), ("traffic", "mode", _TRAFFIC_CLASSES)):
        section = tree.get(key)
        chosen = section.get(tag) if isinstance(section, dict) else None
        meant |= {chosen_class for name, chosen_class in classes.items() if name == chosen} or set(classes.values())
    return (set(_FRAME_CLASSES.values()) | set(_TRAFFIC_CLASSES.values())) - meant


def _sentence(error: Any, loc: tuple[str | int, ...]) -> str:
    if error["type"] == "unexpected_keyword_argument":
        return f"unknown key; allowed: {', '.join(_keys_of(loc[:-1]))}"
    if error["type"] == "missing":
        return "this key is missing"
    value = repr(error["input"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{message} (is {value[:60]})" if error["type"] != "value_error" else message


def _keys_of(loc: tuple[str | int, ...]) -> list[str]:
    """The keys of the schema at a place pydantic names."""
    here: Any = spec.Profile
    for part in loc:
        if part in _CLASSES:
            here = _CLASSES[str(part)]
        elif dataclasses.is_dataclass(here) and isinstance(here, type):
            hint = typing.get_type_hints(here).get(str(part))
            found = [item for item in _CLASSES.values() if item in _mentioned(hint)]
            here = found[0] if len(found) == 1 else here
    return [item.name for item in dataclasses.fields(here)]


def _mentioned(hint: Any) -> set[Any]:
    inner = typing.get_args(hint)
    return set().union(*(_mentioned(item) for item in inner)) if inner else {hint} if isinstance(hint, type) else set()


def _origin(place: tuple[str | int, ...], origins: Origins, source: str) -> tuple[str, int]:
    for length in range(len(place), 0, -1):
        if place[:length] in origins:
            return origins[place[:length]]
    return source, 1


def _dotted(loc: tuple[str | int, ...]) -> str:
    return ".".join(map(str, loc)) or "top"

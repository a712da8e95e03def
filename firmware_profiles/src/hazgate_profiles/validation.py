"""Profile files to profile objects, with errors that name file, line, key and what is allowed.

The dataclasses of hazgate_protocols.scale.spec are the schema; hazgate_protocols.scale.building reads their types.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from hazgate_protocols.scale import spec
from hazgate_protocols.scale.building import Builder

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from hazgate_profiles.registry import Origins

FILE_BYTES_MAX = 256 * 1024
ERRORS_SHOWN = 5


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
    return typing.cast(spec.Profile, built(spec.Profile, tree, origins, source))


def built(kind: type, tree: dict[str, Any], origins: Origins, source: str) -> Any:
    """The object of this dataclass that a tree describes; raises ProfileError like validate_profile()."""
    from hazgate_profiles.registry import ProfileError

    builder = Builder()
    profile = builder.build(kind, tree, ())
    if not builder.mistakes:
        return profile
    texts = []
    for loc, sentence in builder.mistakes[:ERRORS_SHOWN]:
        file, line = _origin(loc, origins, source)
        texts.append(f"{file}:{line}: {_dotted(loc)}: {sentence}")
    raise ProfileError("\n".join(texts))


def _origin(place: tuple[str | int, ...], origins: Origins, source: str) -> tuple[str, int]:
    """File and line of a place, or of the nearest place around it that is written down."""
    names = tuple(part if isinstance(part, int) else str(part) for part in place)
    for length in range(len(names), 0, -1):
        if names[:length] in origins:
            return origins[names[:length]]
    return source, 1


def _dotted(loc: tuple[str | int, ...]) -> str:
    return ".".join(map(str, loc)) or "top"

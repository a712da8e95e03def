"""Plain trees (of YAML, of JSON) to profile objects, by the types of the dataclasses in spec.py.

pydantic could do it too, but it tries every member of a union (noise for the person who mends the file), takes 12 MB
and 110 ms at the box's start, and nothing else on the way from the scale to the journal needs it. Types are exact:
text is not a number, 1 is not true.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import types
import typing
from functools import cache
from typing import Any

_NAMES = {str: "text", int: "a whole number", bool: "true or false", types.NoneType: "null"}
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")


class Builder:
    """Builds objects by type and collects the mistakes; what could not be built is _BAD."""

    def __init__(self, *, number_keys_as_text: bool = False) -> None:
        """number_keys_as_text: maps by number have text keys, as JSON writes them ("48"), never number keys."""
        self._text_keys = number_keys_as_text
        self.mistakes: list[tuple[tuple[str | int, ...], str]] = []

    def build(self, hint: Any, value: Any, loc: tuple[str | int, ...]) -> Any:
        """The object of this type that the value describes."""
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if dataclasses.is_dataclass(hint):
            return self._object(hint, value, loc)
        if origin in (typing.Union, types.UnionType):
            return self._union(inner, value, loc)
        if origin is tuple:
            return self._row(inner, value, loc)
        if origin is dict:
            return self._map(inner, value, loc)
        if origin is typing.Literal:
            fits = any(value == item and type(value) is type(item) for item in inner)
            return value if fits else self._refuse(loc, value, ", ".join(map(str, inner)))
        if issubclass(hint, enum.Enum):
            known = {member.value: member for member in hint}
            fits = isinstance(value, str) and value in known
            return known[value] if fits else self._refuse(loc, value, ", ".join(known))
        return value if type(value) is hint else self._refuse(loc, value, _NAMES[hint])

    def _refuse(self, loc: tuple[str | int, ...], value: Any, allowed: str) -> Any:
        shown = {"True": "true", "False": "false", "None": "null"}.get(repr(value), repr(value))  # as YAML writes them
        self.mistakes.append((loc, f"{shown[:60]} is not allowed; allowed: {allowed}"))
        return _BAD

    def _object(self, hint: Any, value: Any, loc: tuple[str | int, ...]) -> Any:
        if not isinstance(value, dict):
            return self._refuse(loc, value, f"a map with the keys {', '.join(_schema(hint))}")
        schema, before = _schema(hint), len(self.mistakes)
        for key in value:
            if key not in schema:
                self.mistakes.append(((*loc, key), f"unknown key; allowed: {', '.join(schema)}"))
        parts = {}
        for name, (inner, needed) in schema.items():
            if name in value:
                parts[name] = self.build(inner, value[name], (*loc, name))
            elif needed:
                self.mistakes.append((loc, f"the key {name} is missing"))
        if len(self.mistakes) > before:
            return _BAD
        try:
            return hint(**parts)
        except ValueError as exc:
            self.mistakes.append((loc, str(exc)))
            return _BAD

    def _union(self, members: tuple[Any, ...], value: Any, loc: tuple[str | int, ...]) -> Any:
        objects = [member for member in members if dataclasses.is_dataclass(member)]
        if isinstance(value, dict) and objects:
            return self._tagged(objects, value, loc)
        for member in members:
            attempt = Builder(number_keys_as_text=self._text_keys)
            built = attempt.build(member, value, loc)
            if not attempt.mistakes:
                return built
        return self._refuse(loc, value, " or ".join(_named(member) for member in members))

    def _tagged(self, objects: list[Any], value: dict[Any, Any], loc: tuple[str | int, ...]) -> Any:
        """Of several kinds of object, the one whose first key (kind, mode) has the value that is there."""
        if len(objects) == 1:
            return self._object(objects[0], value, loc)
        tag = next(iter(_schema(objects[0])))
        kinds = {name: item for item in objects for name in typing.get_args(_schema(item)[tag][0])}
        chosen = value.get(tag)
        if not isinstance(chosen, str) or chosen not in kinds:
            return self._refuse((*loc, tag), chosen, ", ".join(kinds))
        return self._object(kinds[chosen], value, loc)

    def _row(self, inner: tuple[Any, ...], value: Any, loc: tuple[str | int, ...]) -> Any:
        if not isinstance(value, list):
            return self._refuse(loc, value, "a list")
        if inner[-1] is not Ellipsis and len(value) != len(inner):
            return self._refuse(loc, value, f"a list of {len(inner)}")
        hints = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(
            [self.build(hint, item, (*loc, place)) for place, (hint, item) in enumerate(zip(hints, value, strict=True))]
        )

    def _map(self, inner: tuple[Any, ...], value: Any, loc: tuple[str | int, ...]) -> Any:
        if not isinstance(value, dict):
            return self._refuse(loc, value, "a map")
        return {
            self.build(inner[0], self._key(inner[0], key), (*loc, key)): self.build(inner[1], item, (*loc, key))
            for key, item in value.items()
        }

    def _key(self, hint: Any, key: Any) -> Any:
        if hint is int and self._text_keys:
            return int(key) if isinstance(key, str) and _WHOLE.fullmatch(key) else None
        return key


_BAD: Any = object()


@cache
def _schema(hint: Any) -> dict[str, tuple[Any, bool]]:
    """Keys of a dataclass with their types, and whether they must be there."""
    hints = typing.get_type_hints(hint)
    return {
        item.name: (
            hints[item.name],
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING,
        )
        for item in dataclasses.fields(hint)
    }


def _named(member: Any) -> str:
    if dataclasses.is_dataclass(member):
        keys: dict[str, Any] = _schema(member)  # type: ignore[arg-type]  # a class is hashable
        return f"a map with the keys {', '.join(keys)}"
    if typing.get_origin(member) is typing.Literal:
        return ", ".join(map(str, typing.get_args(member)))
    if isinstance(member, type) and issubclass(member, enum.Enum):
        return ", ".join(item.value for item in member)
    return _NAMES.get(member, str(member))

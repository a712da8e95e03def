"""The documents say what is so: generated ones match the code, links and paths lead somewhere, commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import docs

ROOT = docs.ROOT
HAND_WRITTEN = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in (*(ROOT / name for name in HAND_WRITTEN), *ROOT.glob("docs/**/*.md"))
)
PACKAGES = [*ROOT.glob("*/src"), *ROOT.glob("*/src/hazgate_*")]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+/?|[A-Za-z0-9_-]+\.(?:py|md|yaml|toml|svg|json)")
COMMAND = re.compile(r"\b(hazgate-(?:edge|cloud|sim))((?: +[a-z][a-z-]*)*)")
# Words in code that look like paths and are none of this tree's: what set-up makes, topics, media types, a placeholder.
NOT_OURS = re.compile(r"^(\.venv|application|hz)/|^ID\.yaml$")
VECTORS = ROOT / "tests/contract/uplink/v1"


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def headings(document: Path) -> set[str]:
    """The anchors that a Markdown page offers."""
    text = document.read_text("utf-8")
    found = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return set(re.findall(r'<a id="([^"]+)">', text)) | {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in found
    }


def paths_in(document: str) -> Iterator[str]:
    for code in CODE.findall(text_of(document)):
        for word in code.split():
            # var/ is where programs write; git ignores it
            if PATH.fullmatch(word) and not NOT_OURS.search(word) and not word.startswith("var/"):
                yield word


def leads_somewhere(word: str, document: str) -> bool:
    """Whether a path exists from the root, beside the document, in one of the packages or among the frozen bytes."""
    bases = (ROOT, (ROOT / document).parent, *PACKAGES, VECTORS)
    return any((base / word).exists() for base in bases)


def test_the_generated_documents_match_the_code() -> None:
    """As `make docs-check` asks it, in a program of its own."""
    asked = subprocess.run(
        [sys.executable, "tools/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (asked.returncode, asked.stderr) == (0, "")


def test_a_document_that_has_drifted_or_is_missing_is_named(tmp_path: Path) -> None:
    """One changed character or a lost file is enough."""
    same, changed, lost = (Path(name) for name in ("same.md", "changed.md", "lost.md"))
    (tmp_path / same).write_text("as it is\n", "utf-8")
    (tmp_path / changed).write_text("as it was\n", "utf-8")
    assert docs.drifted(dict.fromkeys((same, changed, lost), "as it is\n"), tmp_path) == [changed, lost]


def test_a_setting_without_a_meaning_stops_the_making(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever adds a setting is told where its meaning must be written."""
    text = re.sub(r"^  broker\.host:.*\n", "", (ROOT / docs.MEANINGS).read_text("utf-8"), count=1, flags=re.MULTILINE)
    (tmp_path / docs.MEANINGS).parent.mkdir(parents=True)
    (tmp_path / docs.MEANINGS).write_text(text, "utf-8")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    with pytest.raises(docs.DocsError, match=r"edge: broker\.host has no meaning"):
        list(docs.settings())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    """File and, where one is named, heading."""
    lost = []
    for target in LINK.findall(text_of(document)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        if not file.exists() or (anchor and anchor not in headings(file)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    """What stands in code marks and looks like a path of this repository is one."""
    assert [word for word in paths_in(document) if not leads_somewhere(word, document)] == []


def test_architecture_names_more_than_a_handful_of_paths() -> None:
    """The check above looks at something."""
    assert len(set(paths_in("ARCHITECTURE.md"))) > 50


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_exists(document: str) -> None:
    """`hazgate-edge verify` is a command of hazgate-edge; words behind it are its arguments."""
    known = docs.command_names()
    code = "\n".join([*CODE.findall(text_of(document)), *re.findall(r"```.*?```", text_of(document), re.DOTALL)])
    unknown = []
    for name, words in COMMAND.findall(code):
        first = words.split()[:1]
        if first and not any(item == f"{name} {first[0]}" or item.startswith(f"{name} {first[0]} ") for item in known):
            unknown.append(f"{name} {first[0]}")
    assert unknown == []


def test_the_commands_of_the_readme_can_be_started() -> None:
    """The two lines a stranger copies are executable files, and there are just two."""
    blocks = re.findall(r"```sh\n(.*?)```", text_of("README.md"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines == ["tools/demo", "tools/test"]
    assert [line for line in lines if not os.access(ROOT / line, os.X_OK)] == []


def test_the_readme_names_buttons_and_scales_that_there_are() -> None:
    """What it tells people to press stands on the pages; every other scale it names is one of the demo's."""
    simulators = ROOT / "simulators/src/hazgate_simulators"
    page = (simulators / "site/static/index.html").read_text("utf-8")
    words = (ROOT / "edge/src/hazgate_edge/terminal/words.py").read_text("utf-8")
    pressed = re.findall(r"\*\*([^*]+)\*\*", text_of("README.md").split("## What to try")[1].split("\n## ")[0])
    assert pressed == ["Replay captured bag", "EN"]
    assert [word for word in pressed if word not in page and f'"{word}"' not in words] == []
    families = (simulators / "scale/families.py").read_text("utf-8")
    scales = set(re.findall(r'Family\(\s*"([a-z0-9-]+)"', families))
    line = next(line for line in text_of("README.md").splitlines() if line.startswith("Other indicators"))
    named = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", line))
    assert named
    assert named <= scales


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    """Date and status, context, decision, consequences; numbers without gaps."""
    pages = sorted(path for path in (ROOT / "docs/adr").glob("0*.md"))
    assert [path.name[:4] for path in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    listed = text_of("docs/adr/README.md")
    for page in pages:
        text = page.read_text("utf-8")
        title = text.splitlines()[0].removeprefix(f"# {page.name[:4]} ")
        assert f"[{page.name[:4]}]({page.name}) | {title} |" in listed
        assert re.search(r"^\d{4}-\d\d-\d\d · (accepted|replaced by \[)", text, re.MULTILINE)
        assert [part for part in ("Context", "Decision", "Consequences") if f"**{part}.**" not in text] == []


def test_every_message_key_that_is_named_exists() -> None:
    """Troubleshooting does not explain a key that no screen shows."""
    from hazgate_edge.terminal.catalogue import MESSAGES

    named = {key for document in DOCUMENTS for key in re.findall(r"`([A-Z]+-\d\d)`", text_of(document))}
    assert named - MESSAGES.keys() == set()
    assert len(named) > 20


def test_the_commit_hook_can_be_run() -> None:
    """Git runs only executable hooks."""
    assert os.access(ROOT / ".githooks/pre-commit", os.X_OK)

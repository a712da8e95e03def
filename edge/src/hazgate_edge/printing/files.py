"""A job for a folder: names of files and the content they share. Ours alone, between drawing and FolderPrinter."""

from __future__ import annotations

from pathlib import Path

FILES_HEAD = b"hazgate-files 1 "


def files_job(names: list[str], content: bytes) -> bytes:
    """A job for a folder: the same content under each of these plain names."""
    return FILES_HEAD + " ".join(names).encode("ascii") + b"\n" + content


def read_files_job(job: bytes) -> tuple[list[str], bytes]:
    """Names and content. Raises ValueError for what is no such job, or a name that leads elsewhere."""
    head, _, content = job.partition(b"\n")
    if not head.startswith(FILES_HEAD):
        raise ValueError("the job is not one for a folder; take the profile png-folder or pdf-folder")
    names = head[len(FILES_HEAD) :].decode("ascii").split(" ")
    if not all(name and name == Path(name).name and not name.startswith(".") for name in names):
        raise ValueError(f"names {names} are not plain")
    return names, content

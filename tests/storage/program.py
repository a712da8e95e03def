"""A small weighing program on the real journal, to be killed, cut off and starved: `python -m storage.program FOLDER`.

It says on standard output what a terminal would say, one line and one write each, and only after the journal said so:
    saved KEY LABEL      the weighing is durable
    printed KEY LABEL    the printer has the label's bytes: from here on a second original would be a second code
    refused KEY WHY      it is not saved, and the caller was told
    broken WHY           the journal takes nothing more: the program has to start again (exit 3)
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from pathlib import Path

from edge.makers import DEV, WHO, journal_in, weigh, weighing
from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal import database
from hazgate_edge.journal.store import Journal
from hazgate_edge.journal.writer import WriterClosedError

BROKEN = 3


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--prefix", default="press", help="how the keys of the presses begin")
    parser.add_argument("--synchronous", default="", help="a planted mistake: NORMAL or OFF")
    parser.add_argument("--print-first", action="store_true", help="a planted mistake: print before the commit")
    parser.add_argument("--checkpoint-pages", type=int, default=0, help="move the log into the database this often")
    asked = parser.parse_args()
    settings = (("synchronous", asked.synchronous), ("wal_autocheckpoint", asked.checkpoint_pages))
    database.PRAGMAS = (*database.PRAGMAS, *(f"{name}={value}" for name, value in settings if value))
    journal = journal_in(asked.folder)
    for number in range(asked.count):
        key = f"{asked.prefix}-{number}"
        try:
            if asked.print_first:
                _, label = weigh_and_print(journal, key)
            else:
                _, label = weigh(journal, key)
            say(f"saved {key} {label}")
            job = journal.open_jobs()[-1]
            journal.write_now(lambda job=job: journal.do_set_job(job, PrintState.PRINTING, None))  # type: ignore[misc]
            say(f"printed {key} {label}")
            journal.write_now(
                lambda job=job: journal.do_settle_job(  # type: ignore[misc]
                    job, PrintState.PRINTED, None, by="printer", detail="", who=WHO, dev=DEV
                )
            )
        except sqlite3.Error as exc:
            say(f"refused {key} {exc.sqlite_errorname}")
        except WriterClosedError:
            break
    journal.close()
    if journal.broken is not None:
        say(f"broken {journal.broken}")
        return BROKEN
    return 0


def weigh_and_print(journal: Journal, key: str) -> tuple[str, str]:
    """The planted mistake: the label leaves while its record may still be lost."""

    def both() -> tuple[str, str]:
        rid, label = journal.do_weigh(weighing(key))
        say(f"printed {key} {label}")
        return rid, label

    return journal.write_now(both)


def say(line: str) -> None:
    """One line, one write, nothing held back."""
    os.write(sys.stdout.fileno(), line.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())

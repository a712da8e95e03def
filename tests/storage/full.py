"""A box on a disk that another program fills, then frees: `python -m storage.full FOLDER`. One line for each act.

weighed N    a weighing is durable         refused N WHY    it is not, and was told
sent N       a receipt of the collector was kept            unsent N WHY     it could not be
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from edge.makers import BOX, DEV, UNIT, StandingClock, weigh
from hazgate_edge.journal.ballast import Ballast
from hazgate_edge.journal.store import Journal
from hazgate_protocols.journal.seal import Signer

BALLAST = 512 << 10
RECEIPTS = 40  # far more than a whole backlog of 30 days needs: a receipt stands for up to 100 records


def main() -> None:
    folder = Path(sys.argv[1])
    ballast = Ballast(folder, size=BALLAST, spare=0)
    assert ballast.lay()
    journal = Journal(
        folder / "journal.sqlite3",
        box=BOX,
        signer=Signer.from_secret(bytes(range(32))),
        clock=StandingClock(),
        make_room=ballast.release,
    )
    journal.write_now(lambda: journal.do_found(unit_code=UNIT, dev=DEV))
    act("weighed", "refused", 1, lambda: weigh(journal, "press-1"))
    filler = folder / "other-program"
    with filler.open("wb", buffering=0) as file:
        for size in (64 << 10, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    for number in range(RECEIPTS):
        act("sent", "unsent", number, lambda n=number: journal.write_now(lambda: journal.do_receipt(n, f"at {n}")))
    print("ballast", ballast.release())
    for number in range(2, 400):
        if not act("weighed", "refused", number, lambda n=number: weigh(journal, f"press-{n}")):
            break
    act("weighed", "refused", number, lambda: weigh(journal, f"press-{number}"))
    filler.unlink()
    act("weighed", "refused", number, lambda: weigh(journal, f"press-{number}"))
    print("ballast", ballast.lay())
    journal.close()


def act(done: str, refused: str, number: int, call: object) -> bool:
    try:
        assert callable(call)
        call()
    except sqlite3.Error as exc:
        print(refused, number, exc.sqlite_errorname)
        return False
    print(done, number)
    return True


if __name__ == "__main__":
    main()

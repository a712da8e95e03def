"""hazgate-cloud quarantine: pushes that were refused, and what people do with them."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from hazgate_cloud.commands.common import By, ConfigPath, Limit, Reason, VerbGroup, digest_of, opened, show_table
from hazgate_cloud.domain.acts import Person
from hazgate_cloud.domain.times import stamp

quarantine_app = typer.Typer(cls=VerbGroup, help="Pushes that were refused and kept raw.", no_args_is_help=True)

Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="The push's digest in hex.")]
BYTES_SHOWN = 256


@quarantine_app.command("list")
def quarantine_list(config: ConfigPath, limit: Limit = 100) -> None:
    """Show refused pushes with the reason, the one that came last first."""
    from hazgate_cloud.api.queries import newest_quarantine

    with opened(config) as (_, database), database.read() as tx:
        rows = newest_quarantine(tx, limit)
    columns = ("digest", "box", "code", "reason", "size", "count", "last_at", "outcome")
    show_table(columns, ([row[name] for name in columns] for row in rows), empty="nothing is in quarantine")


@quarantine_app.command("show")
def quarantine_show(digest: Digest, config: ConfigPath) -> None:
    """Print one refused push: why, when, its first bytes, and the audit rows about it, as JSON."""
    from hazgate_cloud.store import audit
    from hazgate_cloud.store.quarantined import find

    with opened(config) as (_, database):
        wanted = digest_of(digest, "show")
        with database.read() as tx:
            found = find(tx, wanted)
            acts = [json.loads(row.body) | {"hash": row.hash.hex()} for row in audit.about(tx, wanted.hex())]
    said = {
        "digest": wanted.hex(),
        "box": found.box,
        "code": found.code,
        "reason": found.reason,
        "size": len(found.raw),
        "first_bytes": found.raw[:BYTES_SHOWN].hex(),
        "first_at": found.first_at,
        "last_at": found.last_at,
        "count": found.count,
        "outcome": found.outcome or None,
        "outcome_at": found.outcome_at or None,
        "audit": acts,
    }
    typer.echo(json.dumps(said, ensure_ascii=False, indent=2))


@quarantine_app.command("discard")
def quarantine_discard(digest: Digest, by: By, reason: Reason, config: ConfigPath) -> None:
    """Mark a push as looked into and of no use; its bytes stay."""
    from hazgate_cloud.store.quarantined import discard

    with opened(config) as (_, database):
        wanted, person, at = digest_of(digest, "discard"), Person.of(by, reason), stamp(datetime.now(UTC))
        fresh = database.written(lambda tx: discard(tx, wanted, person, at))
    typer.echo(f"{wanted.hex()}: {'discarded; its bytes stay' if fresh else 'was discarded already'}")


@quarantine_app.command("replay")
def quarantine_replay(
    digest: Digest,
    config: ConfigPath,
    by: Annotated[str, typer.Option("--by", help="Who asks; the login name when not given.")] = "",
    reason: Reason = "looked into",
) -> None:
    """Feed a push to the collector again, as after registering its box; exit 1 when it is not taken."""
    from hazgate_cloud.collector.collector import Collector
    from hazgate_cloud.keys import Keyring
    from hazgate_protocols.journal.suite import DEFAULT

    with opened(config) as (settings, database):
        wanted, person = digest_of(digest, "replay"), Person.of(by or getpass.getuser(), reason)
        keys = Keyring(settings.key_file_of)
        collector = Collector(database, keys.of(DEFAULT), lambda: datetime.now(UTC), signer_of=keys.of)
        replayed = collector.replay(wanted, person)
    typer.echo(f"{wanted.hex()}: {replayed.text}")
    if not replayed.taken:
        raise typer.Exit(1)

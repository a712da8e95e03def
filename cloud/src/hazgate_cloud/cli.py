"""hazgate-cloud: run, verify, evidence, check-config, identity, root, boxes, and the groups in commands/."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import structlog
import typer

from hazgate_cloud.commands.alarms import alarms_app
from hazgate_cloud.commands.checkpoint import checkpoint_app
from hazgate_cloud.commands.common import VerbGroup, show_table
from hazgate_cloud.commands.held import held_app
from hazgate_cloud.commands.leases import leases_app
from hazgate_cloud.commands.quarantine import quarantine_app
from hazgate_cloud.config import Config, ConfigError, load

if TYPE_CHECKING:
    from hazgate_cloud.store.engine import Database

app = typer.Typer(
    help="The collector of hazgate: takes, proves, forwards and shows what the boxes weighed.", no_args_is_help=True
)
box_app = typer.Typer(cls=VerbGroup, help="The boxes this collector takes pushes from.", no_args_is_help=True)
app.add_typer(box_app, name="box")
app.add_typer(held_app, name="held")
app.add_typer(leases_app, name="leases")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(checkpoint_app, name="checkpoint")
app.add_typer(alarms_app, name="alarms")

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="HAZGATE_CLOUD_CONFIG", help="The collector's YAML file.")
]


def main() -> None:
    """The command."""
    app()


@app.command()
def run(config: ConfigPath) -> None:
    """Serve until told to stop: take pushes, forward to the core, show the trace pages."""
    from hazgate_cloud.app import StartError
    from hazgate_cloud.app import run as serve
    from hazgate_cloud.keys import KeyFileError
    from hazgate_cloud.store.engine import StoreUnavailableError

    settings = _load(config)
    _set_up_log()
    try:
        asyncio.run(serve(settings))
    except (StartError, ConfigError, KeyFileError, StoreUnavailableError) as exc:
        _fail(str(exc))


@app.command("check-config")
def check_config(config: ConfigPath) -> None:
    """Say whether the configuration can be used, and if not, which line must change."""
    settings = _load(config)
    typer.secho(f"{config}: good", fg=typer.colors.GREEN)
    rows = {
        "data folder": settings.data_folder,
        "database": settings.database or "SQLite in the data folder",
        "broker": f"{settings.broker.host}:{settings.broker.port}",
        "core": f"{settings.core.url} (at most {settings.core.timeout_s:g} s an answer)",
        "checkpoints": settings.checkpoint_folder,
        "pages": f"http://{settings.listen.host}:{settings.listen.port}, known as {settings.public_url}",
    }
    for name, value in rows.items():
        typer.echo(f"  {name:<12} {value}")


@app.command()
def identity(
    config: ConfigPath,
    suite: Annotated[str, typer.Option(help="For boxes of this suite: sha256+ed25519 or sm3+sm2.")] = "sha256+ed25519",
) -> None:
    """Print the collector's public key (hex, made on first use); its boxes need it to believe receipts."""
    from hazgate_cloud.keys import KeyFileError, own_key
    from hazgate_protocols.journal.suite import SUITES, SuiteMissingError, suite_named

    wanted = suite_named(suite)
    if wanted is None:
        _fail(f"identity: no suite {suite!r}; there are: {', '.join(SUITES)}")
    try:
        typer.echo(own_key(_load(config).key_file_of(wanted), wanted).public().hex())
    except (KeyFileError, SuiteMissingError, OSError) as exc:
        _fail(f"identity: {exc}" if isinstance(exc, SuiteMissingError) else str(exc))


@app.command()
def root(config: ConfigPath) -> None:
    """Print the devices' root certificate (PEM), which auditors give to hazgate-verify --root; its fingerprint goes to
    standard error."""
    from datetime import UTC, datetime

    from hazgate_cloud.app import certify
    from hazgate_cloud.keys import KeyFileError, own_key
    from hazgate_cloud.store.certificates import root_of
    from hazgate_protocols.certificate import to_pem

    settings = _load(config)
    database = _open_store(settings)
    try:
        certify(settings, database, datetime.now(UTC))
        with database.read() as tx:
            found = root_of(tx, own_key(settings.authority_key_file).public())
    except (KeyFileError, OSError) as exc:
        _fail(str(exc))
    finally:
        database.close()
    if found is not None:
        typer.echo(f"SHA-256 fingerprint {found.fingerprint}, valid until {found.not_after.date()}", err=True)
        typer.echo(to_pem(found), nl=False)


@app.command()
def verify(config: ConfigPath) -> None:
    """Prove again, from the stored bytes and the signed checkpoints, that nothing is missing, inserted or altered; exit
    1 and an alarm if not."""
    from hazgate_cloud.commands.checkpoint import prove_all
    from hazgate_cloud.keeper.folder import FolderError
    from hazgate_cloud.keys import KeyFileError

    settings = _load(config)
    database = _open_store(settings)
    try:
        report = prove_all(settings, database)
    except (KeyFileError, FolderError) as exc:
        _fail(str(exc))
    finally:
        database.close()
    for line in report.checked:
        typer.echo(f"  {line}")
    for fault in report.faults:
        typer.secho(f"✗ {fault}", fg=typer.colors.RED, err=True)
    if report.faults:
        more = f" and {report.faults_untold} more" if report.faults_untold else ""
        _fail(
            f"verify: {len(report.faults)}{more} faults; keep this store as it is and compare with the boxes' journals"
        )
    typer.secho("✓ everything held is whole and unaltered", fg=typer.colors.GREEN)


@app.command()
def evidence(
    code: Annotated[str, typer.Argument(help="The bag's label number (37 characters), or a record's hash (64).")],
    config: ConfigPath,
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    profiles: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="A folder with profiles of your own, beside the packaged ones."
        ),
    ] = None,
    checkpoint: Annotated[
        int | None, typer.Option(help="Show the way to this checkpoint; without it, to the first behind the weighing.")
    ] = None,
) -> None:
    """Write one file that proves a bag's way to anyone, offline (hazgate-verify checks it)."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    from hazgate_cloud.app import certify
    from hazgate_cloud.evidence.gather import NoEvidenceError, evidence_of
    from hazgate_cloud.keys import KeyFileError, Keyring
    from hazgate_profiles.registry import Registry
    from hazgate_protocols.journal.suite import DEFAULT, SuiteMissingError

    settings = _load(config)
    database = _open_store(settings)
    try:
        certify(settings, database, datetime.now(UTC))
        keys = Keyring(settings.key_file_of)
        made_by = f"hazgate-cloud {version('hazgate-cloud')}"
        with database.read() as tx:
            made = evidence_of(
                tx,
                code,
                signer=keys.of(DEFAULT),
                now=datetime.now(UTC),
                made_by=made_by,
                profiles=Registry(profiles),
                signer_of=keys.of,
                checkpoint_n=checkpoint,
            )
        with out.open("xb") as file:
            file.write(made.data)
    except (NoEvidenceError, KeyFileError, SuiteMissingError) as exc:
        _fail(str(exc))
    except OSError as exc:
        _fail(f"write {out}: {exc.strerror}; give another --out")
    finally:
        database.close()
    for remark in made.remarks:
        typer.secho(f"! {remark}", fg=typer.colors.YELLOW, err=True)
    typer.secho(f"✓ {out}: {len(made.data)} bytes; check it with: hazgate-verify {out}", fg=typer.colors.GREEN)


@box_app.command("add")
def box_add(
    box: Annotated[str, typer.Argument(help="The box's id, e.g. gate-01.")],
    public_key: Annotated[str, typer.Option(help="Its public key in hex (hazgate-edge identity); it tells the suite.")],
    unit_code: Annotated[str, typer.Option(help="Unified social credit code of the unit it weighs for.")],
    config: ConfigPath,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
) -> None:
    """Register a box; before that none of its pushes is taken."""
    from datetime import UTC, datetime

    from hazgate_cloud.app import certify
    from hazgate_cloud.domain.box import BoxInvalidError, register
    from hazgate_cloud.domain.times import stamp
    from hazgate_cloud.keys import KeyFileError
    from hazgate_cloud.store.boxes import BoxExistsError, add_box

    settings = _load(config)
    try:
        registered = register(box, public_key, unit_code, name)
    except BoxInvalidError as exc:
        _fail(f"add box {box}: {exc}")
    database = _open_store(settings)
    try:
        now = datetime.now(UTC)
        database.written(lambda tx: add_box(tx, registered, stamp(now)))
        certify(settings, database, now)
    except (BoxExistsError, KeyFileError) as exc:
        _fail(str(exc))
    finally:
        database.close()
    typer.secho(f"✓ box {box} registered for unit {unit_code} ({registered.suite.name})", fg=typer.colors.GREEN)


@box_app.command("show")
def box_show(
    box: Annotated[str, typer.Argument(help="The box's id.")],
    config: ConfigPath,
    pem: Annotated[bool, typer.Option("--pem", help="Print the certificate itself instead.")] = False,
) -> None:
    """Show a registered box: its unit, its key and the certificate that says so."""
    from datetime import UTC, datetime

    from hazgate_cloud.app import certify
    from hazgate_cloud.keys import KeyFileError, own_key
    from hazgate_cloud.store.boxes import find_box
    from hazgate_cloud.store.certificates import certificates_of
    from hazgate_protocols.certificate import to_pem

    settings = _load(config)
    database = _open_store(settings)
    try:
        certify(settings, database, datetime.now(UTC))
        collector = own_key(settings.key_file).public()
        with database.read() as tx:
            row = find_box(tx, box)
            issued = certificates_of(tx, box, row.registered.public_key, collector) if row is not None else None
    except (KeyFileError, OSError) as exc:
        _fail(str(exc))
    finally:
        database.close()
    if row is None:
        _fail(f"show box {box}: no box of this name is registered; hazgate-cloud box list shows them")
    if pem:
        if issued is None:
            _fail(f"show box {box}: its key is not of Ed25519, so it has no certificate")
        typer.echo(to_pem(issued.box), nl=False)
        return
    known = row.registered
    rows = {"name": known.name, "unit": known.unit_code, "registered": row.registered_at, "key": known.public_key.hex()}
    if issued is not None:
        own = issued.box
        rows |= {
            "certificate": f"valid {own.not_before.date()} to {own.not_after.date()}, fingerprint {own.fingerprint}",
            "its root": f"fingerprint {issued.root.fingerprint}",
        }
    for key, value in rows.items():
        typer.echo(f"  {key:<12} {value or '—'}")


@box_app.command("list")
def box_list(config: ConfigPath) -> None:
    """Show the registered boxes with their newest record."""
    from hazgate_cloud.api.queries import boxes_with_heads
    from hazgate_cloud.store.certificates import boxes_until

    database = _open_store(_load(config))
    try:
        with database.read() as tx:
            rows, until = boxes_with_heads(tx), boxes_until(tx)
    finally:
        database.close()
    show_table(
        ("box", "name", "unit", "newest record", "received", "branches", "certificate until"),
        (
            (
                *(row[name] for name in ("box", "name", "unit_code", "seq", "stored_at", "branches")),
                until[row["box"]].date() if row["box"] in until else None,
            )
            for row in rows
        ),
        empty="no box is registered; `hazgate-cloud box add` registers one",
    )


def _load(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as exc:
        _fail(str(exc))


def _open_store(settings: Config) -> Database:
    from hazgate_cloud.app import open_store
    from hazgate_cloud.store.engine import StoreUnavailableError

    try:
        return open_store(settings)
    except (ConfigError, StoreUnavailableError) as exc:
        _fail(str(exc))


def _fail(text: str) -> NoReturn:
    typer.secho(text, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def _set_up_log() -> None:
    for chatty in ("alembic", "httpx", "mqtt"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    tty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if tty else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer() if tty else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

"""hazgate-edge: run | check-config | doctor | verify | show | decide | scan-image | leases | decode | identity.

Plain argparse and late imports: `run` must start fast and stay small.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

DEFAULT_CONFIG = Path("/etc/hazgate/edge.yaml")


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; exits 0 when all is well, 1 when something was found wrong, 2 for misuse, 3 from `verify` when every
    record is right and the journal is not where it was, or waits for the collector or a decision."""
    arguments = _parser().parse_args(argv)
    try:
        status = arguments.call(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = None
        status = 0
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hazgate-edge", description="The box beside the scale.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call: object, text: str, *, config: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(call=call)
        if config:
            made.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help=f"default: {DEFAULT_CONFIG}")
        return made

    running = command("run", _run, "run the box until it is stopped")
    running.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    checking = command("check-config", _check_config, "check a configuration: file, line, key, what is allowed")
    checking.add_argument("file", type=Path, nargs="?", help="the same as --config")
    command("identity", _identity, "print the box's id and public key (made on first use)")
    command("doctor", _doctor, "check this machine, step by step: scale, printer, broker, journal")
    command("verify", _verify, "verify the whole journal: chain, hashes, seals")
    deciding = command("decide", _decide, "say that this box is the right one and may weigh on; goes on record")
    deciding.add_argument("--who", required=True, help="who decides")
    deciding.add_argument("--reason", required=True, help="why: what was restored, copied or taken away")
    # Not required by the parser: without either, the command says in full what is at stake.
    given = deciding.add_mutually_exclusive_group()
    given.add_argument(
        "--last-label",
        action="append",
        default=[],
        metavar="CODE",
        help="the highest label number given since the data was copied, once for each waste and day; numbers go on"
        " above it. Either this or the next is wanted",
    )
    given.add_argument(
        "--nothing-weighed-since",
        action="store_true",
        help="no label was given since the data was copied, by any box; one that was is given again",
    )
    showing = command("show", _show, "show everything known of one label number or record id")
    showing.add_argument("code", help="the 37-character label number, the text of its QR code, or a record id")
    looking = command("scan-image", _scan_image, "say what the codes in a photo are to this box")
    looking.add_argument("file", type=Path, help="a JPEG or PNG photo of a label")
    command("leases", _leases, "show the label numbers leased to this box, and what it has asked for")
    decoding = command("decode", _decode, "turn captured bytes into readings, as JSON lines", config=False)
    source = decoding.add_mutually_exclusive_group(required=True)
    source.add_argument("--profile", help="decode standard input (raw bytes, or hex with --hex) with this profile")
    source.add_argument("--transcript", type=Path, help="run a transcript file; exit 1 if a case fails")
    decoding.add_argument("--hex", action="store_true", help="standard input is hex text")
    decoding.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="a profile option, such as default_unit=kg"
    )
    return parser


def _run(arguments: argparse.Namespace) -> int:
    import asyncio
    import os

    from hazgate_edge import app, logs
    from hazgate_edge.config import ConfigError
    from hazgate_edge.identity import IdentityError
    from hazgate_edge.journal.database import JournalError
    from hazgate_edge.lastgood import LastGood
    from hazgate_edge.vitals import UnwellError

    logs.start(arguments.log_level)
    try:
        last_good = LastGood(arguments.config.resolve(), os.environ)
        asyncio.run(app.run(last_good.choose(), on_ready=last_good.keep))
    except (ConfigError, app.AlreadyRunningError, JournalError, IdentityError, UnwellError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _check_config(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import check_config

    return check_config.run(arguments.file or arguments.config)


def _identity(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import identity

    return identity.run(arguments.config)


def _doctor(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import doctor

    return doctor.run(arguments.config)


def _verify(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import verify

    return verify.run(arguments.config)


def _decide(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import decide

    return decide.run(
        arguments.config,
        arguments.who,
        arguments.reason,
        arguments.last_label,
        nothing_weighed=arguments.nothing_weighed_since,
    )


def _show(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import show

    return show.run(arguments.config, arguments.code)


def _scan_image(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import scan_image

    return scan_image.run(arguments.config, arguments.file)


def _leases(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import leases

    return leases.run(arguments.config)


def _decode(arguments: argparse.Namespace) -> int:
    from hazgate_edge.commands import decode

    if arguments.transcript is not None:
        return decode.run_transcript(arguments.transcript)
    return decode.run_stream(arguments.profile, hex_text=arguments.hex, options=arguments.option)


if __name__ == "__main__":
    main()

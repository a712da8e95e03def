"""hazgate-sim: every device and peer as a command."""

from __future__ import annotations

import typer

from hazgate_simulators.conditions.command import conditions_app
from hazgate_simulators.core.command import core_app
from hazgate_simulators.demo.command import demo
from hazgate_simulators.link.command import link
from hazgate_simulators.printer.command import printer_app
from hazgate_simulators.scale.command import scale
from hazgate_simulators.scanner.command import scanner
from hazgate_simulators.site.command import site

app = typer.Typer(
    help="Simulated scales, printers, cores, faulty links and the weighing place they make up.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("scale")(scale)
app.command("scanner")(scanner)
app.command("site")(site)
app.command("demo")(demo)
app.command("link")(link)
app.add_typer(printer_app, name="printer")
app.add_typer(core_app, name="core")
app.add_typer(conditions_app, name="conditions")


def main() -> None:
    """The console script."""
    app()

"""hazgate-sim core: the simulated core as a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hazgate_simulators.core.modes import Behaviour, Mode

core_app = typer.Typer(help="A regulatory core that accepts, delays, refuses, breaks off or answers nonsense.")


@core_app.callback(invoke_without_command=True)
def core(
    folder: Annotated[Path, typer.Option(help="Where accepted submissions are kept.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8090,
    mode: Annotated[Mode, typer.Option(help="How it behaves until /sim/mode changes it.")] = Mode.ACCEPT,
    delay_ms: Annotated[int, typer.Option(help="For delay and slow: milliseconds.")] = 0,
    code: Annotated[str, typer.Option(help="For refuse: the code.")] = "R-001",
    text: Annotated[str, typer.Option(help="For refuse: the reason.")] = "refused by the simulator",
) -> None:
    """Serves the submission API; GET /sim/submissions lists what it holds, POST /sim/mode changes what it does."""
    import socket

    import uvicorn

    from hazgate_simulators.core.app import build

    try:
        listener = socket.create_server((host, port))
    except OSError as exc:
        typer.echo(f"listen on {host}:{port}: {exc.strerror}; choose another --port", err=True)
        raise typer.Exit(1) from exc
    typer.echo(f"core simulator on http://{host}:{listener.getsockname()[1]} ({mode.value}), kept in {folder}")
    app = build(folder, Behaviour(mode=mode, delay_ms=delay_ms, code=code, text=text))
    # Broken-off answers are meant: their tracebacks would only frighten.
    config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """The command by itself; hazgate-sim offers it as `core`."""
    core_app()

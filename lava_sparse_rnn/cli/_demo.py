# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn demo``: a page that denoises in the browser."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn.cli._backend import check_denoiser
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import (
    NetworkFile,
    at_least,
    path_option,
    refuse_idle,
)
from lava_sparse_rnn.cli._summary import summary

HOST = "127.0.0.1"  # of this machine alone; there a page may ask for the microphone


def demo(
    context: typer.Context,
    network: NetworkFile = Path("denoiser_small"),
    output: Annotated[
        Path | None,
        path_option(
            "-o", "--output", help="Write the page into this folder, serve nothing."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(callback=at_least(0, 65535), help="Port; 0 takes a free one.")
    ] = 8016,
    cc: Annotated[
        str | None, typer.Option(help="A clang that compiles for wasm32.")
    ] = None,
) -> None:
    """Denoise in the browser: serve a page with the network compiled to WebAssembly.

    The microphone or a file goes in; a switch, a slider for the strength, both
    spectrograms and the load are shown. Needs clang and lld. Ctrl-C ends it.
    """
    from lava_sparse_rnn import c_export, spec

    if output is not None:
        refuse_idle(context, "nothing is served with --output, leave it out", "port")
    loaded = spec.load(network)
    check_denoiser(loaded, f"{network}:", "`demo denoiser` takes one")
    if output is not None:
        if output.exists() and not output.is_dir():
            raise ValueError(f"{output}: is a file, the name of a folder is needed")
        written = c_export.browser_page(loaded, output, cc)
        sizes = [path.stat().st_size for path in written]
        what = "a page that denoises, for any web server of static files"
        serve = f"python -m http.server --bind {HOST} -d {output}"
        console().print(summary(output, sizes, what, serve))
        return
    with tempfile.TemporaryDirectory() as name:
        c_export.browser_page(loaded, name, cc)
        _serve(Path(name), port)


def _serve(folder: Path, port: int) -> None:
    """Serve a folder until the process is told to end."""
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {  # noqa: RUF012  (as the base class has it)
            **SimpleHTTPRequestHandler.extensions_map,
            ".js": "text/javascript",
            ".wasm": "application/wasm",
        }

        def log_message(self, format: str, *args: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(
            (HOST, port), partial(Quiet, directory=str(folder))
        )
    except (OSError, OverflowError) as error:
        raise ValueError(f"--port: {port} cannot be used ({error})") from error
    with server:
        module = folder / "denoiser.wasm"
        console().print(
            f"http://{HOST}:{server.server_port}/ until Ctrl-C; denoiser.wasm: "
            f"{module.stat().st_size:,} bytes"
        )
        server.serve_forever()

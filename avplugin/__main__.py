"""The command line, entered as `avplugin` or `python -m avplugin`."""

from __future__ import annotations

import os
import sys

from avplugin.errors import AvpluginError, NotNow


def main() -> None:
    """Run the command line; every error a user can cause ends here, without a traceback."""
    import click  # noqa: PLC0415 - keeps this module's import free for tests of main

    from avplugin.commands import avplugin  # noqa: PLC0415

    try:
        status = avplugin.main(prog_name="avplugin", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("avplugin: stopped.", err=True)
        status = 130
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not complain when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except AvpluginError as error:
        # What is no error must not stand in borgmatic's log as one, as standard error does.
        is_error = not isinstance(error, NotNow) or "--json" in sys.argv
        click.echo(f"avplugin: {error}", err=is_error)
        status = error.exit_status
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        click.echo(f"avplugin: {error.strerror or error}{where}.", err=True)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()

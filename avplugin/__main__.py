"""The command line, entered as `avplugin` or `python -m avplugin`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

from avplugin.errors import AvpluginError, NotNow

_WITHOUT_BORG = {"mail", "--undo", "--recover", "--dry-run"}  # or not at once


def main() -> None:
    """Run the command line; every error a user can cause ends here, without a traceback."""
    # Modules and lists of files are no garbage, and looking through them again and again while they
    # are made costs a tenth of the time.
    gc.set_threshold(100_000, 20, 20)
    if _will_ask_borg(set(sys.argv)):  # which loads itself meanwhile
        from avplugin.borgmatic.early_borg import begin_early  # noqa: PLC0415

        begin_early()
    import click  # noqa: PLC0415 - keeps this module's import free for tests of main

    from avplugin.commands import avplugin  # noqa: PLC0415
    from avplugin.commands.context import printable  # noqa: PLC0415

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, _stop)
    try:
        status = avplugin.main(prog_name="avplugin", standalone_mode=False)
        click.echo(nl=False)  # flushes
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("avplugin: stopped.", err=True)
        status = 130
    except BrokenPipeError:
        status = 1  # whoever read the output has seen enough
    except AvpluginError as error:
        # What is no error must not stand in borgmatic's log as one, as standard error does.
        is_error = not isinstance(error, NotNow) or "--json" in sys.argv
        click.echo(printable(f"avplugin: {error}"), err=is_error)
        status = error.exit_status
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        click.echo(printable(f"avplugin: {error.strerror or error}{where}."), err=True)
        status = 1
    _give_up_unwritten_output()
    gc.freeze()  # nor is there any at the end
    sys.exit(status if isinstance(status, int) else 0)


def _will_ask_borg(words: set[str]) -> bool:
    """Return whether this is a command that needs Borg in any case, and soon."""
    is_asking_nobody = bool(words & {"-y", "--yes"}) and not words & _WITHOUT_BORG
    return "after-backup" in words or ("restore" in words and is_asking_nobody)


def _stop(number: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that all that was taken is given back on the way out."""
    signal.signal(number, signal.SIG_IGN)
    sys.stderr.write("avplugin: stopped.\n")
    sys.exit(128 + number)


def _give_up_unwritten_output() -> None:
    """Keep Python from trying once more, at its end, what could not be printed."""
    import click  # noqa: PLC0415 - as above

    try:
        click.echo(nl=False)  # flushes
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()

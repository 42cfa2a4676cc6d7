"""avplugin demo: an AccountView office to try things on."""

from __future__ import annotations

from pathlib import Path

import click

from avplugin.commands.context import Context, counted, human_size


@click.command("demo")
@click.argument("folder", metavar="DIR")
@click.option("--administrations", default=8, show_default=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same bytes.")
@click.option(
    "--size", default=400, show_default=True, metavar="KB", help="kB per administration, about."
)
@click.option("--files", default=29, show_default=True, help="Files per administration, 29 to 400.")
@click.option("--working-day", is_flag=True, help="Change an office as a day's work does.")
@click.option(
    "--pack", is_flag=True, help="With --working-day: pack an administration (organiseren) too."
)
@click.pass_obj
def command(
    context: Context,
    folder: str,
    administrations: int,
    seed: int,
    size: int,
    files: int,
    working_day: bool,
    pack: bool,
) -> None:
    """Generate an AccountView office in DIR, or let a working day pass in one.

    Everything in it is made up; its tables, memos and indexes are real FoxPro files.
    """
    if working_day:
        _play(context, Path(folder), seed, pack=pack)
        return
    if pack:
        raise click.UsageError("--pack goes with --working-day")
    from avplugin.demo.office import generate_office  # noqa: PLC0415

    office = generate_office(
        Path(folder),
        administrations=administrations,
        seed=seed,
        size=size * 1000,
        files=files,
    )
    office.register.touch()  # exported just now, whatever the day in the office
    made = [path for path in Path(folder).rglob("*") if path.is_file()]
    total = sum(path.stat().st_size for path in made)
    context.say(
        f"{folder}: {counted(len(office.administrations), 'administration')},"
        f" {counted(len(made), 'file')}, {human_size(total)}; the register is {office.register}."
    )
    if context.as_json:
        context.answer(
            {
                "folder": str(office.folder),
                "register": str(office.register),
                "administrations": [part.code for part in office.administrations],
                "files": len(made),
                "bytes": total,
            }
        )


def _play(context: Context, folder: Path, seed: int, *, pack: bool) -> None:
    from avplugin.demo.working_day import play_working_day  # noqa: PLC0415

    day = play_working_day(folder, seed=seed, pack=pack)
    context.say(
        f"A working day in {', '.join(day.administrations)}:"
        f" {counted(day.records_updated, 'record')} changed, {day.records_appended} added,"
        f" {counted(day.memo_blocks_added, 'memo block')} added,"
        f" {counted(day.index_pages_rewritten, 'index page')} rewritten,"
        f" {counted(len(day.documents_added), 'document')} added,"
        f" {counted(len(day.tables_packed), 'table')} packed."
    )
    if context.as_json:
        context.answer(
            {
                "administrations": list(day.administrations),
                "records_updated": day.records_updated,
                "records_appended": day.records_appended,
                "memo_blocks_added": day.memo_blocks_added,
                "index_pages_rewritten": day.index_pages_rewritten,
                "documents_added": [str(path) for path in day.documents_added],
                "tables_packed": list(day.tables_packed),
            }
        )

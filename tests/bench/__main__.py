"""`./run bench`: measure avplugin beside the others, and say how."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.answer import Answer, Bar
from bench.bench import Bench, Settings
from bench.machine import describe_machine
from bench.office import BUSY
from bench.peers.peer import plain_environment
from bench.plot import write_plot
from bench.questions import ON_REQUEST, QUESTIONS

_MISSED = 1


def main(words: Sequence[str] | None = None) -> int:
    """Ask the questions of the command line; return the exit status."""
    options = _parser().parse_args(words)
    known = {**QUESTIONS, **ON_REQUEST}
    names = options.names or list(QUESTIONS)
    unknown = [name for name in names if name not in known]
    if unknown:
        _parser().error(f"{unknown[0]}: no such question; there are {', '.join(known)}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="avplugin-bench-", dir=options.folder) as folder:
        place = Path(folder)
        path = plain_environment(place / "look")["PATH"]
        machine = describe_machine(place, path)
        bench = Bench(place, _settings(options))
        if not options.json:
            _print_machine(machine)
        answers = {}
        for name in names:
            answers[name] = known[name].ask(bench)
            if not options.json:
                _print_answer(known[name].__doc__ or name, answers[name])
        if options.plot:
            played = bench.twenty_days()
            write_plot(options.plot, f"Growth: {played.title}", played.sizes)
    bars = [bar for answer in answers.values() for bar in answer.bars]
    if options.json:
        print(json.dumps(_as_json(machine, answers), indent=2))
    elif options.check:
        _print_verdict(bars)
    bench.say(f"took {time.monotonic() - began:.0f} s")
    return _MISSED if options.check and not all(bar.passed for bar in bars) else 0


def _parser() -> argparse.ArgumentParser:
    questions = {**QUESTIONS, **ON_REQUEST}
    lines = [
        f"  {name:16}{(question.__doc__ or '').strip()}"
        + (" (only if named)" if name in ON_REQUEST else "")
        for name, question in questions.items()
    ]
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=__doc__,
        epilog="\n".join(["questions:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a question; all but the slow ones"
    )
    parser.add_argument(
        "--administrations",
        type=_positive,
        action="append",
        metavar="N",
        help="how many the office has (20; others to try are 200 and 1000); may be repeated for"
        " the questions about hooks",
    )
    parser.add_argument("--size", type=_positive, metavar="KB", help="kB per administration, about")
    parser.add_argument("--days", type=_positive, default=20, help="working days (20)")
    parser.add_argument(
        "--busy",
        type=_share,
        default=BUSY,
        metavar="SHARE",
        help=f"of those worked in on a day have a full day, in the 20 days ({BUSY})",
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="nights with and without hooks")
    parser.add_argument(
        "--check", action="store_true", help="judge the bars; exit 1 if one is missed"
    )
    parser.add_argument("--json", action="store_true", help="the answers as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the growth (SVG)")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="work in here ($TMPDIR, or /tmp)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("takes 1 or more")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("takes a number from 0 to 1")
    return share


def _settings(options: argparse.Namespace) -> Settings:
    asked = tuple(options.administrations or ())
    # The bars on nights are bars on large offices; those are made only if somebody asks for them.
    nights_of = asked or ((200, 1000) if options.check else (20,))
    return Settings(
        days_of=asked[0] if asked else 20,
        nights_of=nights_of,
        size=options.size * 1000 if options.size else None,
        days=options.days,
        busy=options.busy,
        rounds=options.rounds,
    )


def _print_machine(machine: dict[str, str]) -> None:
    print("Measured on:")
    for name, value in machine.items():
        print(f"  {name}: {value}")


def _print_answer(question: str, answer: Answer) -> None:
    print(f"\n== {question.strip()}")
    for table in answer.tables:
        print("", *table.lines(), sep="\n")
    for bar in answer.bars:
        print(f"\n{bar.line()}" if bar is answer.bars[0] else bar.line())
    sys.stdout.flush()


def _print_verdict(bars: Sequence[Bar]) -> None:
    print("\n== The bars")
    for bar in bars:
        print(bar.line())
    missed = sum(not bar.passed for bar in bars)
    print(f"{len(bars) - missed} of {len(bars)} hold, {missed} missed.")


def _as_json(machine: dict[str, str], answers: dict[str, Answer]) -> dict[str, Any]:
    return {
        "machine": machine,
        "questions": {
            name: {
                "tables": [table.as_json() for table in answer.tables],
                "bars": [bar.as_json() for bar in answer.bars],
            }
            for name, answer in answers.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())

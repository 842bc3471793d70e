"""The command line `cultivar`: nouns and tools, each a module that is imported when it is named."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import typer
from rich.console import Console

from app.cli.errors import FAILED, INTERRUPTED, report, report_os_error
from app.embedded.errors import EmbeddedError
from app.errors import CultivarError


class Entry(NamedTuple):
    """A command: what it is for, and the module that holds it as `commands` or as `command`."""

    module: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "generate": Entry("app.cli.generate", "Grow a dataset from a seed file, start to finish."),
    "serve": Entry("app.cli.serve", "Run the service in the foreground, all in one directory."),
    "seed-sets": Entry("app.cli.seed_sets", "Seed tasks that people wrote."),
    "labelled-sets": Entry("app.cli.labelled_sets", "Labelled rows, for the method template."),
    "evaluation-sets": Entry("app.cli.evaluation_sets", "What nobody shall train on."),
    "documents": Entry("app.cli.documents", "Documents to ask about, cut into chunks."),
    "teachers": Entry("app.cli.teachers", "Models that write the rows."),
    "jobs": Entry("app.cli.jobs", "Runs of a method: submit, watch, steer."),
    "rows": Entry("app.cli.rows", "Finished rows, and where each came from."),
    "reviews": Entry("app.cli.reviews", "Judge samples of rows; what share is valid."),
    "exports": Entry("app.cli.exports", "Dataset files."),
    "comparisons": Entry("app.cli.comparisons", "Tuned models judged by a teacher."),
    "training": Entry("app.cli.training", "Training runs: submit, follow, stop, fetch."),
    "keys": Entry("app.cli.api_keys", "API keys: who else may use the service."),
    "audit": Entry("app.cli.audit", "Who did what, in a log that only grows."),
    "methods": Entry("app.cli.methods", "Published methods, their profiles and options."),
    "filters": Entry("app.cli.filters", "Rules on rows; try them on a job or a file."),
    "templates": Entry("app.cli.templates", "Templates that make tasks of labelled rows."),
    "backup": Entry("app.cli.backup", "Write all that the service holds into a folder."),
    "restore": Entry("app.cli.restore", "Put a backup into an empty service."),
    "dedup": Entry("app.cli.dedup", "Drop near-duplicates from a file; needs no service."),
    "decontaminate": Entry(
        "app.cli.decontaminate", "Drop rows of evaluation sets; needs no service."
    ),
    "replay": Entry("app.cli.replay", "Filter recorded replies again; needs no service."),
    "report": Entry("app.cli.report", "What an exported file holds; needs no service."),
    "train": Entry("app.cli.train", "Fine-tune a model on a file; needs no service."),
    "compare": Entry("app.cli.compare", "Let a teacher judge two models' recorded answers."),
    "worth": Entry("app.cli.worth", "Show what rows do for a model; needs no service."),
    "rotate-master-key": Entry(
        "app.cli.rotate_master_key", "Seal teachers' keys with a new master key."
    ),
    "score": Entry("app.cli.score", "Score recorded answers by ROUGE-L; needs no service."),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed, 2 wrong usage or bad input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    console = Console(stderr=True, soft_wrap=True)
    try:
        root(given)(given, prog_name="cultivar")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
    except (CultivarError, EmbeddedError) as error:
        return report(error, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED  # whoever read our output has gone
    except OSError as error:
        return report_os_error(error, console)
    return 0


def root(arguments: Sequence[str]) -> typer.Typer:
    """The whole tree of commands, of which only the named one is more than its name and help."""
    tree = typer.Typer(
        help="Grows an instruction-tuning dataset from a handful of seeds.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, entry in COMMANDS.items():
        if name == chosen:
            _attach(tree, name, entry)
        else:
            tree.command(name, help=entry.help)(_only_listed)
    return tree


def _attach(tree: typer.Typer, name: str, entry: Entry) -> None:
    module = importlib.import_module(entry.module)
    group: typer.Typer | None = getattr(module, "commands", None)
    if group is not None:
        tree.add_typer(group, name=name, help=entry.help, no_args_is_help=True)
        return
    command: Callable[..., None] = module.command
    tree.command(name, help=f"{entry.help}\n\n{command.__doc__ or ''}")(command)


def _only_listed() -> None:
    """Stand for a command in the list of commands."""


if __name__ == "__main__":
    sys.exit(main())

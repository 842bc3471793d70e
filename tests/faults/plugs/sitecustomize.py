"""What the fault tests do inside processes of the service; Python runs it first, by PYTHONPATH.

CULTIVAR_TEST_PLUG names it: `five_times` and `dropped` are about messages, the others give a share
of all texts a deadly quality: `deadly_prompt=0.03` kills the process that has such a prompt
answered; `bad_reply=0.03` has the parsing of such a reply kill the process, ask for more memory
than there is, or never come to an end.
"""

import os
import random
import re
import resource
import signal
import threading
from collections.abc import Callable
from typing import Any

KIND, _, SHARE = os.environ.get("CULTIVAR_TEST_PLUG", "").partition("=")
REORDERED_WITHIN_S = 0.5
TOO_MUCH = 4 << 30


def send_five_times() -> None:
    """Every message goes out five times, three of them later and so after younger ones."""
    from celery import Celery  # noqa: PLC0415

    once = Celery.send_task

    def send_task(self: Celery, *arguments: Any, **options: Any) -> Any:
        for _ in range(3):
            wait_s = random.uniform(0, REORDERED_WITHIN_S)
            later = threading.Timer(wait_s, once, (self, *arguments), options)
            later.daemon = True
            later.start()
        once(self, *arguments, **options)
        return once(self, *arguments, **options)

    Celery.send_task = send_task


def send_nothing() -> None:
    """No message goes out."""
    from celery import Celery  # noqa: PLC0415

    Celery.send_task = lambda *_, **__: None


def die_of_prompts() -> None:
    """The process ends in the moment in which the answer to a deadly prompt arrives."""
    from app.llm.transport import Line  # noqa: PLC0415
    from tests.faults.deadly import is_deadly  # noqa: PLC0415

    harmless = Line.ask

    async def ask(self: Line, call: Any) -> Any:
        reply = await harmless(self, call)
        if is_deadly(call.prompt.text, float(SHARE)):
            os.kill(os.getpid(), signal.SIGSEGV)
        return reply

    Line.ask = ask


def harm_at_parsing(*harms: Callable[[], None]) -> None:
    """Do one of these whenever a deadly reply with a list of instructions is parsed."""
    from app.domain.parsing import instruction_list  # noqa: PLC0415
    from tests.faults.deadly import harm_of, is_deadly  # noqa: PLC0415

    harmless = instruction_list.tolerant_items

    def parse(reply: str) -> Any:
        if is_deadly(reply, float(SHARE)):
            harms[harm_of(reply)]()
        return harmless(reply)

    instruction_list.tolerant_items = parse


def die() -> None:
    """End as a program with a fault in native code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def exhaust_memory() -> None:
    """Ask for more memory than this process may have."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (TOO_MUCH // 2, before[1]))
    try:
        bytearray(TOO_MUCH)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def loop() -> None:
    """Never come to an end, in native code that lets no other thread run."""
    re.fullmatch("(a+)+b", "a" * 64)


match KIND:
    case "five_times":
        send_five_times()
    case "dropped":
        send_nothing()
    case "deadly_prompt":
        die_of_prompts()
    case "bad_reply":
        harm_at_parsing(die, exhaust_memory, loop)
    case _:
        pass

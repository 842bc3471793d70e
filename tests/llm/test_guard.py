"""Row 2 of the security table: no request leaves for an address that a teacher may not be at."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from app.errors import TeacherFailure
from app.llm.addresses import (
    AddressRefused,
    Allowed,
    Rule,
    is_this_machine,
    read_allowed,
    rule_of,
)
from app.llm.batches import BatchCallFailed, BatchService
from app.llm.check import check_teacher
from app.llm.client import Call, Door, Fault, Outcome, Reply
from app.llm.guard import Guard, place_of
from app.llm.limits import LocalLimits
from app.llm.transport import Line, UnusableAddress
from app.runtime import build_guard
from app.settings import Settings
from tests.llm.calls import PROMPT, Replies, ask, teacher_at
from tests.llm.hostile_urls import PUBLIC, TABLE, answer
from tests.llm.scripted_teacher import answers, completion, scripted_teacher

NOTHING = Guard(Allowed(), resolve=answer)
IDS = [url.encode("ascii", "backslashreplace").decode()[:60] for url, _ in TABLE]


@contextmanager
def listening(*hosts: str) -> Iterator[tuple[int, list[str]]]:
    """One port on which nobody should call, on several addresses; who called is noted."""
    called: list[str] = []
    sockets: list[socket.socket] = []
    port = 0
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sockets.append(socket.create_server((host, port), family=family))
        port = sockets[-1].getsockname()[1]

    def take(server: socket.socket) -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            called.append(server.getsockname()[0])

    threads = [threading.Thread(target=take, args=(each,), daemon=True) for each in sockets]
    for thread in threads:
        thread.start()
    try:
        yield port, called
    finally:
        for each in sockets:
            each.shutdown(socket.SHUT_RDWR)
            each.close()


def sent(url: str, guard: Guard) -> Reply:
    """What comes of one call through a line of its own."""

    async def send() -> Reply:
        teacher = teacher_at(url, timeout_s=5.0)
        line = Line(teacher, ssl.create_default_context(), guard)
        try:
            return await line.ask(Call("slot", 1, teacher, PROMPT))
        finally:
            await line.close()

    return asyncio.run(send())


def rule_at_call(url: str, guard: Guard) -> str:
    """The rule by which a call to a URL was refused; nothing may have been sent."""
    try:
        reply = sent(url, guard)
    except AddressRefused as error:
        return error.rule
    except UnusableAddress:  # what httpx cannot read either
        return Rule.AMBIGUOUS_HOST
    assert (reply.outcome, reply.fault) == (Outcome.UNAUTHORIZED, Fault.ADDRESS)
    return (reply.error or "").rpartition("(rule ")[2].removesuffix(").")


def test_the_table_is_long_enough() -> None:
    assert len({url for url, _ in TABLE}) == len(TABLE) >= 80
    assert {rule for _, rule in TABLE} == set(Rule) - {Rule.OWN_PORT}


@pytest.mark.parametrize(("url", "rule"), TABLE, ids=IDS)
def test_refused_when_it_is_saved(url: str, rule: Rule) -> None:
    with pytest.raises(AddressRefused) as raised:
        NOTHING.look(url)
    assert raised.value.rule is rule
    assert f"(rule {rule})" in str(raised.value)


@pytest.mark.parametrize(("url", "rule"), TABLE, ids=IDS)
def test_refused_when_it_is_called(url: str, rule: Rule) -> None:
    assert rule_at_call(url, NOTHING) == rule


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "localhost", "127.0.0.1.nip.io", "mixed.example", "2130706433", "127.1",
     "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0", "127.0.0.2", "localtest.me"],  # noqa: S104
)  # fmt: skip
def test_a_listener_sees_no_connection(host: str) -> None:
    with listening("127.0.0.1", "127.0.0.2", "::1") as (port, called):
        for scheme in ("http", "https"):
            url = f"{scheme}://{host}:{port}/v1"
            with pytest.raises(AddressRefused):
                NOTHING.look(url)
            with pytest.raises(TeacherFailure) as refused:
                check_teacher(teacher_at(url), NOTHING)
            assert refused.value.stage == "address"
            with pytest.raises(BatchCallFailed) as failed:
                BatchService(teacher_at(url), NOTHING).retrieve("b")
            assert failed.value.outcome is Outcome.UNAUTHORIZED
    assert called == []


def test_the_listener_would_see_one() -> None:
    """The check of the check: where loopback is allowed, it does arrive."""
    with listening("127.0.0.1") as (port, called):
        reply = sent(f"http://127.0.0.1:{port}/v1", Guard())
        assert reply.outcome is Outcome.UNKNOWN
    assert called == ["127.0.0.1"]


def test_a_resolver_that_changes_its_answer_leads_nowhere_else() -> None:
    """Public when it is looked at, loopback a moment later: refused then; and never asked twice."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return PUBLIC if len(asked) % 2 else ["127.0.0.1"]

    guard = Guard(Allowed(), resolve=rebinding)
    with listening("127.0.0.1") as (port, called):
        url = f"https://rebind.example:{port}/v1"
        guard.look(url)
        reply = sent(url, guard)
    assert (reply.fault, asked) == (Fault.ADDRESS, ["rebind.example"] * 2)
    assert "127.0.0.1" not in (reply.error or "")
    assert called == []


def test_the_name_is_kept_in_host_and_the_resolver_asked_once() -> None:
    asked: list[str] = []

    async def ours(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    door = Door(LocalLimits(), Guard(read_allowed("teacher.example"), resolve=ours))
    with scripted_teacher(answers(completion())) as server:
        port = server.base_url.rpartition(":")[2]
        replies = ask(door, teacher_at(f"http://teacher.example:{port}"), count=5)
    door.close(drain_s=0.0)
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    assert {headers["Host"] for _, headers, _ in server.arrivals} == {
        f"teacher.example:{port.removesuffix('/v1')}"
    }
    assert asked == ["teacher.example"]


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "http://[::1]:9/"])
def test_a_redirect_is_not_followed(target: str) -> None:
    with scripted_teacher(answers(b"", 302, Location=target)) as server:
        reply = sent(server.base_url, Guard())
    assert (reply.outcome, reply.status) == (Outcome.REDIRECTED, 302)
    assert len(server.arrivals) == 1


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening("127.0.0.1") as (port, called), scripted_teacher(answers(completion())) as it:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert sent(it.base_url, Guard()).outcome is Outcome.ANSWERED
    assert called == []


def test_a_refused_address_ends_a_call_in_the_door() -> None:
    replies = Replies()
    door = Door(LocalLimits(), NOTHING)
    for url in ("http://127.0.0.1:9/v1", "https://mixed.example/v1"):
        door.start(Call("slot", 1, teacher_at(url), PROMPT), replies.take)
    found = replies.wait_for(2)
    door.close(drain_s=0.0)
    assert {(each.outcome, each.fault) for each in found} == {(Outcome.UNAUTHORIZED, Fault.ADDRESS)}


# What an operator allows


def test_private_places_need_the_operators_word() -> None:
    listed = Guard(read_allowed("10.0.0.0/8, intranet.example:8000, fd12:3456::7"), resolve=answer)
    for url in (
        "http://10.0.0.5:8000/v1", "https://10.0.0.5.nip.io/v1", "http://intranet.example:8000/v1",
        "http://[fd12:3456::7]:8000/v1",
    ):  # fmt: skip
        listed.look(url)
        with pytest.raises(AddressRefused):
            NOTHING.look(url)
    for url in ("http://intranet.example/v1", "http://192.168.7.7:8000/v1", "http://localhost/v1"):
        with pytest.raises(AddressRefused):
            listed.look(url)


ALWAYS = [
    (url, rule)
    for url, rule in TABLE
    if rule not in (Rule.AMBIGUOUS_HOST, Rule.LOOPBACK, Rule.PRIVATE, Rule.NOT_HTTPS)
]


@pytest.mark.parametrize(("url", "rule"), ALWAYS, ids=[url for url, _ in ALWAYS])
def test_no_list_allows_the_rest(url: str, rule: Rule) -> None:
    everything = read_allowed("0.0.0.0/0, ::/0, metadata.google.internal, metadata")
    assert rule_at_call(url, Guard(everything, resolve=answer)) == rule


def test_the_operators_own_variables_are_its_word() -> None:
    guard = build_guard(
        Settings(
            teacher_networks="",
            demo_teacher_url="http://demo-teacher:8001/v1",
            openai_base_url="http://[fd12::5]:9000/v1",
            database_url="postgresql+psycopg://me@one:5432,two:5433/x",
        )
    )
    guard.judge(place_of("http://demo-teacher:8001/v1"), "172.18.0.3")
    guard.enter("http://[fd12::5]:9000/v1")
    for url in ("http://demo-teacher:8002/v1", "http://other:8001/v1"):
        with pytest.raises(AddressRefused):
            guard.judge(place_of(url), "172.18.0.3")
    with pytest.raises(AddressRefused):
        guard.enter("http://127.0.0.1:9000/v1")
    build_guard(Settings(openai_base_url="nonsense"))


def test_our_own_ports_are_no_teacher() -> None:
    guard = Guard(read_allowed("0.0.0.0/0"), stores=[5432, 6379], api_port=8000, resolve=answer)
    for url in ("http://localhost:5432/v1", "http://10.0.0.5:6379/v1", "http://127.0.0.1:8000/v1"):
        with pytest.raises(AddressRefused) as raised:
            guard.look(url)
        assert raised.value.rule is Rule.OWN_PORT
    guard.look("http://10.0.0.5:8000/v1")  # a vLLM elsewhere
    guard.look("https://api.example.com:8000/v1")


def test_a_name_that_does_not_resolve_may_be_saved() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError(host)

    guard = Guard(Allowed(), resolve=nowhere)
    guard.look("https://teacher.example/v1")
    assert sent("https://teacher.example/v1", guard).fault is Fault.DNS


@pytest.mark.parametrize("text", ["10.0.0.0/99", "host:0", "host:port", ":8000", "10.0.0.1/8"])
def test_a_list_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no network"):
        read_allowed(text)


def test_what_is_ours_is_known() -> None:
    assert is_this_machine("127.0.0.1")
    assert not is_this_machine("93.184.216.34")
    assert rule_of("93.184.216.34") is None
    assert rule_of("2606:4700::1111") is None
    assert rule_of("64:ff9b::5db8:d822") is None

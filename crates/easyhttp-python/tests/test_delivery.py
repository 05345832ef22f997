"""What is known of a command whose call failed: not sent, refused or unknown."""

import asyncio
import json
import shutil
import socket
import threading

import easyhttp_rs
import pytest
from support import PATIENCE, eventually

NOBODY = "ZZZZZZ"


class Unanswering:
    """It answers PINGs. Of all else it reads the request, and closes or waits."""

    def __init__(self, closes):
        self.closes = closes
        self.requests = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        pong = json.dumps({"type": 2, "header": {"sender_id": NOBODY}}).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(pong)}\r\n\r\n".encode()
        length = 0
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                if line != b"\r\n":
                    continue
                request = json.loads(lines.read(length))
                self.requests.append(request)
                if request["type"] == 1:
                    connection.sendall(head + pong)
                elif self.closes:
                    return


def test_what_is_refused_was_not_done(start, callback):
    def broken():
        raise RuntimeError("the motor is stuck")

    for given in ({}, {"on_push": callback(lambda: False)}, {"on_push": callback(broken)}):
        peer = start(**given)
        with pytest.raises(easyhttp_rs.CallFailed) as refused:
            start(knows=peer).push_data(peer.id, "on")
        assert refused.value.delivery == "refused"


def test_what_was_not_sent_may_be_sent_again(start):
    peer, asker = start(), start()
    with pytest.raises(easyhttp_rs.UnknownDevice) as unknown:
        asker.push_data(NOBODY, "on")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        asker.add(NOBODY, "127.0.0.1", closed.getsockname()[1])
        with pytest.raises(easyhttp_rs.Unreachable) as gone:
            asker.push_data(NOBODY, "on")
    asker.remove(NOBODY)
    asker.add(NOBODY, "127.0.0.1", peer.port)
    with pytest.raises(easyhttp_rs.WrongDevice) as wrong:
        asker.push_data(NOBODY, "on")
    with pytest.raises(easyhttp_rs.InvalidId) as invalid:
        asker.push_data("ABCDE", "on")
    asker.stop()
    with pytest.raises(easyhttp_rs.NotRunning) as stopped:
        asker.push_data(peer.id, "on")
    for failed in (unknown, gone, wrong, invalid, stopped):
        assert failed.value.delivery == "not_sent", failed.value


@pytest.mark.parametrize("closes", [True, False])
def test_what_was_sent_and_not_answered_may_have_been_done(start, closes):
    with Unanswering(closes) as peer:
        asker = start(timeout=1.0)
        asker.add(NOBODY, "127.0.0.1", peer.port)
        expected = easyhttp_rs.Interrupted if closes else easyhttp_rs.TimedOut
        with pytest.raises(expected) as lost:
            asker.push_data(NOBODY, "on")
        assert lost.value.delivery == "unknown"
        # The PING before it, which says that somebody is there.
        assert [request["type"] for request in peer.requests] == [1, 5]


def test_a_ping_before_a_command_is_not_the_command(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asker = start(timeout=0.2)
        asker.add(NOBODY, "127.0.0.1", silent.getsockname()[1])
        with pytest.raises(easyhttp_rs.TimedOut) as late:
            asker.push_data(NOBODY, "on")
        assert (late.value.sent, late.value.delivery) == (False, "not_sent")


def test_a_callback_that_takes_too_long_runs_on(start):
    done = threading.Event()

    async def slow():
        # It holds up no event loop.
        while not done.is_set():
            await asyncio.sleep(0.01)

    peer = start(on_push=slow)
    asker = start(knows=peer, timeout=PATIENCE)
    with pytest.raises(easyhttp_rs.HandlerFailed, match="runs on") as slow:
        asker.push_data(peer.id, "on")
    assert (slow.value.runs_on, slow.value.delivery) == (True, "unknown")
    done.set()


def test_two_devices_with_one_id(make, tmp_path):
    def twin(number):
        device = make(config_file=tmp_path / f"twin-{number}.json", enable_discovery=True)
        device.start()
        return device

    twins = [twin(1)]
    shutil.copy(tmp_path / "twin-1.json", tmp_path / "twin-2.json")
    twins.append(twin(2))
    asker = make(enable_discovery=True)
    asker.start()

    def ambiguous():
        try:
            asker.push_data(twins[0].id, "on")
        except easyhttp_rs.Ambiguous as error:
            return error
        except easyhttp_rs.CallFailed:
            return None

    error = eventually(ambiguous)
    assert error.device_id == twins[0].id == twins[1].id
    assert sorted(error.addresses) == sorted(f"127.0.0.1:{twin.port}" for twin in twins)
    assert error.delivery == "not_sent"

"""Commands that wait on disk until their devices are there."""

import json
import stat
import sys

import easyhttp_rs
import pytest
from programs import Program
from support import Calls, eventually

AWAY = "7H8G2K"


@pytest.fixture
def keeping(start):
    """Starts devices that find others, and so hear who comes back. Those that are given a
    `name` have the files of that name, also when they are started again."""

    def keeping(name=None, **given):
        if name is not None:
            given["config_file"] = f"{name}.json"
        return start(enable_discovery=True, **given)

    return keeping


def test_what_waits_is_delivered_in_order_when_the_device_is_there(keeping, callback):
    delivered, pushed = Calls(), Calls(returns=True)
    easy = keeping(on_delivered=callback(delivered))
    numbers = [easy.outbox.push(AWAY, {"n": n}) for n in range(20)]
    assert numbers == sorted(set(numbers))
    waiting = easy.outbox.list()
    assert [item.number for item in waiting] == numbers
    first = waiting[0]
    assert (first.device_id, first.data, first.may_have_arrived) == (AWAY, {"n": 0}, False)
    # A week, as nobody said otherwise.
    assert 6.9 * 86400 < first.expires_in <= 7 * 86400

    keeping(id=AWAY, on_push=callback(pushed))
    for n, number in enumerate(numbers):
        assert pushed.next()["data"] == {"n": n}
        given = delivered.next()
        assert (given["device_id"], given["data"]) == (AWAY, {"n": n})
        assert given["item"].number == number
    assert easy.outbox.list() == []
    assert easy.outbox.flush() == 0


def test_a_device_that_is_there_gets_it_at_once(start):
    pushed = Calls(returns=True)
    peer = start(on_push=pushed)
    easy = start(knows=peer)
    easy.outbox.push(peer.id)
    given = pushed.next()
    assert (given["sender_id"], given["data"]) == (easy.id, None)


def test_what_is_refused_is_told_with_the_reason(start, callback):
    def switch(data):
        if data == "purple":
            raise easyhttp_rs.Refused("state must be on or off")
        raise RuntimeError("the motor is stuck")

    refused = Calls()
    peer, silent = start(on_push=callback(switch)), start()
    easy = start(knows=[peer, silent], on_refused=callback(refused))
    expected = [
        (peer, "purple", easyhttp_rs.Refused, "state must be on or off"),
        (peer, "on", easyhttp_rs.HandlerFailed, "the motor is stuck"),
        (silent, "on", easyhttp_rs.NoHandler, "no handler"),
    ]
    for device, data, kind, text in expected:
        number = easy.outbox.push(device.id, data)
        given = refused.next()
        assert (given["device_id"], given["data"]) == (device.id, data)
        assert given["item"].number == number
        assert type(given["error"]) is kind
        assert text in str(given["error"]) and given["error"].delivery == "refused"
    assert easy.outbox.list() == []


def test_a_callback_takes_what_it_wants_and_is_set_when_one_likes(start):
    peer = start(on_push=lambda: True)
    easy = start(knows=peer)
    told = Calls()

    @easy.on("on_delivered")
    def delivered(item):
        told(item=item)

    with pytest.raises(TypeError, match="it is given device_id, data, item, error, by name"):
        easy.on("on_refused", lambda reason: None)
    number = easy.outbox.push(peer.id, [1, "ü"])
    assert told.next()["item"][:3] == (number, peer.id, [1, "ü"])


def test_what_is_cancelled_is_not_sent(keeping):
    pushed = Calls(returns=True)
    easy = keeping()
    first, second = easy.outbox.push(AWAY, 1), easy.outbox.push(AWAY, 2)
    assert easy.outbox.cancel(first) is True
    assert easy.outbox.cancel(first) is False
    assert easy.outbox.cancel(second + 1) is False
    assert [item.number for item in easy.outbox.list()] == [second]
    keeping(id=AWAY, on_push=pushed)
    assert pushed.next()["data"] == 2


def test_what_expires_is_told_and_not_sent(keeping, callback):
    expired, pushed = Calls(), Calls(returns=True)
    easy = keeping(on_expired=callback(expired))
    number = easy.outbox.push(AWAY, "too late", expires=0.05)
    easy.outbox.push(AWAY, "in time", expires=float("inf"))
    given = expired.next()
    assert (given["device_id"], given["data"]) == (AWAY, "too late")
    assert given["item"] == (number, AWAY, "too late", 0, 0.0, False)
    keeping(id=AWAY, on_push=pushed)
    assert pushed.next()["data"] == "in time"


def test_a_full_outbox_is_an_error_and_no_wait(start):
    easy = start(outbox_items=2)
    number = easy.outbox.push(AWAY, 1)
    easy.outbox.push(AWAY, 2)
    with pytest.raises(easyhttp_rs.OutboxFull, match="2 items wait, and no more may"):
        easy.outbox.push(AWAY, 3)
    easy.outbox.cancel(number)
    easy.outbox.push(AWAY, 3)

    easy = start(outbox_bytes=100)
    easy.outbox.push(AWAY, "x" * 60)
    with pytest.raises(easyhttp_rs.OutboxFull, match="more than 100 bytes") as full:
        easy.outbox.push(AWAY, "x" * 60)
    assert full.value.delivery == "not_sent"
    assert len(easy.outbox.list()) == 1


def test_a_flush_tries_all_and_says_how_many_still_wait(start):
    pushed = Calls(returns=True)
    peer = start(on_push=pushed)
    easy = start()
    easy.outbox.push(AWAY, 1)
    easy.outbox.push(peer.id, 2)
    assert easy.outbox.flush() == 2
    easy.add(peer.id, "127.0.0.1", peer.port)
    eventually(lambda: easy.outbox.flush() == 1)
    assert pushed.next()["data"] == 2


def test_what_could_never_be_sent_is_told_at_once(start):
    easy = start()
    wrong = [
        (("ABCDE", 1), easyhttp_rs.InvalidId, "ABCDE"),
        ((5, 1), TypeError, "int"),
        ((easy.id, 1), easyhttp_rs.OwnId, easy.id),
        ((AWAY, {"readings": [1, {2}]}), TypeError, r"data\.readings\[1\]: set"),
        ((AWAY, float("nan")), ValueError, "nan"),
        ((AWAY, "x" * 2_000_000), easyhttp_rs.TooLarge, "bytes"),
    ]
    for arguments, error, text in wrong:
        with pytest.raises(error, match=text):
            easy.outbox.push(*arguments)
    with pytest.raises(TypeError, match="expires must be a number of seconds, not 'soon'"):
        easy.outbox.push(AWAY, 1, expires="soon")
    with pytest.raises(ValueError, match="expires must be a number of seconds, not -1"):
        easy.outbox.push(AWAY, 1, expires=-1)
    for number, error in (("1", TypeError), (-1, ValueError), (2**64, ValueError)):
        with pytest.raises(error, match="number must be"):
            easy.outbox.cancel(number)
    assert easy.outbox.list() == []


def test_a_device_that_does_not_run_says_so(make):
    easy = make()
    calls = [
        lambda: easy.outbox.push(AWAY, 1),
        lambda: easy.outbox.list(),
        lambda: easy.outbox.cancel(1),
        lambda: easy.outbox.flush(),
    ]
    for call in calls:
        with pytest.raises(easyhttp_rs.NotRunning, match="call start"):
            call()
    easy.start()
    easy.stop()
    for call in calls:
        with pytest.raises(easyhttp_rs.NotRunning, match="has been stopped"):
            call()


def test_where_the_file_is(start, tmp_path):
    device = tmp_path / "kept.json"
    start(config_file=device).outbox.push(AWAY, 1)
    outbox = tmp_path / ".kept.json.outbox"
    assert outbox.exists()
    if sys.platform != "win32":
        assert stat.S_IMODE(outbox.stat().st_mode) == 0o600

    with pytest.raises(easyhttp_rs.NoOutbox, match="no device file"):
        start(id="AB3F9Z").outbox.push(AWAY, 1)
    easy = start(id="AB3F9Z", outbox_file=tmp_path / "elsewhere")
    easy.outbox.push(AWAY, 2)
    assert (tmp_path / "elsewhere").exists()
    with pytest.raises(easyhttp_rs.StartError, match="elsewhere"):
        start(id="AB3F9Y", outbox_file=tmp_path / "elsewhere")
    easy.stop()
    easy = start(id="AB3F9Z", outbox_file=tmp_path / "elsewhere")
    assert [item.data for item in easy.outbox.list()] == [2]


def test_a_disk_that_cannot_be_written(start, tmp_path):
    easy = start(outbox_file=tmp_path / "no folder" / "outbox")
    with pytest.raises(easyhttp_rs.OutboxError, match="no folder.*cannot be used"):
        easy.outbox.push(AWAY, 1)
    with pytest.raises(OSError):
        easy.outbox.push(AWAY, 1)
    (tmp_path / "no folder").mkdir()
    easy.outbox.push(AWAY, 1)


# ---- killed without a warning ----


def sender(faces, source):
    """A program of its own with the device file ``sender.json``, which finds others."""
    settings = dict(enable_discovery=True, discovery_port=faces.discovery_port, dns_sd=False)
    prologue = f"""
        SETTINGS.update(config_file="sender.json", **{settings!r})
        easy = EasyHTTP(**SETTINGS)
    """
    return Program(prologue + source, faces.folder)


def test_what_waits_is_there_after_the_program_was_killed(faces, keeping):
    """And finds the device elsewhere, and no number is given twice."""
    program = sender(
        faces,
        f"""
        import time
        easy.start()
        easy.add({AWAY!r}, "127.0.0.1", 9)
        for n in range(100):
            say(easy.outbox.push({AWAY!r}, n))
        say("all")
        time.sleep(3600)
        """,
    )
    with program:
        numbers = [int(program.line()) for _ in range(30)]
    # It was killed somewhere in the middle.
    confirmed = [int(line) for line in program.out.text.split() if line.isdigit()]
    assert confirmed[:30] == numbers

    delivered, pushed = Calls(), Calls(returns=True)
    easy = keeping("sender", on_delivered=delivered)
    waiting = [item.number for item in easy.outbox.list()]
    assert waiting[: len(confirmed)] == confirmed
    keeping(id=AWAY, on_push=pushed)
    for n, number in enumerate(waiting):
        assert pushed.next()["data"] == n
        assert delivered.next()["item"].number == number
    assert easy.outbox.push(AWAY, "more") > max(waiting)


@pytest.mark.parametrize("durable", [None, "unknown", "run_again"])
def test_what_was_done_is_not_done_again_when_both_were_restarted(faces, keeping, durable):
    """The sender was killed while its user was told, and so tries again."""
    pushed = Calls(returns=True)
    receiver = keeping("receiver", on_push=pushed, durable=durable)
    program = sender(
        faces,
        f"""
        import time

        @easy.on("on_delivered")
        def delivered(data):
            say("delivered", data)
            time.sleep(3600)

        easy.start()
        easy.outbox.push({receiver.id!r}, "once")
        time.sleep(3600)
        """,
    )
    with program:
        program.until("delivered once")
    receiver.stop()
    assert pushed.next()["data"] == "once"

    again = keeping("receiver", on_push=pushed, durable=durable)
    delivered, refused = Calls(), Calls()
    easy = keeping("sender", on_delivered=delivered, on_refused=refused)
    assert again.id == receiver.id
    if durable is None:
        error = refused.next()["error"]
        assert type(error) is easyhttp_rs.Unsure
        assert (error.device_id, error.delivery) == (again.id, "unknown")
        assert delivered.given.empty()
    else:
        assert delivered.next()["data"] == "once"
        assert refused.given.empty()
    easy.outbox.push(again.id, "next")
    assert pushed.next()["data"] == "next"


@pytest.mark.parametrize("durable", ["unknown", "run_again"])
def test_a_receiver_that_is_killed_in_its_callback(faces, keeping, durable):
    """What becomes of what it was doing, its `durable` says."""
    config_file = faces.folder / "receiver.json"
    settings = dict(enable_discovery=True, discovery_port=faces.discovery_port, dns_sd=False)
    program = Program(
        f"""
        import time
        SETTINGS.update(config_file="receiver.json", durable={durable!r}, **{settings!r})
        easy = EasyHTTP(**SETTINGS)

        @easy.on("on_push")
        def switch(data):
            say("begins", data)
            time.sleep(3600)

        easy.start()
        say("runs")
        time.sleep(3600)
        """,
        faces.folder,
    )
    delivered, refused = Calls(), Calls()
    easy = keeping(on_delivered=delivered, on_refused=refused)
    with program:
        program.until("runs")
        receiver = json.loads(config_file.read_text())["device_id"]
        number = easy.outbox.push(receiver, "on")
        program.until("begins on")
    assert [item.number for item in easy.outbox.list()] == [number]

    pushed = Calls(returns=True)
    keeping("receiver", on_push=pushed, durable=durable)
    if durable == "run_again":
        assert pushed.next()["data"] == "on"
        assert delivered.next()["item"].number == number
    else:
        given = refused.next()
        assert (given["item"].number, given["item"].may_have_arrived) == (number, True)
        assert given["error"].delivery == "unknown"
        assert pushed.given.empty()
    assert easy.outbox.list() == []

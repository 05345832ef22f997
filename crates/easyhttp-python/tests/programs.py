"""Python programs in processes of their own."""

import json
import os
import queue
import subprocess
import sys
import textwrap
import threading

from support import LOOPBACK, PATIENCE, eventually

#: Before each program: a device that is not started, and a way to say something.
PROLOGUE = """
import sys
from easyhttp_rs import EasyHTTP, EasyHTTPAsync

SETTINGS = dict(port=0, enable_discovery=False, config_file={file!r}, interfaces={interfaces!r})
easy = EasyHTTP(**SETTINGS)

def say(*words):
    print(*words, flush=True)
"""


class Running:
    """A process, and the lines that it prints."""

    def __init__(self, command, stdin=subprocess.DEVNULL, **settings):
        self.process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )
        self.out = _Lines(self.process.stdout)
        self.err = _Lines(self.process.stderr)

    def line(self):
        """The next line of its output."""
        return self.out.next(self)

    def until(self, text):
        """The next line with this in it; those before are dropped."""
        while text not in (line := self.line()):
            pass
        return line

    def says(self, text):
        """Waits until it has said this. Not by lines: what callbacks print on several
        threads at once may stand in one."""
        eventually(lambda: text in self.out.text or self.process.poll() is not None)
        assert text in self.out.text, f"it ended:\n{self.out.text}\n{self.err.text}"

    def write(self, value):
        """Gives it a line of JSON to read."""
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Waits for its end, and gives its exit code."""
        code = self.process.wait(PATIENCE)
        self.out.thread.join()
        self.err.thread.join()
        return code

    def close(self):
        """Ends it without a warning."""
        self.process.kill()
        self.end()
        if self.process.stdin:
            self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Program(Running):
    """A Python program that has a device ``easy``, and says things by ``say``."""

    def __init__(self, source, folder):
        self.number = len(list(folder.glob("program-*.py")))
        path = folder / f"program-{self.number}.py"
        prologue = PROLOGUE.format(file=str(path.with_suffix(".json")), interfaces=LOOPBACK)
        path.write_text(prologue + textwrap.dedent(source))
        super().__init__([sys.executable, str(path)], cwd=folder, env=environment())


def environment():
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


class _Lines:
    """What comes out of a pipe, read beside the test."""

    def __init__(self, pipe):
        self.lines = queue.Queue()
        self.text = ""
        self.thread = threading.Thread(target=self._read, args=[pipe], daemon=True)
        self.thread.start()

    def _read(self, pipe):
        for line in pipe:
            self.text += line
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)
        pipe.close()

    def next(self, program):
        line = self.lines.get(timeout=PATIENCE)
        assert line is not None, f"it ended:\n{program.out.text}\n{program.err.text}"
        return line

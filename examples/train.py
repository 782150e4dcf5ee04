#!/usr/bin/env python3
"""Trains a small classifier and records the training in model-ledger, over HTTP. Standard library only.

    MODEL_LEDGER_URL=http://127.0.0.1:8080 MODEL_LEDGER_TOKEN=… ./train.py "Digits" --epochs 50 --out model.json

The ledger decides whether the new model is deployed, and says why. Safe to repeat: the same run is recorded once.
"""

import argparse
import hashlib
import json
import math
import os
import pathlib
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


def samples(count, seed):
    """Points of two overlapping clouds, and which cloud each is of."""
    rng = random.Random(seed)
    for _ in range(count):
        label = rng.random() < 0.5
        centre = 1.0 if label else -1.0
        yield (rng.gauss(centre, 1.2), rng.gauss(centre, 1.2)), label


def score(weights, point):
    return 1 / (1 + math.exp(-(weights[0] + weights[1] * point[0] + weights[2] * point[1])))


def train(epochs, rate, seed):
    """Logistic regression by gradient descent."""
    weights = [0.0, 0.0, 0.0]
    data = list(samples(400, seed))
    for _ in range(epochs):
        for point, label in data:
            error = label - score(weights, point)
            weights = [w + rate * error * x for w, x in zip(weights, (1.0, *point))]
    return weights


def f1(weights, seed):
    """On points that it was not trained on."""
    hits = [(score(weights, point) > 0.5, label) for point, label in samples(400, seed + 1)]
    true_positives = sum(guess and label for guess, label in hits)
    wrong = sum(guess != label for guess, label in hits)
    return 2 * true_positives / (2 * true_positives + wrong) if true_positives else 0.0


def post(url, body, key):
    """The key makes it safe to send again when the answer was lost: the ledger gives the first result."""
    headers = {"content-type": "application/json", "idempotency-key": key}
    token = os.environ.get("MODEL_LEDGER_TOKEN")
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    for attempt in range(6):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                problem = json.loads(error.read() or b"{}")
                raise SystemExit(f"refused: {problem.get('code')}: {problem.get('detail')}") from error
        except OSError:
            pass  # not reached: perhaps it is just starting
        time.sleep(min(2**attempt, 20) * random.uniform(0.2, 0.5))
    raise SystemExit(f"no answer from {url}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project")
    parser.add_argument("--url", default=os.environ.get("MODEL_LEDGER_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("model.json"))
    parser.add_argument("--run-id", default=str(uuid.uuid4()), help="of this run; repeating one records nothing new")
    args = parser.parse_args()

    weights = train(args.epochs, args.rate, args.seed)
    model = json.dumps({"weights": weights}).encode()
    args.out.write_bytes(model)
    result = post(
        f"{args.url}/v1/projects/{urllib.parse.quote(args.project, safe='')}/models",
        {
            "task": "classification",
            "algorithm": "logistic_regression",
            "metrics": {"f1": f1(weights, args.seed)},
            "hyperparams": {"epochs": args.epochs, "rate": args.rate, "seed": args.seed},
            "artifact": {
                "uri": args.out.resolve().as_uri(),
                "digest": f"sha256:{hashlib.sha256(model).hexdigest()}",
            },
        },
        key=f"train-{args.run_id}",
    )
    print(json.dumps({key: result[key] for key in ("project", "version", "modelId", "deployed", "because")}))


if __name__ == "__main__":
    main()
